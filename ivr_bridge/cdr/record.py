"""One line of a PBX's file in our words, or why it is none of ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from ivr_bridge.cdr.times import BadTime, span
from ivr_bridge.documents import MAX_CALL_ID

# Asterisk: `1759140000.42`, or `pbx1-1759140000.42` where asterisk.conf names a system.
_UNIQUEID = re.compile(r"(?:^|.-)(?P<epoch>\d{10})\.\d+$")
_NOT_ANSWERED = frozenset(
    {"no answer", "noanswer", "busy", "failed", "congestion", "no_answer", "missed", "abandoned",
     "originator_cancel", "no_user_response", "user_busy", "normal_temporary_failure"}
)  # fmt: skip
_ANSWERED = frozenset({"answered", "answer", "normal_clearing"})
_OUT = frozenset({"out", "outbound", "outgoing", "internal"})


class Skip(StrEnum):
    """Why a record was not taken."""

    UNREADABLE = "unreadable"
    NO_ID = "no_id"
    BAD_TIME = "bad_time"
    OUTGOING = "outgoing"
    OTHER_LEG = "other_leg"
    LINE_UNKNOWN = "line_unknown"
    ANOTHER_CALLER = "another_caller"

    @property
    def ours(self) -> bool:
        """It may have been a caller's call: somebody should look."""
        return self not in {Skip.OUTGOING, Skip.OTHER_LEG}


class Skipped(Exception):
    """This record is not taken."""

    def __init__(self, why: Skip) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says about one call."""

    call_id: str
    dialled: tuple[str, ...]
    """What may name the line, the surest first."""
    caller: str
    outgoing: bool
    """The PBX itself says so."""
    started: datetime
    answered: datetime | None
    """When a person had the call; not the moment at which a menu picked up."""
    ended: datetime | None
    off_s: float | None
    """How far the start is from the moment that Asterisk wrote into the id."""


def understood(
    fields: Mapping[str, str], *, zone: tzinfo, prefix: str = "", make_ids: bool = False
) -> Record:
    """The record in these fields (names of `layouts.NAMES`); raises Skipped."""
    own_id = fields.get("call_id", "")
    linked = fields.get("linked_id", "")
    if own_id and linked and own_id != linked:
        # The agent's leg of a call (or a Local channel of the queue): the caller's own records tell
        # that a person took it, and end with the caller.
        raise Skipped(Skip.OTHER_LEG)
    call_id = linked or own_id
    if not call_id and make_ids and fields.get("channel"):
        call_id = f"{fields['channel']}@{fields.get('started', '')}"
    if not call_id or len(prefix + call_id) > MAX_CALL_ID:
        raise Skipped(Skip.NO_ID)
    began = _began(call_id)
    try:
        moments = span(
            fields.get("started", ""),
            fields.get("answered", "") or fields.get("picked_up", ""),
            fields.get("ended", ""),
            duration_s=_number(fields.get("duration")),
            zone=zone,
            began=began,
        )
    except BadTime as bad:
        raise Skipped(Skip.BAD_TIME) from bad
    return Record(
        call_id=prefix + call_id,
        dialled=tuple(text for name in ("line", "dialled") if (text := fields.get(name, ""))),
        caller=fields.get("caller", "") or fields.get("caller_name", ""),
        outgoing=fields.get("direction", "").lower() in _OUT,
        started=moments.started,
        answered=_by_a_person(fields, moments.answered, moments.ended),
        ended=moments.ended,
        off_s=None if began is None else (moments.started - began).total_seconds(),
    )


def _by_a_person(
    fields: Mapping[str, str], at: datetime | None, ended: datetime | None
) -> datetime | None:
    """When a person had the call, as far as the record can tell.

    `answered` says it outright. A PBX's own answer time is when its *channel* was picked up, mostly
    by the menu: that a person came is seen from the second party, and they had the call until the
    record's end. The end it is, then, because what happened to a hang-up is judged by whether a
    person had the call after it.
    """
    if fields.get("answered"):
        return at
    word = fields.get("disposition", "").strip().lower()
    talked_s = _number(fields.get("billsec"))
    if word in _NOT_ANSWERED or talked_s == 0:
        return None
    if "peer" in fields:
        return (ended or at) if fields["peer"] and (at is not None or talked_s) else None
    return (at or ended) if word in _ANSWERED else None


def _began(call_id: str) -> datetime | None:
    match = _UNIQUEID.search(call_id)
    return None if match is None else datetime.fromtimestamp(int(match["epoch"]), UTC)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 10_000_000 else None  # noqa: PLR2004 - 115 days
