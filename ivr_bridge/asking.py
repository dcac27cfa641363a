"""From what an IVR sent to a wish: the same for every dialect and every transport."""

from dataclasses import dataclass

from core.access import KeyHolder
from core.ids import WorkspaceId
from ivr_bridge.answer import Answer
from ivr_bridge.callers import caller_of
from ivr_bridge.calls import key_of
from ivr_bridge.deflections import Deflections
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents, LineForbidden
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.reading import Asked

SCOPE = "ivr"
"""What a key must be for."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """What every way into this room works with."""

    lines: Lines
    deflections: Deflections
    eligibility: Eligibility
    events: CallEvents

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
