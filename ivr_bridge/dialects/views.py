"""JSON, one word, or a form: which one was asked for, and how it reads."""

import json
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from core.faults import Fault, Invalid, RateLimited, Unauthorized
from ivr_bridge.answer import Answer
from ivr_bridge.outcome import Action


class View(StrEnum):
    """The dialects that carry a plain decision."""

    JSON = "json"
    TEXT = "text"
    FORM = "form"


CONTENT_TYPES = {
    View.JSON: "application/json",
    View.TEXT: "text/plain",
    View.FORM: "application/x-www-form-urlencoded",
}
_BY_ACCEPT = {
    "application/json": View.JSON,
    "application/*": View.JSON,
    "*/*": View.JSON,
    "text/plain": View.TEXT,
    "text/*": View.TEXT,
    "application/x-www-form-urlencoded": View.FORM,
}


class FormatUnknown(Invalid, code="invalid_request"):
    """`format` may be json, text or form."""


def chosen(request: web.Request) -> View:
    """`?format=` decides, else the first understood part of Accept, else JSON; raises FormatUnknown."""
    wanted = request.query.get("format")
    if wanted is not None:
        try:
            return View(wanted.lower())
        except ValueError as unknown:
            raise FormatUnknown from unknown
    for part in request.headers.get("Accept", "").split(","):
        view = _BY_ACCEPT.get(part.split(";", 1)[0].strip().lower())
        if view is not None:
            return view
    return View.JSON


def shown(view: View, answer: Answer, *, elapsed_ms: int, trace_id: str) -> web.Response:
    """A decision in this view, written in one piece."""
    if view is View.TEXT:
        return _response(view, answer.action.value)
    document = answer.document(elapsed_ms=elapsed_ms, trace_id=trace_id)
    if view is View.JSON:
        return _response(view, _json(document))
    return _response(view, _form(document))


def refused(view: View, fault: Fault, trace_id: str) -> web.Response:
    """A fault in this view. Whatever it is, the call goes on: that word stands last."""
    if view is View.JSON:
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": (type(fault).__doc__ or fault.code).strip(),
            "status": fault.status,
            "code": fault.code,
            "detail": fault.detail,
            **_told(fault),
            "trace_id": trace_id,
            "action": Action.CONTINUE.value,
        }
        response = _response(view, _json(document), fault.status, "application/problem+json")
    elif view is View.TEXT:
        response = _response(view, Action.CONTINUE.value, fault.status)
    else:
        said = {"reason": fault.code, "trace_id": trace_id, "action": Action.CONTINUE.value}
        response = _response(view, _form(said), fault.status)
    if fault.retry:
        seconds = fault.facts.get("retry_after_s", 5 if isinstance(fault, RateLimited) else 1)
        response.headers["Retry-After"] = str(seconds)
    if isinstance(fault, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _told(fault: Fault) -> dict[str, Any]:
    return {
        name: value
        for name, value in fault.facts.items()
        if name not in {"code_hint", "retry_after_s", "action"}
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _form(document: dict[str, Any]) -> str:
    """`end=1` after the action lets a dialplan see that nothing was cut off."""
    flat = {
        name: value
        for name, value in document.items()
        if value is not None and not isinstance(value, list | dict)
    }
    return urlencode({**flat, "end": 1})


def _response(
    view: View, text: str, status: int = 200, content_type: str | None = None
) -> web.Response:
    body = text.encode("utf-8", "replace")
    return web.Response(
        body=body,
        status=status,
        headers={
            "Content-Type": f"{content_type or CONTENT_TYPES[view]}; charset=utf-8",
            "Cache-Control": "no-store",
        },
    )
