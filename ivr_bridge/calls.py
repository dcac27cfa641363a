"""Calls as the database knows them: met when they ask, told about by events."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.faults import Refused
from core.ids import CallRef, ContactId, LineId, WorkspaceId, new_id
from core.postgres import Tx
from core.queries import load
from core.weaving import Strand, Woven
from ivr_bridge.opening import Wish
from ivr_bridge.policy.recorded import Read
from ivr_bridge.policy.terms import Cap
from messaging.channel import Account

SQL = load(Path(__file__).with_name("calls.sql"))


class IdempotencyConflict(Refused, code="idempotency_conflict"):
    """This call id already belongs to another caller."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about a call that asks and about its caller."""

    known: CallRef | None
    """The call, when an earlier request or an event named it."""
    known_caller: str | None
    declined_now: bool
    offered_now: bool
    declined_before: bool
    called_again: bool
    earlier_calls: int
    conversation_open: bool
    rescued_contact: ContactId | None
    unwanted: bool
    """On the workspace's do-not-contact list."""
    openings_ago_s: Sequence[float]
    """This person's latest openings, newest first, as far back as the line's terms ask."""
    held_out: bool
    """Nothing was offered in this call, so that the effect can be measured."""


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
    caller=Strand(SQL["know_caller"]),
)


async def meet(tx: Tx, wish: Wish, account: Account | None) -> tuple[CallRef | None, Known]:
    """Write the call down if it is new (its ref says that it was), and see who is calling."""
    row = await tx.fetchrow(
        *_MEET(
            call=to_make(tx.workspace_id, wish, CallRef(new_id())),
            caller=asked_about(tx.workspace_id, wish, account),
        )
    )
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    made, *known = row.values()
    return made, Known(*known)


def to_make(workspace_id: WorkspaceId, wish: Wish, call_ref: CallRef) -> dict[str, Any]:
    """The values of `make_call`."""
    return {
        "workspace": workspace_id,
        "call_ref": call_ref,
        "line": wish.line.line_id,
        "call_id": wish.call_id,
        "caller": wish.known_caller,
    }


def asked_about(workspace_id: WorkspaceId, wish: Wish, account: Account | None) -> dict[str, Any]:
    """The values of `know_caller`."""
    line = wish.line
    far = Read.by(line.terms.policy, line.terms.shadow).openings or (0, 0)
    return {
        "workspace": workspace_id,
        "line": line.line_id,
        "call_id": wish.call_id,
        "caller": wish.known_caller,
        "repeat_call_s": line.repeat_call_s,
        "declined_s": line.declined_s,
        "target": wish.target,
        "account": None if account is None else account.id,
        "patterns": patterns_of(wish.target) if line.unwanted_listed and wish.target else [],
        "openings_within_s": far[0],
        "openings_kept": far[1],
    }


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
    "to_make",
]
