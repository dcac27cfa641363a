"""What IVRs tell about their calls: once, late, out of order, a thousand at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from core.clock import Clock
from core.faults import Fault, Forbidden, Invalid
from core.ids import CallRef, DeflectionId, WorkspaceId, new_id
from core.jobs import enqueue, enqueue_many
from core.postgres import Database, Tx
from ivr_bridge import calls
from ivr_bridge.again import called_again
from ivr_bridge.callers import caller_of
from ivr_bridge.calls import IdempotencyConflict, Taken, key_of
from ivr_bridge.documents import CallEvent, EventRefused, EventsTaken
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.race import rescue_check
from ivr_bridge.reading import clean, lenient
from ivr_bridge.rescues.rescue import CALLED, call_off
from ivr_bridge.returns import returns
from ivr_bridge.returns.store import State, open_of_calls

log = structlog.get_logger()

LEFT_RESCUE_AFTER_S = 60.0
"""A caller who left while their opening was under way: long enough for its first reports."""
LEFT_LATELY = timedelta(hours=1)
"""Of a call that ended longer ago, told in yesterday's batch or read from a PBX's records, nobody
needs to be rescued any more: they have called again, or found another way."""
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
"""A clock may be in another zone than it says; none is further ahead."""


class LineUnknown(Invalid, code="line_unknown"):
    """There is no line with this number or name."""


class LineForbidden(Forbidden, code="line_or_ip_forbidden"):
    """This key may not use this line."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event that was understood."""

    index: int
    line: Line
    call_id: str
    caller: str | None
    event: CallEvent
    at: datetime
    key: str

    @property
    def call(self) -> tuple[Any, str]:
        """Whose event it is."""
        return self.line.line_id, self.call_id


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of some events."""

    fresh: Sequence[Told]
    """Those that nobody had told before."""
    conflicts: Sequence[Told]
    """Those that speak of a call that is another caller's."""
    facts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CallEvents:
    """The denominator of every share."""

    database: Database
    lines: Lines
    clock: Clock

    async def take(
        self, workspace_id: WorkspaceId, key_lines: Sequence[str], raw: Sequence[Any]
    ) -> EventsTaken:
        """Record what fits; what does not is named, and costs nothing else."""
        told: list[Told] = []
        refused: list[EventRefused] = []
        for index, fields in enumerate(raw):
            try:
                told.append(await self._understand(workspace_id, key_lines, index, fields))
            except Fault as fault:
                refused.append(EventRefused(index=index, code=fault.code, detail=fault.detail))
        accepted = 0
        if told:
            async with self.database.workspace(workspace_id) as tx:
                recorded = await record(tx, told, self.clock())
            accepted = len(recorded.fresh)
            refused += [
                EventRefused(
                    index=event.index,
                    code=IdempotencyConflict.code,
                    detail=(IdempotencyConflict.__doc__ or "").strip(),
                )
                for event in recorded.conflicts
            ]
        log.info("calls.told", taken=accepted, refused=len(refused))
        return EventsTaken(
            accepted=accepted,
            duplicates=len(raw) - len(refused) - accepted,
            refused=sorted(refused, key=lambda each: each.index),
        )

    async def _understand(
        self, workspace_id: WorkspaceId, key_lines: Sequence[str], index: int, fields: object
    ) -> Told:
        if not isinstance(fields, Mapping):
            raise Invalid("Each event is a JSON object.")
        event, _ = lenient(CallEvent, _renamed(fields))
        line = await self.lines.find(workspace_id, event.line)
        if line is None:
            raise LineUnknown
        if not line.opens_to(key_lines):
            raise LineForbidden
        caller = caller_of(
            event.caller,
            withheld=event.caller_withheld,
            messenger_number=None,
            country=line.country,
        )
        return Told(
            index=index,
            line=line,
            call_id=key_of(event.call_id),
            caller=None if caller.phone is None else caller.phone.e164,
            event=event,
            at=_moment(event.at, self.clock()) or self.clock(),
            key=_key(event),
        )


async def record(tx: Tx, told: Sequence[Told], now: datetime) -> Recorded:
    """Write these events down, each once, and what they say about deflections and rescues."""
    taken = await _calls(tx, told)
    fitting = [event for event in told if _fits(event, taken[event.call])]
    conflicts = [event for event in told if not _fits(event, taken[event.call])]
    refs = sorted({taken[event.call].call_ref for event in fitting})
    rows = await tx.fetch(
        *calls.SQL["take_events"](
            workspace=tx.workspace_id,
            call_refs=[taken[event.call].call_ref for event in fitting],
            events=[event.event.event for event in fitting],
            event_keys=[event.key for event in fitting],
            ats=[event.at for event in fitting],
            attempts=[event.event.attempt for event in fitting],
            voice_waits=[event.event.voice_wait_s for event in fitting],
            queue_positions=[event.event.queue_position for event in fitting],
        )
    )
    if not rows:
        return Recorded((), conflicts, {})
    await tx.execute(*calls.SQL["sum_up_calls"](workspace=tx.workspace_id, call_refs=refs))
    facts = await _follow_up(tx, refs, {row["event"] for row in rows}, now)
    back = sorted({row["call_ref"] for row in rows if row["event"] == "returned"})
    for return_id in await open_of_calls(tx, back) if back else ():
        await returns.settle(tx, return_id, State.CALLED, "dialler", now)
    new = {(row["call_ref"], row["event"], row["event_key"]) for row in rows}
    fresh = []
    for event in fitting:
        which = (taken[event.call].call_ref, event.event.event, event.key)
        if which in new:
            new.remove(which)
            fresh.append(event)
    return Recorded(fresh, conflicts, facts)


async def _calls(tx: Tx, told: Sequence[Told]) -> dict[tuple[Any, str], Taken]:
    first: dict[tuple[Any, str], Told] = {}
    since: dict[tuple[Any, str], datetime] = {}
    for event in told:
        since[event.call] = min(event.at, since.get(event.call, event.at))
        known = first.get(event.call)
        if known is None or (known.caller is None and event.caller is not None):
            first[event.call] = event
    chosen = list(first.values())
    rows = await tx.fetch(
        *calls.SQL["take_calls"](
            workspace=tx.workspace_id,
            call_refs=[new_id() for _ in chosen],
            lines=[event.line.line_id for event in chosen],
            call_ids=[event.call_id for event in chosen],
            callers=[event.caller for event in chosen],
            ats=[since[event.call] for event in chosen],
        )
    )
    return {(row["line_id"], row["call_id"]): Taken(**row) for row in rows}


async def _follow_up(
    tx: Tx, refs: Sequence[CallRef], events: set[str], now: datetime
) -> Mapping[str, int]:
    """What these events say about deflections and rescues; how many facts are new, by name."""
    found: Counter[str] = Counter()
    if events & {"ended", "answered"}:
        facts = await tx.fetch(
            *calls.SQL["facts_of_ends"](workspace=tx.workspace_id, call_refs=list(refs))
        )
        found.update(row["fact"] for row in facts)
        for row in facts:
            if row["fact"] == "caller_left" and row["at"] > now - LEFT_LATELY:
                await enqueue(
                    tx, rescue_check(DeflectionId(row["deflection_id"]), LEFT_RESCUE_AFTER_S)
                )
    if "answered" in events:
        spoke = await tx.fetch(
            *calls.SQL["answered_after_all"](workspace=tx.workspace_id, call_refs=list(refs))
        )
        # By jobs, which hold the message: one that is being rescued at this moment is seen, too.
        await enqueue_many(tx, [rescue_check(row["deflection_id"], 0) for row in spoke])
    if "entered" in events:
        back = await tx.fetch(
            *calls.SQL["callers_back"](workspace=tx.workspace_id, call_refs=list(refs))
        )
        lately = [row["call_ref"] for row in back if row["at"] > now - LEFT_LATELY]
        await enqueue_many(tx, [called_again(call_ref) for call_ref in lately])
        rows = await tx.fetch(
            *calls.SQL["rescues_of_callers"](workspace=tx.workspace_id, call_refs=list(refs))
        )
        for row in rows:
            await call_off(tx, row["contact_id"], CALLED)
    return found


def _fits(event: Told, taken: Taken) -> bool:
    return event.caller is None or taken.caller == event.caller


def _renamed(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """`type` is another common word for `event`."""
    if "event" in fields or "type" not in fields:
        return fields
    return {**fields, "event": fields["type"]}


def _moment(at: datetime | None, now: datetime) -> datetime | None:
    """A time with its zone; a PBX that names none means UTC, and one that dreams is not believed."""
    if at is None:
        return None
    zoned = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return zoned if _EARLIEST < zoned < now + _AHEAD else None


def _key(event: CallEvent) -> str:
    """What makes two reports the same: the IVR's own id, else the moment; without either, the kind.

    A moment in the future is not believed, but a repeated report repeats it.
    """
    if event.event_id is not None:
        return clean(f"id:{event.event_id}")
    moment = _moment(event.at, _LATEST)
    return "once" if moment is None else moment_key(moment)


def moment_key(at: datetime) -> str:
    """The key of an event that is known by its moment."""
    return f"at:{at.astimezone(UTC).isoformat()}"
