"""What a record tells of its call, as the IVR would have told it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ivr_bridge.callers import caller_of
from ivr_bridge.calls import key_of
from ivr_bridge.cdr.record import Record
from ivr_bridge.documents import CallEvent
from ivr_bridge.events import Told, moment_key
from ivr_bridge.line import Line


@dataclass(frozen=True, slots=True)
class Found:
    """A record whose line is known, and where it stands."""

    number: int
    record: Record
    line: Line


def told_by(index: int, found: Found) -> Iterator[Told]:
    """Its events; `index` says whose they are."""
    one = found.record
    caller = caller_of(
        one.caller, withheld=False, messenger_number=None, country=found.line.country
    )
    moments: tuple[tuple[Literal["entered", "answered", "ended"], datetime | None], ...] = (
        ("entered", one.started),
        ("answered", one.answered),
        ("ended", one.ended),
    )
    for event, at in moments:
        if at is not None:
            yield Told(
                index=index,
                line=found.line,
                call_id=key_of(one.call_id),
                caller=None if caller.phone is None else caller.phone.e164,
                event=CallEvent(call_id=one.call_id, line=found.line.name, event=event, at=at),
                at=at,
                key=moment_key(at),
            )
