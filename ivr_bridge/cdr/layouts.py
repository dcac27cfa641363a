"""Which column says what: Asterisk's Master.csv, FreeSWITCH's cdr-csv, or a header that names them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from core.faults import Invalid


class Format(StrEnum):
    """What `--format` may say."""

    AUTO = "auto"
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"
    CSV = "csv"


class FormatUnknown(Invalid, code="format_unknown"):
    """The first line is none that is known: name the columns with --map, or write a header."""


NAMES = (
    "call_id", "linked_id", "line", "dialled", "caller", "caller_name", "started", "picked_up",
    "answered", "ended", "duration", "billsec", "disposition", "peer", "channel", "direction",
)  # fmt: skip

_ALIASES: Mapping[str, Sequence[str]] = {
    "call_id": ("callid", "uniqueid", "uuid", "callsid", "id"),
    "linked_id": ("linkedid",),
    "line": ("line", "did", "didnumber"),
    "dialled": ("dst", "destination", "destinationnumber", "dialled", "dialed", "called", "to"),
    "caller": ("caller", "src", "source", "calleridnumber", "cnum", "callernumber", "from", "ani"),
    "caller_name": ("clid", "callerid"),
    "started": ("startedat", "started", "start", "calldate", "startstamp", "starttime", "startepoch"),
    "picked_up": ("answer", "answerstamp", "answertime", "answerepoch"),
    "answered": ("answeredat", "bridgestamp", "bridgeepoch", "ccqueueansweredepoch"),
    "ended": ("endedat", "ended", "end", "endstamp", "endtime", "endepoch"),
    "duration": ("duration", "durations"),
    "billsec": ("billsec", "billseconds", "talktime"),
    "disposition": ("disposition", "status", "hangupcause"),
    "peer": ("dstchannel", "bleguuid", "bridgechannel", "peer"),
    "channel": ("channel", "channelname"),
    "direction": ("direction",),
}  # fmt: skip

# cdr_csv.c: these sixteen, then by cdr.conf uniqueid, userfield, and peeraccount, linkedid, sequence.
_MASTER = (
    None, "caller", "dialled", None, "caller_name", "channel", "peer", None, None,
    "started", "picked_up", "ended", "duration", "billsec", "disposition", None,
)  # fmt: skip
_MASTER_START = _MASTER.index("started")
# mod_cdr_csv's `example`, its default, and the templates that only add to it.
_EXAMPLE = (
    "caller_name", "caller", "dialled", None, "started", "picked_up", "ended", "duration", "billsec",
    "disposition", "call_id", "peer", None, None, None,
)  # fmt: skip
_EXAMPLE_ID = _EXAMPLE.index("call_id")

_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_UNIQUE = re.compile(r"(?:.+-)?\d{10}\.\d+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each name stands in a row."""

    title: str
    places: Mapping[str, int]
    header: bool = False

    def fields(self, row: Sequence[str]) -> dict[str, str]:
        """The row's values by name; a short row simply says less."""
        return {name: row[at].strip() for name, at in self.places.items() if at < len(row)}


def layout_of(row: Sequence[str], wanted: Format, mapped: Mapping[str, str]) -> Layout:
    """How this file is to be read, judged by its first row; raises FormatUnknown."""
    named = _by_header(row)
    headed = {"started"} <= named.keys() and len(named) > 2  # noqa: PLR2004 - a time and something
    if wanted is not Format.CSV and not headed and (found := _by_position(row, wanted)):
        return Layout(found.title, {**found.places, **_mapped(mapped, ())})
    places = {**named, **_mapped(mapped, row)}
    if "started" not in places or not {"call_id", "linked_id", "channel"} & places.keys():
        raise FormatUnknown
    # Columns given by number do not make the first row a header.
    return Layout("a table with a header" if headed else "a table", places, header=bool(named))


def _by_header(row: Sequence[str]) -> dict[str, int]:
    cells = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in row]
    found: dict[str, int] = {}
    for name, aliases in _ALIASES.items():
        at = next((cells.index(alias) for alias in aliases if alias in cells), None)
        if at is not None:
            found[name] = at
    return found


def _by_position(row: Sequence[str], wanted: Format) -> Layout | None:
    if wanted is not Format.FREESWITCH and _shows_time(row, _MASTER_START):
        return Layout("Asterisk's Master.csv", _master(row))
    if wanted is not Format.ASTERISK and len(row) > _EXAMPLE_ID and _UUID.fullmatch(
        row[_EXAMPLE_ID].strip()
    ):  # fmt: skip
        return Layout("FreeSWITCH's cdr-csv", _places(_EXAMPLE))
    return None


def _master(row: Sequence[str]) -> dict[str, int]:
    """The optional columns come in one order, but only uniqueid and userfield can be told apart."""
    base = len(_MASTER)
    places = _places(_MASTER)
    more = len(row) - base
    unique = more in {2, 5} or (
        more in {1, 4} and bool(_UNIQUE.fullmatch(row[base]) or _UUID.fullmatch(row[base]))
    )
    if unique:
        places["call_id"] = base
    if more >= 3:  # noqa: PLR2004 - peeraccount, linkedid, sequence
        places["linked_id"] = len(row) - 2
    return places


def _places(names: Sequence[str | None]) -> dict[str, int]:
    return {name: at for at, name in enumerate(names) if name is not None}


def _shows_time(row: Sequence[str], at: int) -> bool:
    return len(row) > at and bool(_TIME.fullmatch(row[at].strip()))


def _mapped(mapped: Mapping[str, str], row: Sequence[str]) -> dict[str, int]:
    """What --map says: a column by its title, or by its number counted from one."""
    titles = [cell.strip().lower() for cell in row]
    found: dict[str, int] = {}
    for name, column in mapped.items():
        if column.strip().lower() in titles:
            found[name] = titles.index(column.strip().lower())
        elif column.isdigit() and int(column) > 0:
            found[name] = int(column) - 1
        else:
            raise FormatUnknown(f"--map {name}={column}: there is no such column.")
    return found


def from_json(document: Any) -> dict[str, str]:
    """FreeSWITCH's mod_json_cdr: variables, the caller's profile, and when the call was bridged.

    A transfer begins another flow, which comes before the earlier ones: the number that was dialled
    stands in the last, and the bridge to a person where the call was at that time.
    """
    if not isinstance(document, dict):
        raise TypeError("not an object")
    variables = document.get("variables")
    flows = document.get("callflow")
    flows = [
        flow for flow in (flows if isinstance(flows, list) else [flows]) if isinstance(flow, dict)
    ]
    profile = flows[-1].get("caller_profile") if flows else None
    told: dict[str, Any] = {}
    for part in (profile, document if variables is None else variables):
        if isinstance(part, dict):
            told |= {re.sub(r"[^a-z0-9]", "", str(name).lower()): part[name] for name in part}
    found = {
        name: unquote(str(told[alias])).strip()
        for name, aliases in _ALIASES.items()
        # Of several the last: moments as seconds of an epoch need no time zone.
        for alias in aliases
        if alias in told and not isinstance(told[alias], dict | list)
    }
    times = [flow["times"] for flow in flows if isinstance(flow.get("times"), dict)]
    bridged = [at for each in times if (at := str(each.get("bridged_time") or "0")) != "0"]
    if bridged:
        found["answered"] = bridged[0]
    elif variables is not None:
        found.setdefault("peer", "")
    return found


def read_json(line: str) -> dict[str, str]:
    """One line of a file of JSON records; raises ValueError or TypeError."""
    return from_json(json.loads(line))
