"""From what an IVR sent to a wish: the same for every dialect and every transport."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.access import KeyHolder
from core.ids import WorkspaceId
from core.outages import DatabaseUnavailable
from ivr_bridge.answer import Answer
from ivr_bridge.callers import caller_of
from ivr_bridge.calls import key_of
from ivr_bridge.deflections import BEGIN_WITHIN_S, Deflections
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents, LineForbidden
from ivr_bridge.inflight import InFlight
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.reading import Asked

Result = TypeVar("Result")

SCOPE = "ivr"
"""What a key must be for."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """What every way into this room works with."""

    lines: Lines
    deflections: Deflections
    eligibility: Eligibility
    events: CallEvents
    in_flight: InFlight = field(default_factory=InFlight)
    """What a caller could not wait for, until it has ended."""

    async def soon(self, work: Coroutine[Any, Any, Result], left_s: float) -> Result:
        """What a caller waits for; raises DatabaseUnavailable at the moment when it is too late."""
        try:
            return await self.in_flight.within(work, min(BEGIN_WITHIN_S, left_s))
        except TimeoutError as hung:
            raise DatabaseUnavailable from hung

    async def wish(self, holder: KeyHolder, asked: Asked) -> Wish | Answer:
        """What is asked, on which line; an unknown line is no fault but an answer: `continue`."""
        line = await self.lines.find(holder.workspace_id, asked.request.line)
        if line is None:
            return Answer(Action.CONTINUE, Reason.LINE_UNKNOWN)
        if not line.opens_to(holder.lines):
            raise LineForbidden
        return wish_of(holder.workspace_id, line, asked)


def wish_of(workspace_id: WorkspaceId, line: Line, asked: Asked) -> Wish:
    """A request that was understood, on its line."""
    request = asked.request
    caller = caller_of(
        request.caller,
        withheld=request.caller_withheld,
        messenger_number=request.messenger_number,
        country=line.country,
    )
    return Wish(
        workspace_id=workspace_id,
        line=line,
        request=request,
        caller=caller,
        call_id=key_of(request.call_id),
        language=line.language(request.language),
        dropped=asked.dropped,
    )
