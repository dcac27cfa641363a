"""Calls as the database knows them: met when they ask, told about by events."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.faults import Refused
from core.ids import CallRef, ContactId, DeflectionId, LineId, WorkspaceId, new_id
from core.jobs import enqueue
from core.postgres import Tx
from core.queries import load
from core.weaving import Strand, Woven
from ivr_bridge.again import called_again
from ivr_bridge.opening import Wish
from ivr_bridge.policy.beforehand import SAME_OFFER_S
from ivr_bridge.policy.recorded import Read
from ivr_bridge.policy.terms import Cap
from messaging.channel import Account

SQL = load(Path(__file__).with_name("calls.sql"))


class IdempotencyConflict(Refused, code="idempotency_conflict"):
    """This call id already belongs to another caller."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a call that asks and about its caller."""

    place: int
    known: CallRef | None
    """The call, when an earlier request or an event named it."""
    known_caller: str | None
    attempted: bool
    """It has an attempt already."""
    declined_now: bool
    offered_now: bool
    declined_before: bool
    hung_up_before: DeflectionId | None
    """The latest attempt after which this caller was told to hang up, if that was a short while ago."""
    earlier_calls: int
    conversation_open: bool
    rescued_contact: ContactId | None
    unwanted: bool
    """On the workspace's do-not-contact list."""
    openings_ago_s: Sequence[float]
    """This person's latest openings, newest first, as far back as the line's terms ask."""
    held_out: bool
    """Nothing was offered in this call, so that the effect can be measured."""

    @property
    def called_again(self) -> bool:
        """Had they been told to hang up?"""
        return self.hung_up_before is not None


@dataclass(frozen=True, slots=True)
class Offers:
    """What a caller was offered so far."""

    offered_ago_s: float | None
    offers: int
    ignored: int
    """Earlier calls that let an offer pass."""


NO_OFFERS = Offers(None, 0, 0)


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that an event spoke of."""

    call_ref: CallRef
    line_id: LineId
    call_id: str
    caller: str | None


_MEET = Woven(
    "SELECT call.call_ref AS made, caller.* FROM caller LEFT JOIN call ON true",
    call=Strand(SQL["make_call"]),
    caller=Strand(SQL["know_callers"]),
)


async def meet(tx: Tx, wish: Wish, account: Account | None) -> tuple[CallRef | None, Known]:
    """Write the call down if it is new (its ref says that it was), and see who is calling."""
    row = await tx.fetchrow(
        *_MEET(
            call=to_make(tx.workspace_id, [(CallRef(new_id()), wish)]),
            caller=asked_about(tx.workspace_id, [(wish, account)]),
        )
    )
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    made, *told = row.values()
    known = Known(*told)
    if known.hung_up_before is not None:
        await tx.execute(*returned(tx.workspace_id, known.hung_up_before))
        if made is not None:
            await enqueue(tx, called_again(made))
    return made, known


def to_make(workspace_id: WorkspaceId, calls: Sequence[tuple[CallRef, Wish]]) -> dict[str, Any]:
    """The values of `make_call`."""
    return {
        "workspace": workspace_id,
        "call_refs": [call_ref for call_ref, _ in calls],
        "lines": [wish.line.line_id for _, wish in calls],
        "call_ids": [wish.call_id for _, wish in calls],
        "callers": [wish.known_caller for _, wish in calls],
    }


def asked_about(
    workspace_id: WorkspaceId, asking: Sequence[tuple[Wish, Account | None]]
) -> dict[str, Any]:
    """The values of `know_callers`: one place for each, counted from 1."""
    terms = [wish.line.terms for wish, _ in asking]
    far = [Read.by(each.policy, each.shadow).openings or (0, 0) for each in terms]
    return {
        "workspace": workspace_id,
        "lines": [wish.line.line_id for wish, _ in asking],
        "call_ids": [wish.call_id for wish, _ in asking],
        "callers": [wish.known_caller for wish, _ in asking],
        "targets": [wish.target for wish, _ in asking],
        "accounts": [None if account is None else account.id for _, account in asking],
        "repeat_calls_s": [wish.line.repeat_call_s for wish, _ in asking],
        "declined_s": [wish.line.declined_s for wish, _ in asking],
        "patterns": [_listed_as(wish) for wish, _ in asking],
        "openings_within_s": [within_s for within_s, _ in far],
        "openings_kept": [kept for _, kept in far],
    }


def returned(workspace_id: WorkspaceId, deflection_id: DeflectionId) -> tuple[Any, ...]:
    """The statement that notes a caller's return."""
    return SQL["note_return"](workspace=workspace_id, deflection=deflection_id)


def _listed_as(wish: Wish) -> str | None:
    """Patterns hold no blanks: one array of them travels as one text."""
    wanted = wish.line.unwanted_listed and wish.target
    return " ".join(patterns_of(wish.target)) if wanted and wish.target else None


def patterns_of(number: str) -> list[str]:
    """Every entry of a do-not-contact list that would mean this number."""
    return [number, *(f"{number[:length]}*" for length in range(2, len(number) + 1))]


async def remember_offers(tx: Tx, wish: Wish, cap: Cap | None, *, new: bool) -> Offers:
    """What this caller was offered; a new call has nothing to remember when no `cap` counts calls."""
    if new and cap is None:
        return NO_OFFERS
    row = await tx.fetchrow(
        *SQL["remember_offers"](
            workspace=tx.workspace_id,
            line=wish.line.line_id,
            call_id=wish.call_id,
            caller=wish.known_caller,
            same_offer_s=SAME_OFFER_S,
            ignored_within_s=0 if cap is None else cap.within_s,
            ignored_kept=0 if cap is None else cap.at_most,
        )
    )
    return NO_OFFERS if row is None else Offers(**row)


async def hold(tx: Tx, wish: Wish) -> CallRef:
    """The call, ours until the end of the transaction; raises IdempotencyConflict."""
    row = await tx.fetchrow(
        *SQL["hold_call"](
            workspace=tx.workspace_id,
            line=wish.line.line_id,
            call_id=wish.call_id,
            caller=wish.known_caller,
        )
    )
    assert row is not None, "it was there a moment ago and is never deleted in between"  # noqa: S101
    if wish.known_caller is not None and row["caller"] != wish.known_caller:
        raise IdempotencyConflict
    return CallRef(row["call_ref"])


def key_of(call_id: str) -> str:
    """An opaque call id as a text column holds it, so that two ids are never taken for one.

    PostgreSQL's text knows neither NUL nor lone surrogates; they are escaped, and so is the escape.
    """
    if "\\" not in call_id and "\x00" not in call_id and _encodable(call_id):
        return call_id
    return "".join(_escaped(letter) for letter in call_id)


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escaped(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    if letter == "\x00" or "\ud800" <= letter <= "\udfff":
        return f"\\u{ord(letter):04x}"
    return letter


__all__ = [
    "NO_OFFERS",
    "SQL",
    "IdempotencyConflict",
    "Known",
    "Offers",
    "Taken",
    "asked_about",
    "hold",
    "key_of",
    "meet",
    "patterns_of",
    "remember_offers",
    "returned",
    "to_make",
]
