"""An answer before the offer: what the rules say about a call, and how it is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.ids import CallRef, WorkspaceId, new_id
from core.postgres import to_json
from core.together import Together
from core.weaving import Strand, Woven, only_where
from ivr_bridge import calls, opening
from ivr_bridge.answer import Answer
from ivr_bridge.evidence import Proof
from ivr_bridge.looking import Looking
from ivr_bridge.moment import Moment, before_the_offer
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, Circumstances, Ruling, rule
from ivr_bridge.policy.recorded import Read, written
from ivr_bridge.readiness import Ready
from ivr_bridge.shadow import Shadow
from ivr_bridge.shared import SHARED, Shared, all_at_once
from messaging.openings import Prospect
from messaging.reachability import Evidence

# An answer is only noted for a call that is new; each of the others takes the long way.
NOTE = Woven(
    "SELECT call_ref FROM call",
    call=Strand(calls.SQL["make_call"]),
    note=Strand(
        calls.SQL["note_eligibility"],
        eligibilities=only_where("SELECT call_ref FROM call", "call.call_refs"),
    ),
)


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a row keeps about one answer."""

    answer: Answer
    ruling: Ruling
    evidence: Evidence
    seen: Circumstances
    shadow: Shadow | None


@dataclass(frozen=True, slots=True)
class Noted:
    """An answer about to be written down."""

    call_ref: CallRef
    wish: Wish
    told: Told
    took_ms: int


def tell(
    wish: Wish,
    ready: Ready | None,
    first: Circumstances,
    prospect: Prospect,
    at: Moment,
    shadow: Shadow | None,
) -> Told:
    """What the line's rules say at this moment."""
    terms = wish.line.terms.policy
    seen = before_the_offer(first, wish, ready, at, terms)
    ruling = rule((*HARD, *SOFT), seen, terms)
    reason = ruling.refused or Reason.OK
    evidence = prospect.evidence
    answer = Answer(
        Action.OFFER if ruling.refused is None else Action.CONTINUE,
        reason,
        channel=None if ready is None else ready.account.kind.value,
        reachability=evidence.state,
        proof=Proof.NONE if evidence.at is None else Proof.HISTORY,
        chat_wait_s=None if ready is None else ready.chat_wait_s,
        variant="hold_out" if reason is Reason.HOLD_OUT else "treat",
        before_offer=True,
    )
    return Told(answer, ruling, evidence, seen, shadow)


def to_note(workspace_id: WorkspaceId, answers: Sequence[Noted]) -> dict[str, Any]:
    """The values of `note_eligibility`."""
    told = [each.told for each in answers]
    shadows = [each.shadow for each in told]
    terms = [each.wish.line.terms for each in answers]
    return {
        "workspace": workspace_id,
        "eligibilities": [new_id() for _ in answers],
        "call_refs": [each.call_ref for each in answers],
        "attempts": [each.wish.request.attempt for each in answers],
        "actions": [each.answer.action.value for each in told],
        "reasons": [each.answer.reason.value for each in told],
        "arms": [each.answer.variant for each in told],
        "reachabilities": [each.answer.reachability.value for each in told],
        "traces": [to_json(each.ruling.trace) for each in told],
        "asked": [to_json(opening.asked(each.wish)) for each in answers],
        "channels": [each.answer.channel for each in told],
        "evidence_sources": [each.evidence.source for each in told],
        "evidence_ats": [each.evidence.at for each in told],
        "took_ms": [each.took_ms for each in answers],
        "seen": [
            to_json(written(each.seen, Read.by(of.policy, of.shadow)))
            for each, of in zip(told, terms, strict=True)
        ],
        "shadow_policies": [None if shadow is None else shadow.policy for shadow in shadows],
        "shadow_reasons": [None if shadow is None else shadow.reason.value for shadow in shadows],
        "shadow_traces": [
            None if shadow is None else to_json(shadow.ruling.trace) for shadow in shadows
        ],
    }


class UsualOffers:
    """Looks at callers and notes their answers, over the connections that callers share."""

    def __init__(self, shared: Shared) -> None:
        self.looking = Looking(shared)
        self._offering = shared.offering
        self._noting: Together[WorkspaceId, Noted, bool] = Together(
            self._note_all,
            apart=lambda noted: [(noted.wish.line.line_id, noted.wish.call_id)],
            hands=shared.hands,
        )

    async def note(self, noted: Noted) -> bool:
        """Write the answer down, and its call; False where the call was known, and nothing is written."""
        return await self._noting.ask(noted.wish.workspace_id, noted)

    async def _note_all(self, workspace_id: WorkspaceId, group: Sequence[Noted]) -> Sequence[bool]:
        SHARED.labels("offer").observe(len(group))
        statement = NOTE(
            call=calls.to_make(workspace_id, [(each.call_ref, each.wish) for each in group]),
            note=to_note(workspace_id, group),
        )
        rows = await all_at_once(self._offering, workspace_id, statement)
        made = {row["call_ref"] for row in rows}
        return [each.call_ref in made for each in group]
