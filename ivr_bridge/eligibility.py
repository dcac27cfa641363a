"""May this caller be offered a messenger? Sends nothing, spends nothing, writes the answer down."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter

from core.clock import Clock
from core.ids import CallRef, new_id
from core.postgres import Database, Tx
from ivr_bridge import calls, opening
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import circumstances
from ivr_bridge.evidence import Proof
from ivr_bridge.guard.guard import Guard
from ivr_bridge.moment import before_the_offer, moment
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, Circumstances, Ruling, rule
from ivr_bridge.policy.recorded import Read, written
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.rehearsal import Rehearsal
from ivr_bridge.rescue import CALLED, call_off
from ivr_bridge.shadow import Candidate, Shadow, candidate
from ivr_bridge.ways.choosing import channels_for, look_up
from messaging.reachability import Evidence

ASKED = Counter("ivr_bridge_eligibility_total", "Eligibility by answer", ["action", "reason"])


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The question before the offer."""

    database: Database
    readiness: Readiness
    guard: Guard
    clock: Clock

    async def ask(self, wish: Wish) -> Answer:
        """Offer, or go on, with the reason; raises IdempotencyConflict."""
        began = time.monotonic()
        if wish.request.dry_run:
            return await Rehearsal(self.database, self.readiness, self.guard, self.clock).of_offer(
                wish
            )
        choices = await channels_for(self.readiness, wish)
        policy = wish.line.terms.policy
        recent_calls = await self.readiness.recent_calls(wish.workspace_id, wish.line, policy)
        beside = await candidate(self.readiness, wish)
        wish = replace(wish, limits=await self.guard.look(wish, choices[0] if choices else None))
        async with self.database.workspace(wish.workspace_id) as tx:
            answer, shadow = await self._ask(tx, wish, choices, recent_calls, beside, began)
        ASKED.labels(answer.action.value, answer.reason.value).inc()
        if shadow is not None:
            shadow.count(answer.reason)
        return answer

    async def _ask(
        self,
        tx: Tx,
        wish: Wish,
        choices: Sequence[Ready],
        recent_calls: int | None,
        beside: Candidate | None,
        began: float,
    ) -> tuple[Answer, Shadow | None]:
        now = self.clock()
        made, met = await calls.meet(tx, wish, choices[0].account if choices else None)
        call_ref = await calls.hold(tx, wish) if made is None else made
        if met.rescued_contact is not None:
            await call_off(tx, met.rescued_contact, CALLED)
        ready, prospect = await look_up(tx, wish, choices, now)
        at = await moment(tx, wish, new=made is not None, recent_calls=recent_calls, now=now)
        first = circumstances(wish, ready, met, prospect, asked=False)
        terms = wish.line.terms.policy
        seen = before_the_offer(first, wish, ready, at, terms)
        ruling = rule((*HARD, *SOFT), seen, terms)
        shadow = None
        if beside is not None:
            shadow = await beside.look(tx, wish, ready, first, at, new=made is not None)
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
        took_ms = round((time.monotonic() - began) * 1000)
        told = _Told(answer, ruling, evidence, seen, shadow)
        await _note(tx, wish, call_ref, told, took_ms)
        return answer, shadow


@dataclass(frozen=True, slots=True)
class _Told:
    """Everything that a row keeps about one answer."""

    answer: Answer
    ruling: Ruling
    evidence: Evidence
    seen: Circumstances
    shadow: Shadow | None


async def _note(tx: Tx, wish: Wish, call_ref: CallRef, told: _Told, took_ms: int) -> None:
    answer, shadow, terms = told.answer, told.shadow, wish.line.terms
    await tx.execute(
        *calls.SQL["note_eligibility"](
            workspace=tx.workspace_id,
            eligibility=new_id(),
            call_ref=call_ref,
            attempt=wish.request.attempt,
            action=answer.action.value,
            reason=answer.reason.value,
            arm=answer.variant,
            reachability=answer.reachability.value,
            trace=told.ruling.trace,
            asked=opening.asked(wish),
            channel=answer.channel,
            evidence_source=told.evidence.source,
            evidence_at=told.evidence.at,
            took_ms=took_ms,
            seen=written(told.seen, Read.by(terms.policy, terms.shadow)),
            shadow_policy=None if shadow is None else shadow.policy,
            shadow_reason=None if shadow is None else shadow.reason.value,
            shadow_trace=None if shadow is None else shadow.ruling.trace,
        )
    )
