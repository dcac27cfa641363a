"""The first message to a caller who is still on the line: sent once, by whoever answers the call.

    opening = await prepare(tx, OpeningDraft(phone, account, content, …))   commit: `sending`, leased
    outcome = await post(channel, account, opening, timeout_s=…)            network only
    state = await record(tx, events, opening, outcome, clock())             commit: what is known

Listen on `message:<message_id>` before posting; read `state` after every wake, and sweep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from core.events import Events
from core.ids import AddressId, ContactId, MessageId, ThreadId, WorkspaceId, new_id
from core.postgres import Record, Tx, to_json
from core.queries import load
from core.vocabulary import PhoneNumber
from core.weaving import Strand, Woven
from messaging import posting
from messaging.channel import Account, AddressKind, Channel, Failure, Outgoing, Recipient
from messaging.contacts import goes_by
from messaging.content import Content
from messaging.deliveries import standing
from messaging.delivery import Standing, Status
from messaging.posting import Letter, Lost, Outcome, Posted, Refused
from messaging.reachability import NOTHING, Evidence, Known, judge
from messaging.written import content_to_json

SQL = load(Path(__file__).with_name("openings.sql"))

REACHED: Mapping[str, str] = {
    "addresses": "(SELECT array_agg(address_id ORDER BY place) FROM reach)",
    "threads": "(SELECT array_agg(thread_id ORDER BY place) FROM reach)",
}
"""What a strand `reach` gives to a strand of `say`."""

_PREPARE = Woven(
    "SELECT contact_id, address_id, thread_id FROM reach",
    reach=Strand(SQL["reach"]),
    message=Strand(SQL["say"], **REACHED),
)

LEASE_S = 20.0
"""Longer than any post may take; after it, silence of the sender means that nobody knows."""


@dataclass(frozen=True, slots=True)
class OpeningDraft:
    """What to say to whom, from which account."""

    phone: PhoneNumber
    account: Account
    content: Content
    language: str | None = None
    author_name: str | None = None
    client_key: str | None = None
    """At most one message of a thread carries the same key."""
    watch: bool = False
    lease_s: float = LEASE_S
    message_id: MessageId = field(default_factory=lambda: MessageId(new_id()))


@dataclass(frozen=True, slots=True)
class Opening:
    """An opening that is committed as `sending` and may now go out, once."""

    letter: Letter
    contact_id: ContactId
    address_id: AddressId
    thread_id: ThreadId
    outgoing: Outgoing

    @property
    def message_id(self) -> MessageId:
        """The message this is."""
        return self.letter.message_id


@dataclass(frozen=True, slots=True)
class Prospect:
    """What we know about a number before we decide to write to it. Nobody is made by looking."""

    contact_id: ContactId | None
    thread_id: ThreadId | None
    window_until: datetime | None
    last_inbound_at: datetime | None
    opted_out: bool
    evidence: Evidence
    account_stopped: str | None
    """The provider's code for which the account rests right now."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """A message's delivery as one row."""

    message_id: MessageId
    status: str
    failed_at: datetime | None
    failed_class: str | None
    failed_code: str | None
    sent_for_s: float | None


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """Where a message stands. `sent_for_s`: how long ago its first `sent` (or better) was recorded."""

    message_id: MessageId
    standing: Standing
    sent_for_s: float | None

    @property
    def status(self) -> Status:
        """The highest rank reached."""
        return self.standing.status

    @property
    def failure(self) -> Failure | None:
        """Why it failed, unless it arrived all the same."""
        return self.standing.failure


async def look_up(tx: Tx, phone: PhoneNumber, account: Account, now: datetime) -> Prospect:
    """Contact, thread, window, opt-out, evidence and the account's health, in one statement."""
    row = await tx.fetchrow(*SQL["look_up"](**looked_up(tx.workspace_id, [(phone, account)])))
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    return prospect(row, now)


def looked_up(
    workspace_id: WorkspaceId, asked: Sequence[tuple[PhoneNumber, Account]]
) -> dict[str, Any]:
    """The values of `look_up`: one place for each, counted from 1."""
    return {
        "workspace": workspace_id,
        "accounts": [account.id for _, account in asked],
        "channels": [account.kind.value for _, account in asked],
        **_names([phone for phone, _ in asked]),
    }


def prospect(row: Record, now: datetime) -> Prospect:
    """What a row of `look_up` says, as of now."""
    known = row["reachability"] or ()
    return Prospect(
        contact_id=row["contact_id"],
        thread_id=row["thread_id"],
        window_until=row["window_until"],
        last_inbound_at=row["last_inbound_at"],
        opted_out=row["opted_out"],
        evidence=judge([_known(each) for each in known], now) if known else NOTHING,
        account_stopped=row["stopped_code"],
    )


async def prepare(tx: Tx, draft: OpeningDraft) -> Opening:
    """Write the opening down as `sending` under a lease; send it only after the commit."""
    row = await tx.fetchrow(
        *_PREPARE(
            reach=to_reach(tx.workspace_id, [draft]), message=to_say(tx.workspace_id, [draft])
        )
    )
    assert row is not None, "the statement finds or makes exactly one"  # noqa: S101 - its own promise
    tx.wake(f"desk:{tx.workspace_id}")
    return prepared(draft, row)


def to_reach(workspace_id: WorkspaceId, drafts: Sequence[OpeningDraft]) -> dict[str, Any]:
    """The values of `reach`: one place for each draft, counted from 1. No two may be to one number."""
    return {
        "workspace": workspace_id,
        "phones": [draft.phone.e164 for draft in drafts],
        "languages": [draft.language for draft in drafts],
        "accounts": [draft.account.id for draft in drafts],
        "address_ids": [new_id() for _ in drafts],
        "contact_ids": [new_id() for _ in drafts],
        "thread_ids": [new_id() for _ in drafts],
        **_names([draft.phone for draft in drafts]),
    }


def to_say(workspace_id: WorkspaceId, drafts: Sequence[OpeningDraft]) -> dict[str, Any]:
    """The values of `say`, without what `reach` finds: the addresses and the threads."""
    return {
        "workspace": workspace_id,
        "messages": [draft.message_id for draft in drafts],
        "accounts": [draft.account.id for draft in drafts],
        "author_names": [draft.author_name for draft in drafts],
        "types": [draft.content.type.value for draft in drafts],
        "texts": [draft.content.text for draft in drafts],
        "contents": [to_json(content_to_json(draft.content)) for draft in drafts],
        "client_keys": [draft.client_key for draft in drafts],
        "watches": [draft.watch for draft in drafts],
        "leases_s": [draft.lease_s for draft in drafts],
    }


def prepared(draft: OpeningDraft, row: Record) -> Opening:
    """What a row of `reach` made of a draft."""
    return Opening(
        letter=Letter(draft.message_id, draft.account.id, draft.account.kind, fence=1),
        contact_id=row["contact_id"],
        address_id=row["address_id"],
        thread_id=row["thread_id"],
        outgoing=Outgoing(
            draft.message_id,
            # Always +E.164: without the plus Meta prepends the business's own country code.
            Recipient({AddressKind.PHONE: draft.phone.e164}),
            draft.content,
        ),
    )


async def post(
    channel: Channel,
    account: Account,
    opening: Opening,
    timeout_s: float,
    *,
    leave_within_s: float | None = None,
) -> Outcome:
    """Put it on the wire, once: `Posted`, `Refused` or `Lost`. No database is touched.

    What is not on its way by `leave_within_s` is `Refused`: whoever it is for waits no longer.
    """
    outgoing = replace(opening.outgoing, leave_within_s=leave_within_s)
    return await posting.post(channel, account, outgoing, timeout_s=timeout_s)


async def record(
    tx: Tx, events: Events, opening: Opening, outcome: Outcome, at: datetime
) -> DeliveryState:
    """What the provider answered, and what it had reported before that; one statement mostly."""
    now = await posting.record(tx, events, opening.letter, outcome, at)
    if now is None:
        raise LookupError(f"opening {opening.message_id} is not there")
    return DeliveryState(opening.message_id, now, None)


async def state(tx: Tx, message_id: MessageId, *, lock: bool = False) -> DeliveryState:
    """Where a message stands; with `lock`, no report about it commits until this transaction ends."""
    named: dict[str, Any] = {"workspace": tx.workspace_id, "message_id": message_id}
    if lock:
        # First and apart: the statement that reads must begin after the lock is ours.
        await tx.execute(*SQL["lock"](**named))
    row = await tx.fetchrow(*SQL["state"](**named))
    if row is None:
        raise LookupError(f"message {message_id} is not there")
    found = StateRow(**row)
    return DeliveryState(
        found.message_id,
        standing(found.status, found.failed_at, found.failed_class, found.failed_code),
        found.sent_for_s,
    )


async def expire(tx: Tx, message_id: MessageId) -> bool:
    """A `sending` whose lease ran out becomes `unknown`; True when it did so just now."""
    expired = await tx.fetchval(*SQL["expire"](workspace=tx.workspace_id, message_id=message_id))
    if expired is not None:
        tx.wake(f"message:{message_id}", f"desk:{tx.workspace_id}")
    return expired is not None


def _names(phones: Sequence[PhoneNumber]) -> dict[str, list[Any]]:
    """Every address that these numbers go by, with the place of its number."""
    names = [goes_by(phone) for phone in phones]
    return {
        "places": [place for place, name in enumerate(names, 1) for _ in name["kinds"]],
        "kinds": [kind for name in names for kind in name["kinds"]],
        "scopes": [scope for name in names for scope in name["scopes"]],
        "values": [value for name in names for value in name["values"]],
    }


def _known(written: Mapping[str, Any]) -> Known:
    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(written[name]) if written[name] else None

    return Known(
        positive_at=moment("positive_at"),
        positive_source=written["positive_source"],
        sent_at=moment("sent_at"),
        negative_at=moment("negative_at"),
        negative_until=moment("negative_until"),
        negative_code=written["negative_code"],
    )


__all__ = [
    "DeliveryState",
    "Lost",
    "Opening",
    "OpeningDraft",
    "Outcome",
    "Posted",
    "Prospect",
    "Refused",
    "expire",
    "look_up",
    "post",
    "prepare",
    "record",
    "state",
]
