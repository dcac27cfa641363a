"""Evidence that a number can be reached on a channel, and how old it is.

Nobody may be asked whether a number is on WhatsApp; what statuses, failures and people's own
messages said is all there is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from core.ids import AddressId, ContactId
from core.postgres import Tx
from core.queries import load
from core.vocabulary import ChannelKind, PhoneNumber
from messaging.contacts import goes_by

SQL = load(Path(__file__).with_name("reachability.sql"))

POSITIVE_FOR = timedelta(days=30)
FRESH_FOR = timedelta(days=7)
"""Evidence weakens with age: people change numbers and leave networks. Only while it is this young may
it stand in for evidence that has yet to come; after that it merely speaks for trying."""
SENT_ONLY_FOR = timedelta(hours=1)


class Reach(StrEnum):
    """What is known about an address on a channel."""

    CONFIRMED = "confirmed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known, from what, and since when. `unknown` may still say that a message was sent."""

    state: Reach
    source: str | None = None
    at: datetime | None = None
    fresh: bool = False
    """Confirmed so lately that it may stand in for evidence to come."""


NOTHING = Evidence(Reach.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Known:
    """What was recorded about one address."""

    positive_at: datetime | None
    positive_source: str | None
    sent_at: datetime | None
    negative_at: datetime | None
    negative_until: datetime | None
    negative_code: str | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that happened to an address: reached, sent to, or refused."""

    address_id: AddressId
    positive_at: datetime | None = None
    positive_source: str | None = None
    sent_at: datetime | None = None
    negative_at: datetime | None = None
    negative_code: str | None = None

    def with_(self, later: "Sighting") -> "Sighting":
        """Both in one row."""
        merged = self
        if later.positive_at and (not self.positive_at or later.positive_at > self.positive_at):
            merged = replace(
                merged, positive_at=later.positive_at, positive_source=later.positive_source
            )
        if later.negative_at and (not self.negative_at or later.negative_at > self.negative_at):
            merged = replace(
                merged, negative_at=later.negative_at, negative_code=later.negative_code
            )
        if later.sent_at and (not self.sent_at or later.sent_at > self.sent_at):
            merged = replace(merged, sent_at=later.sent_at)
        return merged


async def look(tx: Tx, phone: PhoneNumber, channel: ChannelKind, now: datetime) -> Evidence:
    """What we know about this number there, as of now."""
    rows = await tx.fetch(
        *SQL["look"](
            workspace=tx.workspace_id,
            channel=channel.value,
            **goes_by(phone),
        )
    )
    return judge([Known(**row) for row in rows], now)


def judge(known: Iterable[Known], now: datetime) -> Evidence:
    """The surest thing that can be said: reached wins over refused unless the refusal is newer."""
    best = NOTHING
    for each in known:
        evidence = _judge_one(each, now)
        if best == NOTHING or _sureness(evidence) > _sureness(best):
            best = evidence
    return best


def _sureness(evidence: Evidence) -> tuple[int, bool]:
    return _SURENESS[evidence.state], evidence.fresh


_SURENESS = {Reach.CONFIRMED: 2, Reach.UNREACHABLE: 1, Reach.UNKNOWN: 0}


def _judge_one(known: Known, now: datetime) -> Evidence:
    reached_last = known.positive_at is not None and (
        known.negative_at is None or known.positive_at >= known.negative_at
    )
    if known.negative_until is not None and not reached_last and now < known.negative_until:
        return Evidence(Reach.UNREACHABLE, known.negative_code, known.negative_at)
    if reached_last and known.positive_at is not None and now - known.positive_at <= POSITIVE_FOR:
        fresh = now - known.positive_at <= FRESH_FOR
        return Evidence(Reach.CONFIRMED, known.positive_source, known.positive_at, fresh)
    if known.sent_at is not None and now - known.sent_at <= SENT_ONLY_FOR:
        return Evidence(Reach.UNKNOWN, "sent", known.sent_at)
    return NOTHING


async def witness(tx: Tx, channel: ChannelKind, sightings: Sequence[Sighting]) -> None:
    """Remember what happened, in one statement."""
    if not sightings:
        return
    merged: dict[AddressId, Sighting] = {}
    for sighting in sightings:
        before = merged.get(sighting.address_id)
        merged[sighting.address_id] = before.with_(sighting) if before else sighting
    rows = list(merged.values())
    await tx.execute(
        *SQL["witness"](
            workspace=tx.workspace_id,
            channel=channel.value,
            address_ids=[row.address_id for row in rows],
            positive_ats=[row.positive_at for row in rows],
            positive_sources=[row.positive_source for row in rows],
            sent_ats=[row.sent_at for row in rows],
            negative_ats=[row.negative_at for row in rows],
            negative_codes=[row.negative_code for row in rows],
        )
    )


async def wrote(tx: Tx, contact_id: ContactId, channel: ChannelKind, at: datetime) -> None:
    """A customer's own message is the best evidence there is."""
    rows = await tx.fetch(
        *SQL["addresses_to_witness"](
            workspace=tx.workspace_id, contact_id=contact_id, channel=channel.value
        )
    )
    await witness(
        tx,
        channel,
        [Sighting(row["address_id"], positive_at=at, positive_source="inbound") for row in rows],
    )
