"""Calls as the database knows them: met when they ask, told about by events."""

from dataclasses import dataclass
from pathlib import Path

from core.faults import Refused
from core.ids import CallRef, ContactId, LineId, new_id
from core.postgres import Tx
from core.queries import load
from ivr_bridge.opening import Wish
from messaging.channel import Account

SQL = load(Path(__file__).with_name("calls.sql"))


class IdempotencyConflict(Refused, code="idempotency_conflict"):
    """This call id already belongs to another caller."""


@dataclass(frozen=True, slots=True)
class Met:
    """A call that asks, and what is known about its caller."""

    made: CallRef | None
    known: CallRef | None
    known_caller: str | None
    declined_now: bool
    offered_now: bool
    declined_before: bool
    called_again: bool
    earlier_calls: int
    conversation_open: bool
    rescued_contact: ContactId | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A call that an event spoke of."""

    call_ref: CallRef
    line_id: LineId
    call_id: str
    caller: str | None


async def meet(tx: Tx, wish: Wish, account: Account | None) -> Met:
    """Write the call down if it is new, and see who is calling."""
    line = wish.line
    row = await tx.fetchrow(
        *SQL["meet_call"](
            workspace=tx.workspace_id,
            call_ref=new_id(),
            line=line.line_id,
            call_id=wish.call_id,
            caller=wish.known_caller,
            repeat_call_s=line.repeat_call_s,
            declined_s=line.declined_s,
            target=wish.target,
            account=None if account is None else account.id,
        )
    )
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    return Met(**row)


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


__all__ = ["SQL", "IdempotencyConflict", "Met", "Taken", "hold", "key_of", "meet"]
