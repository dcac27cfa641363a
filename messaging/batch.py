"""Several webhook requests as one set of rows: each event once, each customer's message with its job."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

import orjson

from core.ids import AccountId, new_id
from messaging.channel import (
    Account,
    AddressKind,
    InboundEvent,
    InboundMessage,
    OtherEvent,
    StatusReport,
)
from messaging.written import inbound_to_json

RECEIVE_JOB = "messaging.receive"
RECEIVE_BAND = "inbound"

_SUREST_FIRST = (AddressKind.BSUID, AddressKind.USER_ID, AddressKind.WA_ID, AddressKind.PHONE)
_KIND: dict[type, str] = {InboundMessage: "message", StatusReport: "status", OtherEvent: "other"}


@dataclass(slots=True)
class Told:
    """One request: what its body said (None when nobody can read it), and who waits for the commit."""

    account: Account
    events: Sequence[InboundEvent] | None
    body: bytes
    committed: asyncio.Future[None]
    senders: frozenset[str] = field(init=False)
    """The addresses of the customers who say something in it."""

    def __post_init__(self) -> None:
        self.senders = frozenset(
            address
            for event in self.events or ()
            if isinstance(event, InboundMessage)
            for address in event.sender.values()
        )

    @property
    def weight(self) -> int:
        """Roughly how much work this is."""
        return max(1, len(self.events or ()))


@dataclass(slots=True)
class Rows:
    """What a batch puts into the inbox, by column; the lane of each customer's message, by its id."""

    inbox_ids: list[UUID] = field(default_factory=list)
    account_ids: list[UUID] = field(default_factory=list)
    event_keys: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    payloads: list[str | None] = field(default_factory=list)
    raws: list[bytes | None] = field(default_factory=list)
    lanes: dict[UUID, str] = field(default_factory=dict)
    _keys: set[tuple[UUID, str]] = field(default_factory=set)

    def unread(self, account: Account, body: bytes) -> None:
        """A body that nobody could read, as it is; a repetition of it is the same body."""
        key = f"raw:{hashlib.sha256(body).hexdigest()}"
        self._add(account, key, "unparsed", None, body)

    def other(self, account: Account, event: OtherEvent) -> None:
        """Something that is kept and not acted upon."""
        told = {"type": event.type, "at": event.at.isoformat()}
        self._add(account, event.event_key, "other", told)

    def message(self, account: Account, event: InboundMessage) -> None:
        """A customer's message, and the lane of the job that works it off."""
        inbox_id = self._add(account, event.event_key, "message", inbound_to_json(event))
        if inbox_id is not None:
            self.lanes[inbox_id] = _lane(account, event)

    def _add(
        self, account: Account, key: str, kind: str, payload: object, raw: bytes | None = None
    ) -> UUID | None:
        """None when this batch has the event already: one statement must not write a key twice."""
        if (account.id, key) in self._keys:
            return None
        self._keys.add((account.id, key))
        inbox_id = new_id()
        self.inbox_ids.append(inbox_id)
        self.account_ids.append(account.id)
        self.event_keys.append(key)
        self.kinds.append(kind)
        self.payloads.append(None if payload is None else orjson.dumps(payload).decode())
        self.raws.append(raw)
        return inbox_id


Reports = Mapping[AccountId, tuple[Account, list[StatusReport]]]


def gather(group: Iterable[Told]) -> tuple[Rows, Reports]:
    """The rows of a batch, and the reports of each account.

    Accounts come in one order, so that two batches cannot wait for each other.
    """
    rows = Rows()
    reports: dict[AccountId, tuple[Account, list[StatusReport]]] = {}
    for told in group:
        if told.events is None:
            rows.unread(told.account, told.body)
            continue
        for event in told.events:
            match event:
                case StatusReport():
                    reports.setdefault(told.account.id, (told.account, []))[1].append(event)
                case InboundMessage():
                    rows.message(told.account, event)
                case OtherEvent():
                    rows.other(told.account, event)
                case _:
                    assert_never(event)
    return rows, dict(sorted(reports.items()))


def tally(group: Iterable[Told]) -> Counter[tuple[AccountId, str]]:
    """How many events of each kind came for each account."""
    kinds: Counter[tuple[AccountId, str]] = Counter()
    for told in group:
        if told.events is None:
            kinds[told.account.id, "unparsed"] += 1
            continue
        for event in told.events:
            kinds[told.account.id, _KIND[type(event)]] += 1
    return kinds


def _lane(account: Account, event: InboundMessage) -> str:
    """One person's messages are worked off in order. The address itself stays out of the job."""
    surest = next(event.sender[kind] for kind in _SUREST_FIRST if kind in event.sender)
    digest = hashlib.blake2b(surest.encode(), digest_size=12, key=account.id.bytes)
    return f"in:{account.id}:{digest.hexdigest()}"
