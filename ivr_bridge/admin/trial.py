"""What would happen to this call? Both of an IVR's questions, rehearsed: nothing is written or sent."""

import time
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from core.clock import Clock
from core.http import invalid
from core.ids import WorkspaceId, new_id
from ivr_bridge.admin.documents import Trial, TrialAnswer
from ivr_bridge.answer import Answer
from ivr_bridge.asking import wish_of
from ivr_bridge.deflections import Deflections
from ivr_bridge.documents import CallRequest, DecisionDocument
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.line import Line
from ivr_bridge.opening import Wish
from ivr_bridge.policy.keeping import learn
from ivr_bridge.reading import Asked
from ivr_bridge.timing import Budget, deadline_ms


@dataclass(frozen=True, slots=True)
class Trials:
    """Rehearses calls with the very rules that real calls meet."""

    eligibility: Eligibility
    deflections: Deflections
    clock: Clock

    async def rehearse(
        self, workspace_id: WorkspaceId, line: Line, trial: Trial, *, trace_id: str
    ) -> TrialAnswer:
        """What the IVR would be told before the offer, and after the key; raises Invalid."""
        if trial.terms is not None:
            await learn([trial.terms.policy], self.clock().date())
        wish = _wish(workspace_id, line, trial)
        limit = deadline_ms(trial.deadline_ms, wish.line.deadline_ms)
        began = time.monotonic()
        offer = await self.eligibility.ask(wish, Budget.of_call(began, limit))
        asked = time.monotonic()
        press = await self.deflections.decide(wish, Budget.of_call(asked, limit))
        done = time.monotonic()
        return TrialAnswer(
            offer=_document(offer, asked - began, trace_id),
            press=_document(press, done - asked, trace_id),
        )


def _wish(workspace_id: WorkspaceId, line: Line, trial: Trial) -> Wish:
    if trial.terms is not None:
        line = replace(line, terms=trial.terms)
    try:
        request = CallRequest.model_validate(
            {
                **trial.model_dump(exclude={"terms"}, exclude_none=True),
                "call_id": f"trial-{new_id()}",
                "line": line.number,
                "dry_run": True,
            }
        )
    except ValidationError as wrong:
        raise invalid(wrong) from wrong
    return wish_of(workspace_id, line, Asked(request, ()))


def _document(answer: Answer, took_s: float, trace_id: str) -> DecisionDocument:
    told: dict[str, Any] = answer.document(elapsed_ms=round(took_s * 1000), trace_id=trace_id)
    return DecisionDocument.model_validate(told)
