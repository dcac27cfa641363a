"""The address of the reports: who may ask, for which days and lines, and in which format."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog
from aiohttp import web

from core.access import Right
from core.access.workspaces import Workspace, workspace
from core.clock import Clock
from core.entrance import key_holder, shows_key
from core.faults import Forbidden, Invalid, NotFound, Overloaded, Unauthorized
from core.http import Access, Endpoint, asked, signed_in
from core.ids import WorkspaceId
from core.postgres import Database, Tx
from ivr_bridge.events import LineUnknown
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.reports.deflection_funnel import deflection_funnel
from ivr_bridge.reports.deflections import TooManyRows, deflections
from ivr_bridge.reports.formats import Format, written
from ivr_bridge.reports.net_share import net_share
from ivr_bridge.reports.periods import period
from ivr_bridge.reports.repeat_calls import repeat_calls
from ivr_bridge.reports.report import Report
from ivr_bridge.reports.savings import savings
from ivr_bridge.reports.shadow import shadow
from ivr_bridge.reports.table import Question, Table, labels
from ivr_bridge.reports.voice_to_chat import GROUPS, voice_to_chat
from ivr_bridge.reports.words import Language, language_of

log = structlog.get_logger()

SCOPE = "reports"
COUNTS_WITHIN_S = 20.0
"""What a report may take of the database's time before it is refused as too long."""
WAITS_S = 10.0
"""How long a question waits for its turn; the page asks several at a time."""


class ReportUnknown(NotFound, code="report_unknown"):
    """There is no report with this name."""


class ReportTooLong(Invalid, code="report_too_long"):
    """This takes too long to count: choose a shorter period, or one line."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One report: how it is counted, and how it may be grouped; the first way is the usual one."""

    count: Callable[[Tx, Question], Awaitable[Table]]
    groups: Sequence[Sequence[str]] = ((),)


METRICS: Mapping[str, Metric] = {
    "voice-to-chat": Metric(voice_to_chat, GROUPS),
    "deflection-funnel": Metric(deflection_funnel),
    "deflections": Metric(deflections),
    "net-share": Metric(net_share),
    "repeat-calls": Metric(repeat_calls),
    "savings": Metric(savings),
    "shadow": Metric(shadow),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what they may see."""

    workspace_id: WorkspaceId
    lines: Sequence[str]
    """Names or numbers that a key is limited to; none means all."""
    see_phone: bool


@dataclass(slots=True)
class Reports:
    """Counts one report after the other: at most `at_once`, because each may read a year of calls."""

    database: Database
    clock: Clock
    at_once: int = 2
    _turns: asyncio.Semaphore = field(init=False)
    _lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.at_once)
        self._lines = Lines(self.database, self.clock)

    async def ask(self, asker: Asker, name: str, query: Mapping[str, str], accepted: str) -> Report:
        """The report, counted now; raises ReportUnknown, Invalid, ReportTooLong or Overloaded."""
        metric = METRICS.get(name)
        if metric is None:
            raise ReportUnknown
        async with self._turn():
            # In turn as well: it takes one of the connections, which are as many as the turns.
            names = labels(await self._lines.everything(asker.workspace_id))
            lines = await self._asked_lines(asker, query.get("line"), names)
            async with self.database.workspace(asker.workspace_id, read_only=True) as tx:
                home = await workspace(tx)
                now = self.clock()
                question = Question(
                    period=period(query.get("from"), query.get("to"), home.zone, now),
                    group_by=_group_by(query.get("group_by"), metric.groups),
                    lines=lines,
                    labels=names,
                    see_phone=asker.see_phone,
                )
                try:
                    table = await metric.count(tx, question)
                except (asyncpg.QueryCanceledError, TimeoutError) as slow:
                    raise ReportTooLong from slow
        return Report(
            name=name,
            language=_language(query.get("language"), accepted, home),
            period=question.period,
            group_by=question.group_by,
            provisional_from=question.period.provisional_from(now),
            table=table,
        )

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAITS_S):
                await self._turns.acquire()
        except TimeoutError as busy:
            raise Overloaded("Other reports are being counted; ask again shortly.") from busy
        try:
            yield
        finally:
            self._turns.release()

    async def _asked_lines(
        self, asker: Asker, wanted: str | None, names: Mapping[UUID, str]
    ) -> Sequence[Line]:
        """One line or all, of those that this key may see."""
        everything = await self._lines.everything(asker.workspace_id)
        visible = [line for line in everything if line.opens_to(asker.lines)]
        if not wanted:
            return visible
        labelled = [line for line in visible if names[line.line_id] == wanted]
        if labelled:
            return labelled
        line = await self._lines.find(asker.workspace_id, wanted)
        if line is None or line not in visible:
            message = (LineUnknown.__doc__ or "").strip()
            raise LineUnknown(message, errors=[{"path": "line", "message": message}])
        return [line]


REPORTS = web.AppKey("REPORTS", Reports)


async def _report(request: web.Request) -> web.Response:
    reports = request.app[REPORTS]
    wanted = _format(request.query.get("format"))
    report = await reports.ask(
        _asker(request),
        request.match_info["name"],
        request.query,
        request.headers.get("Accept-Language", ""),
    )
    # Writing thousands of rows takes a while, and calls are being answered meanwhile.
    body = await asyncio.to_thread(written, report, wanted)
    response = web.Response(body=body, content_type=wanted.mime, charset=wanted.charset)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Accept-Language"
    if wanted is not Format.JSON:
        response.headers["Content-Disposition"] = f'attachment; filename="{report.file}.{wanted}"'
    log.info("report.counted", report=report.name, format=wanted.value, rows=len(report.table.rows))
    return response


def _asker(request: web.Request) -> Asker:
    if shows_key(request):
        holder = key_holder(request)
        return Asker(holder.workspace_id, holder.lines, Right.SEE_PHONE in holder.scopes)
    who = signed_in(request)
    return Asker(who.workspace_id, (), Right.SEE_PHONE in who.person.may)


def _group_by(text: str | None, groups: Sequence[Sequence[str]]) -> Sequence[str]:
    if not text:
        return groups[0]
    wanted = tuple(text.split(","))
    if wanted not in groups:
        named = [",".join(group) for group in groups if group]
        message = (
            f"group_by is one of: {', '.join(named)}." if named else "This report has no groups."
        )
        raise Invalid(message, errors=[{"path": "group_by", "message": message}])
    return wanted


def _format(text: str | None) -> Format:
    try:
        return Format(text or Format.JSON)
    except ValueError as unknown:
        message = f"format is one of: {', '.join(Format)}."
        raise Invalid(message, errors=[{"path": "format", "message": message}]) from unknown


def _language(asked: str | None, accepted: str, home: Workspace) -> Language:
    try:
        return Language(asked) if asked else language_of(accepted, home.languages)
    except ValueError as unknown:
        message = f"language is one of: {', '.join(Language)}."
        raise Invalid(message, errors=[{"path": "language", "message": message}]) from unknown


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/v1/reports/{name}",
        handler=_report,
        summary="A report of some days, with the definition of every figure.",
        access=Access.EITHER,
        right=Right.REPORTS,
        scope=SCOPE,
        faults=(
            Invalid,
            Unauthorized,
            Forbidden,
            ReportUnknown,
            ReportTooLong,
            TooManyRows,
            Overloaded,
        ),
        parameters=(
            asked("from", "The first day, in the workspace's timezone.", format="date"),
            asked("to", "The last day, included.", format="date"),
            asked("group_by", "What a row stands for.", enum=["day", "line", "day,line"]),
            asked("line", "One line only, by its name or number."),
            asked("format", "How the report is written.", enum=list(Format), default="json"),
            asked("language", "Of titles and definitions.", enum=list(Language)),
        ),
        answer_types=tuple(each.mime for each in Format),
    ),
)
