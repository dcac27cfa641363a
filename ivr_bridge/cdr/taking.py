"""A PBX's file becomes calls and their events: in batches, each a transaction, none taken twice."""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import IO

from core.clock import Clock
from core.ids import LineId, WorkspaceId
from core.postgres import Database
from core.queries import load
from ivr_bridge.calls import key_of
from ivr_bridge.cdr.files import Records
from ivr_bridge.cdr.hours import OtherHours, refuse_doubtful
from ivr_bridge.cdr.record import Record, Skip, Skipped, understood
from ivr_bridge.cdr.taking_back import TakingBack, taking_back
from ivr_bridge.cdr.told import Found, told_by
from ivr_bridge.events import LineUnknown, record
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines

SQL = load(Path(__file__).with_name("cdr.sql"))

_BATCH = 500
_LINES_SHOWN = 5
_LONGEST_EXTENSION = 6
_REMEMBERED = 100_000


@dataclass(slots=True)
class Passed:
    """Records that were skipped for one reason, and where the first of them stand."""

    count: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """How the import went; `read` is the sum of the others."""

    read: int = 0
    taken: int = 0
    known: int = 0
    skipped: dict[Skip, Passed] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter)
    other_hours: int = 0
    """Records whose time is far from the one in their id: mostly a wrong --timezone."""
    for_example: OtherHours | None = None

    def skip(self, why: Skip, line: int) -> None:
        """One more."""
        passed = self.skipped.setdefault(why, Passed())
        passed.count += 1
        if len(passed.lines) < _LINES_SHOWN:
            passed.lines.append(line)


@dataclass(frozen=True, slots=True)
class OnLine:
    """A call that is known on a line."""

    call_id: str
    line_id: LineId


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the engineer says about the file."""

    zone: tzinfo
    zone_is_sure: bool = True
    """Said by the engineer; a mere default is given up when the file's own ids contradict it."""
    line: str | None = None
    """All its incoming calls were on this line."""
    prefix: str = ""
    """What the IVR puts before the PBX's id when it asks."""
    make_ids: bool = False
    take_back: bool = False
    """What this file told is to be unsaid."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    fields: Mapping[str, str]


class Taking:
    """One import of one file."""

    def __init__(
        self,
        database: Database,
        lines: Lines,
        clock: Clock,
        workspace_id: WorkspaceId,
        wanted: Wanted,
    ) -> None:
        self._database = database
        self._lines = lines
        self._clock = clock
        self._workspace_id = workspace_id
        self._wanted = wanted
        self._by_text: dict[str, Line | None] = {}
        self._back: TakingBack | None = None
        self.tally = Tally()

    async def run(self, source: Records, report: Callable[[Tally], None]) -> Tally:
        """Take the whole file; what is committed stays when it breaks off. Raises LineUnknown.

        A later record of a call may not name its line: such records wait in a temporary file until
        the others have told which calls there are.
        """
        only = await self._only_line()
        with ExitStack() as stack:
            waiting = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            if self._wanted.take_back:
                self._back = stack.enter_context(taking_back())
            for batch in _batches(self._read(source)):
                if not self._wanted.zone_is_sure and not self.tally.known + self.tally.taken:
                    self._doubt(batch)
                await self._take(batch, only, waiting)
                report(self.tally)
            waiting.seek(0)
            for batch in _batches(_kept(waiting)):
                await self._take(batch, only, None)
                report(self.tally)
            if self._back is not None:
                await self._back.forget_calls(self._database, self._workspace_id)
        return self.tally

    async def _only_line(self) -> Line | None:
        if self._wanted.line is None:
            return None
        line = await self._lines.find(self._workspace_id, self._wanted.line)
        if line is None:
            raise LineUnknown
        return line

    def _read(self, source: Records) -> Iterator[_Row]:
        for number, fields in source.rows():
            self.tally.read += 1
            if fields is None:
                self.tally.skip(Skip.UNREADABLE, number)
            else:
                yield _Row(number, fields)

    async def _take(self, rows: Sequence[_Row], only: Line | None, waiting: IO[str] | None) -> None:
        found: list[Found] = []
        unplaced: list[tuple[_Row, Record]] = []
        for row in rows:
            try:
                one = self._understood(row)
                if waiting is not None and (other := self._other_hours(row, one)) is not None:
                    self.tally.other_hours += 1
                    self.tally.for_example = self.tally.for_example or other
                line = await self._line(one, only)
            except Skipped as skipped:
                self.tally.skip(skipped.why, row.number)
                continue
            if line is None:
                unplaced.append((row, one))
            else:
                found.append(Found(row.number, one, line))
        places = await self._places([one for _, one in unplaced])
        for row, one in unplaced:
            if (line := places.get(one.call_id)) is not None:
                found.append(Found(row.number, one, line))
            elif waiting is None:
                self.tally.skip(Skip.LINE_UNKNOWN, row.number)
            else:
                waiting.write(json.dumps([row.number, row.fields]) + "\n")
        if found:
            await self._write(sorted(found, key=lambda each: each.number))

    def _doubt(self, rows: Sequence[_Row]) -> None:
        """Times once taken cannot be told from true ones later: better ask before the first."""
        known, found = 0, []
        for row in rows:
            with suppress(Skipped):
                one = self._understood(row)
                known += one.off_s is not None
                if (other := self._other_hours(row, one)) is not None:
                    found.append(other)
        refuse_doubtful(found, known, str(self._wanted.zone))

    def _other_hours(self, row: _Row, one: Record) -> OtherHours | None:
        return OtherHours.of(row.number, one, self._wanted.zone)

    def _understood(self, row: _Row) -> Record:
        return understood(
            row.fields,
            zone=self._wanted.zone,
            prefix=self._wanted.prefix,
            make_ids=self._wanted.make_ids,
        )

    async def _line(self, one: Record, only: Line | None) -> Line | None:
        """The line that was dialled, if it can be seen from this record alone; raises Skipped."""
        if one.outgoing:
            raise Skipped(Skip.OUTGOING)
        for text in one.dialled:
            line = await self._named(text)
            if line is not None:
                return only or line
        digits = "".join(letter for letter in one.caller if letter.isdigit())
        inside = one.caller.isdigit() and len(digits) <= _LONGEST_EXTENSION
        if inside or (digits and await self._named(one.caller) is not None):
            raise Skipped(Skip.OUTGOING)
        return only

    async def _named(self, text: str) -> Line | None:
        if text not in self._by_text:
            if len(self._by_text) >= _REMEMBERED:
                self._by_text.clear()
            self._by_text[text] = await self._lines.find(self._workspace_id, text)
        return self._by_text[text]

    async def _places(self, records: Sequence[Record]) -> Mapping[str, Line]:
        """The lines of calls that are known already; a call id that two lines know says nothing."""
        if not records:
            return {}
        lines = {line.line_id: line for line in await self._lines.everything(self._workspace_id)}
        stored = {key_of(one.call_id): one.call_id for one in records}
        async with self._database.workspace(self._workspace_id, read_only=True) as tx:
            rows = await tx.fetch(
                *SQL["lines_of_calls"](
                    workspace=self._workspace_id, lines=list(lines), call_ids=list(stored)
                )
            )
        known = [OnLine(**row) for row in rows]
        often = Counter(one.call_id for one in known)
        return {stored[one.call_id]: lines[one.line_id] for one in known if often[one.call_id] == 1}

    async def _write(self, found: Sequence[Found]) -> None:
        told = [event for index, each in enumerate(found) for event in told_by(index, each)]
        async with self._database.workspace(self._workspace_id) as tx:
            if self._back is not None:
                recorded = await self._back.unsay(tx, told)
            else:
                recorded = await record(tx, told, self._clock())
        self.tally.facts.update(recorded.facts)
        fresh = {event.index for event in recorded.fresh}
        refused = {event.index for event in recorded.conflicts}
        for index, each in enumerate(found):
            if index in refused:
                self.tally.skip(Skip.ANOTHER_CALLER, each.number)
            elif index in fresh:
                self.tally.taken += 1
            else:
                self.tally.known += 1


def _batches(rows: Iterable[_Row]) -> Iterator[Sequence[_Row]]:
    source = iter(rows)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _kept(waiting: IO[str]) -> Iterator[_Row]:
    for line in waiting:
        number, fields = json.loads(line)
        yield _Row(number, fields)


__all__ = ["OnLine", "Passed", "Taking", "Tally", "Wanted"]
