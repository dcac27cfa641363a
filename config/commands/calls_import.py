"""A PBX's records, imported by the telephony engineer while they watch."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from config.rooms import rooms
from config.settings import Settings
from core.access.workspaces import workspace as home_of
from core.faults import Fault, Invalid
from ivr_bridge.cdr.files import Records, opened
from ivr_bridge.cdr.layouts import NAMES, Format
from ivr_bridge.cdr.record import Skip
from ivr_bridge.cdr.taking import Taking, Tally, Wanted
from ivr_bridge.lines import Lines

_PLAIN_EVERY_S = 5.0

_WHY: Mapping[Skip, str] = {
    Skip.UNREADABLE: "no record",
    Skip.NO_ID: "without a call id (Asterisk: loguniqueid=yes; or --make-ids)",
    Skip.BAD_TIME: "with a time that cannot be",
    Skip.OUTGOING: "outgoing or internal",
    Skip.OTHER_LEG: "another leg of a call, told by the caller's own records",
    Skip.LINE_UNKNOWN: "on no line of ours (or --line)",
    Skip.ANOTHER_CALLER: "under the id of another caller's call (or --prefix)",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands on the command line."""

    file: Path
    workspace: str
    wanted: Format
    line: str | None
    timezone: str | None
    mapped: Mapping[str, str]
    encoding: str
    prefix: str
    make_ids: bool
    undo: bool


class ZoneUnknown(Invalid, code="timezone_unknown"):
    """There is no such time zone; write it as in Europe/Moscow."""


class MapUnknown(Invalid, code="map_unknown"):
    """--map takes name=column."""


def mapping(pairs: tuple[str, ...]) -> Mapping[str, str]:
    """`started_at=Begin` and its like; raises MapUnknown."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        name = name.strip().removesuffix("_at")
        if not equals or name not in NAMES:
            raise MapUnknown(f"--map {pair}: write name=column, where name is {', '.join(NAMES)}.")
        found[name] = column
    return found


async def take(settings: Settings, asked: Asked, say: Console, out: Console) -> int:
    """Import, or take back, and report; the exit status: 0 all there, 2 some records skipped. Raises
    Fault.
    """
    async with rooms(settings, application="calls import", pool_size=2) as opened_rooms:
        database = opened_rooms.database
        workspace_id = await opened_rooms.workspaces.number(asked.workspace)
        async with database.workspace(workspace_id, read_only=True) as tx:
            home = await home_of(tx)
        wanted = Wanted(
            zone=_zone(asked.timezone) or home.zone,
            zone_is_sure=asked.timezone is not None,
            line=asked.line,
            prefix=asked.prefix,
            make_ids=asked.make_ids,
            take_back=asked.undo,
        )
        taking = Taking(database, Lines(database), opened_rooms.clock, workspace_id, wanted)
        with opened(
            asked.file, encoding=asked.encoding, wanted=asked.wanted, mapped=asked.mapped
        ) as source:
            try:
                with _progress(source, say) as report:
                    await taking.run(source, report)
            except Fault:
                if taking.tally.taken or taking.tally.known:
                    _show(taking.tally, source, out, undo=asked.undo)
                    say.print("Broken off; what is counted here stays. Run it again to go on.")
                raise
            _show(taking.tally, source, out, undo=asked.undo)
    return 2 if any(why.ours for why in taking.tally.skipped) else 0


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise ZoneUnknown from unknown


@contextmanager
def _progress(source: Records, say: Console) -> Iterator[Callable[[Tally], None]]:
    """A bar where a person watches, else a line now and then."""
    if say.is_terminal:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=say,
            transient=True,
        ) as progress:
            bar = progress.add_task("reading", total=source.size)
            yield lambda tally: progress.update(
                bar, completed=source.position, description=f"{tally.read:,} records"
            )
        return
    last = time.monotonic()

    def plain(tally: Tally) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_EVERY_S:
            last = time.monotonic()
            share = source.position * 100 // max(1, source.size)
            say.print(f"{tally.read} records, {share} % of the file")

    yield plain


def _show(tally: Tally, source: Records, out: Console, *, undo: bool) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="dim")
    table.add_row(f"{tally.read}", "read", source.title)
    table.add_row(f"{tally.taken}", "taken back" if undo else "taken", "")
    table.add_row(f"{tally.known}", "not there" if undo else "already known", "")
    for why, passed in sorted(tally.skipped.items(), key=lambda each: -each[1].count):
        more = ", …" if passed.count > len(passed.lines) else ""
        places = source.places(passed.lines) + more
        table.add_row(f"{passed.count}", f"skipped: {_WHY[why]}", places)
    for fact, words in (
        ("hangup_confirmed", "hang-ups confirmed"),
        ("answered_after", "hang-ups that a person answered after all"),
        ("caller_left", "callers who had left before the decision"),
    ):
        if tally.facts[fact]:
            table.add_row(f"{tally.facts[fact]}", words, "")
    out.print(table)
    if tally.other_hours:
        out.print(
            f"{tally.other_hours} records are whole quarters of an hour away from the moment in their id: "
            f"{tally.for_example}. Is --timezone that of the PBX?"
        )
    if tally.read and not tally.taken and tally.known + _skipped(tally) == tally.read:
        nothing = (
            "Nothing of this file is there."
            if undo
            else "Nothing new: this file had been imported."
        )
        out.print(nothing if tally.known else "Nothing taken.")


def _skipped(tally: Tally) -> int:
    return sum(passed.count for passed in tally.skipped.values())


__all__ = ["Asked", "Format", "mapping", "take"]
