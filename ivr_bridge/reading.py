"""A request as IVRs really send it: JSON whatever the Content-Type says, or a form; small faults forgiven."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from core.faults import Invalid
from core.http import invalid
from ivr_bridge.documents import CallRequest, ConsentGiven

Document = TypeVar("Document", bound=BaseModel)

_MAX_DEPTH = 20
_MARK = b"\xef\xbb\xbf"
"""By which Windows programs say that what follows is UTF-8; RFC 8259 lets a reader skip it."""
_MAX_CONTEXT = 8 * 1024
_DEADLINE = re.compile(rb'deadline_ms"?\s*[=:]\s*"?(\d{1,9})')
_NESTED = frozenset({"consent", "customer", "context"})
# Empty, they say something: nobody may know who calls, or no key was pressed.
_TELLING_WHEN_EMPTY = frozenset({"caller", "call_id", "line", "digits", "From", "Digits"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood, and which of its optional fields were not."""

    request: CallRequest
    dropped: Sequence[str]


def asked_of(fields: Mapping[str, Any]) -> Asked:
    """The request in these fields, however they came; Invalid when a required one is missing."""
    request, dropped = lenient(CallRequest, fields)
    missing = [] if "caller" in fields or request.caller_withheld else ["caller"]
    if missing:
        raise Invalid(
            "Send call_id, line and caller (or caller_withheld).",
            errors=[{"path": "caller", "message": "Field required"}],
        )
    if request.context and len(json.dumps(request.context)) > _MAX_CONTEXT:
        request = request.model_copy(update={"context": {}})
        dropped = [*dropped, "context"]
    if not {"consent", "consent.given"}.isdisjoint(dropped):
        # What was said may have been No, and silence would be recorded as the line's own Yes.
        told = request.consent or ConsentGiven()
        request = request.model_copy(update={"consent": told.model_copy(update={"given": False})})
    return Asked(request, dropped)


def read_events(raw: bytes) -> list[Any]:
    """The events in this body, unchecked: one object, a list, or a list under `events`."""
    raw = raw.removeprefix(_MARK)
    parsed = _json(raw) if raw.lstrip()[:1] in {b"{", b"["} else read_form(raw)
    events = parsed.get("events", parsed) if isinstance(parsed, dict) else parsed
    listed = events if isinstance(events, list) else [events]
    if not 1 <= len(listed) <= 1000:  # noqa: PLR2004 - the contract's own figure
        raise Invalid("Send one event, or 1 to 1,000 under events.")
    return listed


def lenient(model: type[Document], fields: Mapping[str, Any]) -> tuple[Document, list[str]]:
    """A bad optional field costs that field, not the call, and one inside another not the other; a bad
    required one is Invalid.
    """
    kept = dict(fields)
    dropped: list[str] = []
    while True:
        try:
            return model.model_validate(kept), dropped
        except ValidationError as wrong:
            places = {_place(error["loc"], kept) for error in wrong.errors(include_url=False)}
            names = {outer for outer, _ in places}
            if any(_is_required(model, name) for name in names) or not names & kept.keys():
                raise invalid(wrong) from wrong
            for outer, inner in sorted(places):
                if not inner:
                    kept.pop(outer, None)
                elif outer in kept:
                    kept[outer] = {name: kept[outer][name] for name in kept[outer] if name != inner}
                dropped.append(f"{outer}.{inner}" if inner else outer)


def storable(value: Any) -> Any:
    """The same value without what PostgreSQL's text cannot hold: NUL and lone surrogates."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    if isinstance(value, float) and value - value != 0:
        return None  # NaN and infinities are no JSON
    return value


def deadline_named(*parts: bytes) -> int | None:
    """The deadline that a request names, seen before it is known who asks, and so before it is read."""
    found = (_DEADLINE.search(part) for part in parts)
    return next((int(each[1]) for each in found if each is not None), None)


def clean(text: str) -> str:
    """A text that every column can hold."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def read_fields(raw: bytes) -> dict[str, Any]:
    """What a body says, as JSON or as a form; Invalid when nothing can be read."""
    raw = raw.removeprefix(_MARK)
    if raw.lstrip()[:1] == b"{":
        parsed = _json(raw)
        if isinstance(parsed, dict):
            return parsed
    elif raw.strip() and raw.lstrip()[:1] not in {b"[", b'"'}:
        return read_form(raw)
    raise Invalid("Send a JSON object or a form with call_id, line and caller.")


def _json(raw: bytes) -> Any:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as broken:
        raise Invalid("The body is not JSON that can be read.") from broken
    # What has no more brackets than that cannot be nested deeper.
    if raw.count(b"{") + raw.count(b"[") > _MAX_DEPTH and _deep(parsed, _MAX_DEPTH):
        raise Invalid("The body is nested too deeply.")
    return parsed


def _deep(value: object, left: int) -> bool:
    if isinstance(value, dict):
        return left == 0 or any(_deep(inner, left - 1) for inner in value.values())
    if isinstance(value, list):
        return left == 0 or any(_deep(inner, left - 1) for inner in value)
    return False


def read_form(raw: bytes) -> dict[str, Any]:
    """The fields of a form, as `nested` reads them; Invalid when it is none."""
    try:
        pairs = parse_qsl(
            raw.decode("utf-8", "replace").strip("\r\n"), keep_blank_values=True, max_num_fields=500
        )
    except ValueError as broken:
        raise Invalid("The body is neither JSON nor a form that can be read.") from broken
    return nested(pairs)


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Names and values as a request's fields: `consent.given=1` names a nested one, the last counts."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        outer, dot, inner = name.partition(".")
        if dot and outer in _NESTED:
            inside = fields.setdefault(outer, {})
            if isinstance(inside, dict):
                inside[inner] = value
        elif value or name in _TELLING_WHEN_EMPTY:
            fields[name] = value
    return fields


def _place(location: tuple[int | str, ...], fields: Mapping[str, Any]) -> tuple[str, str]:
    """The field that does not fit, and which one inside it where it is one of those with names."""
    outer, inner = (*(str(part) for part in location[:2]), "", "")[:2]
    within = fields.get(outer)
    named = outer in _NESTED and isinstance(within, Mapping) and inner in within
    return outer, inner if named else ""


def _is_required(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and field.is_required()
