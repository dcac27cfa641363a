"""Which of the dialects was asked for, and how the plain ones read: JSON, one word, or a form."""

import json
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from core.faults import Fault, Invalid
from ivr_bridge.answer import Answer
from ivr_bridge.outcome import Action


class View(StrEnum):
    """How the one decision reads."""

    JSON = "json"
    TEXT = "text"
    FORM = "form"
    TWIML = "twiml"
    VXML = "vxml"
    JAMBONZ = "jambonz"
    HTTAPI = "httapi"


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
    "application/voicexml+xml": View.VXML,
}


class FormatUnknown(Invalid, code="invalid_request"):
    """`format` may be json, text, form, twiml, vxml, jambonz or httapi; `branch` may be status."""


def chosen(request: web.Request) -> tuple[View, bool]:
    """`?format=` decides, else the first understood part of Accept, else JSON; and whether the status
    alone is to say it (`?branch=status`), where a word is body enough. Raises FormatUnknown.
    """
    branch = request.query.get("branch")
    if branch not in {None, "status"}:
        raise FormatUnknown
    wanted = request.query.get("format")
    if wanted is not None:
        try:
            return View(wanted.lower()), branch is not None
        except ValueError as unknown:
            raise FormatUnknown from unknown
    if branch is not None:
        return View.TEXT, True
    for part in request.headers.get("Accept", "").split(","):
        view = _BY_ACCEPT.get(part.split(";", 1)[0].strip().lower())
        if view is not None:
            return view, False
    return View.JSON, False


def plain(view: View, answer: Answer, *, elapsed_ms: int, trace_id: str) -> str:
    """A decision without verbs."""
    if view is View.TEXT:
        return answer.action.value
    document = answer.document(elapsed_ms=elapsed_ms, trace_id=trace_id)
    return _json(document) if view is View.JSON else _form(document)


def plain_fault(view: View, fault: Fault, trace_id: str) -> str:
    """A fault without verbs. Whatever it is, the call goes on: that word stands last."""
    if view is View.TEXT:
        return Action.CONTINUE.value
    if view is View.FORM:
        return _form({"reason": fault.code, "trace_id": trace_id, "action": Action.CONTINUE.value})
    return _json(
        {
            "type": "about:blank",
            "title": (type(fault).__doc__ or fault.code).strip(),
            "status": fault.status,
            "code": fault.code,
            "detail": fault.detail,
            **_told(fault),
            "trace_id": trace_id,
            "action": Action.CONTINUE.value,
        }
    )


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
