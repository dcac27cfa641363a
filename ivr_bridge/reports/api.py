"""The reports' address."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from core.access import Right
from core.faults import Invalid
from core.http import Access, Endpoint, key_holder, signed_in
from core.ids import WorkspaceId
from ivr_bridge.reports.reports import Reports, ReportUnknown
from ivr_bridge.reports.table import Report, as_csv, as_json, as_xlsx

REPORTS = web.AppKey("REPORTS", Reports)

_FORMATS: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "json": ("application/json", as_json),
    "csv": ("text/csv", as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
}


async def show(request: web.Request) -> web.Response:
    """A report for a page, or as a file."""
    form = request.query.get("format", "json")
    if form not in _FORMATS:
        raise Invalid(
            "This format is not known.",
            errors=[{"path": "format", "message": "json, csv or xlsx"}],
        )
    content_type, render = _FORMATS[form]
    report = await request.app[REPORTS].make(
        _workspace(request), request.match_info["name"], request.query
    )
    # A workbook of 100,000 rows takes seconds of processor: calls must not wait for it.
    body = render(report) if form == "json" else await asyncio.to_thread(render, report)
    headers = {"Content-Type": f"{content_type}; charset=utf-8", "Cache-Control": "no-store"}
    if form != "json":
        headers["Content-Type"] = content_type
        headers["Content-Disposition"] = f'attachment; filename="{report.file_name}.{form}"'
    return web.Response(body=body, headers=headers)


def _workspace(request: web.Request) -> WorkspaceId:
    if "Authorization" in request.headers:
        return key_holder(request).workspace_id
    return signed_in(request).workspace_id


def _parameter(name: str, text: str, **schema: object) -> dict[str, object]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": text,
        "schema": {"type": "string", **schema},
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/reports/{name}",
        handler=show,
        summary="voice-to-chat, deflection-funnel or deflections",
        access=Access.EITHER,
        right=Right.REPORTS,
        scope="reports",
        faults=(Invalid, ReportUnknown),
        parameters=(
            _parameter("from", "First day, in the workspace's timezone.", format="date"),
            _parameter("to", "Last day, included.", format="date"),
            _parameter("group_by", "What voice-to-chat is counted by.", enum=["day", "line", "day,line"]),
            _parameter("line", "Only this line: its name, title or number."),
            _parameter("format", "How to answer.", enum=list(_FORMATS), default="json"),
        ),
        answer_types=tuple(content_type for content_type, _ in _FORMATS.values()),
    ),
)  # fmt: skip
