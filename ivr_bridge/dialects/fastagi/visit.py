"""What one AGI() asks for, read from the address, its arguments and what Asterisk knows of the call.

`AGI(agi://bridge/deflect,line=main,intent=order)`: arguments win over the address' own query, and
both over the channel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from core.faults import NotFound
from ivr_bridge.reading import nested

_NOT_ALLOWED = 0x60
"""These bits of a calling presentation say restricted (0x20) or not available (0x40)."""
_OCTET_DIGITS = 3
_HIDING_NAMES = frozenset({"anonymous", "private", "restricted", "withheld"})
_NOBODY = frozenset({"", "unknown"})
"""What Asterisk sends where it knows nothing."""


class Path(StrEnum):
    """What can be asked."""

    ELIGIBILITY = "eligibility"
    DEFLECT = "deflect"
    DECISION = "decision"
    EVENT = "event"


class PathUnknown(NotFound, code="not_found"):
    """Ask agi://host/eligibility, /deflect, /decision or /event."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One AGI(): where it went, whose key it brought, and the fields of the request."""

    path: Path
    key: str | None
    fields: Mapping[str, Any]


def visit(headers: Mapping[str, str]) -> Visit:
    """What these headers ask for; raises PathUnknown."""
    try:
        script = urlsplit(f"agi://bridge/{_script(headers)}")
        path = Path(script.path.strip("/").lower())
        query = parse_qsl(script.query, keep_blank_values=True, max_num_fields=100)
    except ValueError as unknown:
        raise PathUnknown from unknown
    said = [*query, *_arguments(headers)]
    keys = [value for name, value in said if name == "key" and value]
    fields = nested([*_channel(headers), *(pair for pair in said if pair[0] != "key")])
    return Visit(path, keys[-1] if keys else None, fields)


def _script(headers: Mapping[str, str]) -> str:
    """The address behind the host; Asterisk says it twice, once shortened."""
    script = headers.get("agi_network_script")
    if script is not None:
        return script.lstrip("/")
    return headers.get("agi_request", "").partition("://")[2].partition("/")[2]


def _arguments(headers: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """`agi_arg_1: line=main`: as written in the dialplan, nothing in it is encoded."""
    arguments = [value for name, value in headers.items() if name.startswith("agi_arg_")]
    pairs = [argument.partition("=") for argument in arguments]
    return [(name.strip(), value.strip()) for name, equals, value in pairs if equals]


def _channel(headers: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """The call as Asterisk sees it."""
    pairs = [
        ("call_id", headers.get("agi_uniqueid", "")),
        ("caller", headers.get("agi_callerid", "")),
        ("line", _first(headers.get("agi_dnid", ""), headers.get("agi_extension", ""))),
    ]
    return [*pairs, ("caller_withheld", "true")] if _withheld(headers) else pairs


def _withheld(headers: Mapping[str, str]) -> bool:
    presentation = headers.get("agi_callingpres", "")
    octet = presentation.isascii() and presentation.isdigit() and len(presentation) <= _OCTET_DIGITS
    if octet and int(presentation) & _NOT_ALLOWED:
        return True
    return headers.get("agi_calleridname", "").strip().lower() in _HIDING_NAMES


def _first(*texts: str) -> str:
    return next((text for text in texts if text.lower() not in _NOBODY), "")
