"""Templates: do the parameters fit, and what does the customer then read?"""

import re
from typing import Any

from sandbox.graph.refusals import Refusal
from sandbox.specs import Json, TemplateSpec

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_UNSPEAKABLE = re.compile(r"[\n\t]| {5,}")
BODY_MAX = 1024
PAYLOAD_MAX = 256
MEDIA_HEADERS = frozenset({"image", "video", "document"})


def places(text: str) -> list[str]:
    """The placeholders of a template text, in order, each once."""
    return list(dict.fromkeys(_PLACE.findall(text)))


def check(template: TemplateSpec, components: Any) -> None:
    """Refuse what Meta would refuse; returns nothing when all is well."""
    _check_status(template)
    given = _by_place(components)
    for part in template.components:
        kind = str(part.get("type", "")).lower()
        if kind == "body":
            values = _check_texts(
                template, "body", str(part.get("text", "")), given.pop("body", [])
            )
            if len(_fill(str(part.get("text", "")), values)) > BODY_MAX:
                raise Refusal(132005, f"body is longer than {BODY_MAX} characters when filled in")
        elif kind == "header":
            _check_header(template, part, given.pop("header", []))
        elif kind == "buttons":
            for index, button in enumerate(part.get("buttons", [])):
                _check_button(index, button, given.pop(f"button:{index}", None))
    if left := [place for place, values in given.items() if values]:
        raise Refusal(132000, f"{left[0]}: the template expects no parameters there")


def render(template: TemplateSpec, components: Any) -> Json:
    """What the customer sees: texts filled in, buttons with their payloads."""
    given = _by_place(components)
    seen: Json = {"kind": "template", "name": template.name, "buttons": []}
    for part in template.components:
        kind = str(part.get("type", "")).lower()
        if kind == "body":
            seen["text"] = _fill(str(part.get("text", "")), _texts(given.get("body", [])))
        elif kind == "header":
            _render_header(part, given.get("header", []), seen)
        elif kind == "footer":
            seen["footer"] = part.get("text")
        elif kind == "buttons":
            seen["buttons"] = [
                _render_button(index, button, given.get(f"button:{index}") or [])
                for index, button in enumerate(part.get("buttons", []))
            ]
    return seen


def _check_status(template: TemplateSpec) -> None:
    if template.status == "PAUSED":
        raise Refusal(132015, f"template {template.name} is paused due to low quality")
    if template.status == "DISABLED":
        raise Refusal(132016, f"template {template.name} was paused too often and is disabled")
    if template.status != "APPROVED":
        raise Refusal(132001, f"template {template.name} is not approved ({template.status})")


def _by_place(components: Any) -> dict[str, list[Json]]:
    if components is None:
        return {}
    if not isinstance(components, list):
        raise Refusal(131009, "template.components must be an array")
    found: dict[str, list[Json]] = {}
    for number, part in enumerate(components):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise Refusal(131008, f"template.components[{number}].type is required")
        values = part.get("parameters", [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise Refusal(131009, f"template.components[{number}].parameters must be an array")
        kind = part["type"].lower()
        if kind not in {"header", "body", "button"}:
            raise Refusal(
                131009, f"template.components[{number}].type must be header, body, button"
            )
        if kind == "button":
            kind = _button_place(number, part)
        if kind in found:
            raise Refusal(131009, f"template.components[{number}]: {kind} is given twice")
        found[kind] = values
    return found


def _button_place(number: int, part: Json) -> str:
    index = str(part.get("index", ""))
    if not index.isdigit() or not isinstance(part.get("sub_type"), str):
        raise Refusal(131008, f"template.components[{number}]: a button needs sub_type and index")
    return f"button:{int(index)}"


def _check_texts(
    template: TemplateSpec, where: str, text: str, values: list[Json]
) -> dict[str, str]:
    wanted = places(text)
    if len(wanted) != len(values):
        raise Refusal(
            132000,
            f"{where}: number of localizable_params ({len(values)}) does not match the expected "
            f"number of params ({len(wanted)})",
        )
    for number, value in enumerate(values):
        if value.get("type") not in {"text", "currency", "date_time"}:
            raise Refusal(132012, f"{where}: parameter {number} must be a text")
        if value["type"] == "text":
            _check_text(f"{where}: parameter {number}", value.get("text"))
        if template.parameter_format == "NAMED" and value.get("parameter_name") not in wanted:
            raise Refusal(
                132012, f"{where}: parameter {number} needs parameter_name, one of {wanted}"
            )
    filled = _texts(values)
    if template.parameter_format == "NAMED" and set(filled) != set(wanted):
        raise Refusal(132012, f"{where}: each of {wanted} must be given once")
    return filled


def _check_text(where: str, text: Any) -> None:
    if not isinstance(text, str) or not text:
        raise Refusal(131008, f"{where}: text is required")
    if _UNSPEAKABLE.search(text):
        raise Refusal(132018, f"{where}: no new lines, tabs or more than 4 consecutive spaces")


def _check_header(template: TemplateSpec, part: Json, values: list[Json]) -> None:
    form = str(part.get("format", "TEXT")).lower()
    if form == "text":
        _check_texts(template, "header", str(part.get("text", "")), values)
        return
    if len(values) != 1:
        raise Refusal(132012, f"header: Format mismatch, expected {form.upper()}, received UNKNOWN")
    value = values[0]
    if value.get("type") != form:
        got = str(value.get("type", "unknown")).upper()
        raise Refusal(132012, f"header: Format mismatch, expected {form.upper()}, received {got}")
    media = value.get(form)
    if form in MEDIA_HEADERS and not (
        isinstance(media, dict) and (media.get("id") or media.get("link"))
    ):
        raise Refusal(131008, f"header: {form} needs an id or a link")


def _check_button(index: int, button: Json, values: list[Json] | None) -> None:
    kind = str(button.get("type", "")).upper()
    needs = kind == "URL" and bool(places(str(button.get("url", ""))))
    if kind == "QUICK_REPLY":
        for value in values or []:
            payload = value.get("payload")
            if value.get("type") != "payload" or not isinstance(payload, str):
                raise Refusal(132012, f"button {index}: a quick reply takes one payload")
            if not 0 < len(payload) <= PAYLOAD_MAX:
                raise Refusal(131009, f"button {index}: payload has 1 to {PAYLOAD_MAX} characters")
        if values is not None and len(values) > 1:
            raise Refusal(132000, f"button {index}: one payload at most")
    elif needs:
        if not values or len(values) != 1 or values[0].get("type") != "text":
            raise Refusal(
                131008, f"buttons: Button at index {index} of type Url requires a parameter"
            )
        _check_text(f"button {index}", values[0].get("text"))
    elif values:
        raise Refusal(132000, f"button {index}: the template expects no parameters there")


def _texts(values: list[Json]) -> dict[str, str]:
    return {
        str(value.get("parameter_name") or number): _spoken(value)
        for number, value in enumerate(values, start=1)
    }


def _spoken(value: Json) -> str:
    kind = value.get("type")
    if kind in {"currency", "date_time"}:
        return str(value.get(kind, {}).get("fallback_value", ""))
    return str(value.get("text", ""))


def _fill(text: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)


def _render_header(part: Json, values: list[Json], seen: Json) -> None:
    form = str(part.get("format", "TEXT")).lower()
    if form == "text":
        seen["header"] = _fill(str(part.get("text", "")), _texts(values))
    elif values:
        seen["media"] = {"type": form, **(values[0].get(form) or {})}


def _render_button(index: int, button: Json, values: list[Json]) -> Json:
    kind = str(button.get("type", "")).upper()
    label = str(button.get("text", ""))
    if kind == "URL":
        suffix = str(values[0].get("text", "")) if values else ""
        return {
            "kind": "url",
            "title": label,
            "url": _PLACE.sub(suffix, str(button.get("url", ""))),
        }
    if kind == "QUICK_REPLY":
        payload = str(values[0].get("payload", "")) if values else label
        return {"kind": "quick_reply", "id": payload, "title": label, "index": index}
    return {"kind": kind.lower(), "title": label, "value": button.get("phone_number", "")}
