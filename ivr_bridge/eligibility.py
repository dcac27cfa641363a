"""May this caller be offered a messenger? Sends nothing, spends nothing, writes the answer down."""

import time
from dataclasses import dataclass

from prometheus_client import Counter

from core.clock import Clock
from core.ids import CallRef, new_id
from core.postgres import Database, Tx
from ivr_bridge import calls, opening
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import NOBODY, circumstances
from ivr_bridge.evidence import Proof
from ivr_bridge.moment import before_the_offer, moment
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, Ruling, rule
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.rehearsal import Rehearsal
from ivr_bridge.rescue import CALLED, call_off
from messaging import openings
from messaging.reachability import Evidence

ASKED = Counter("ivr_bridge_eligibility_total", "Eligibility by answer", ["action", "reason"])


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The question before the offer."""

    database: Database
    readiness: Readiness
    clock: Clock

    async def ask(self, wish: Wish) -> Answer:
        """Offer, or go on, with the reason; raises IdempotencyConflict."""
        began = time.monotonic()
        if wish.request.dry_run:
            return await Rehearsal(self.database, self.readiness, self.clock).of_offer(wish)
        ready = await self.readiness.of(wish.workspace_id, wish.line)
        recent_calls = await self.readiness.recent_calls(wish.workspace_id, wish.line)
        async with self.database.workspace(wish.workspace_id) as tx:
            answer = await self._ask(tx, wish, ready, recent_calls, began)
        ASKED.labels(answer.action.value, answer.reason.value).inc()
        return answer

    async def _ask(
        self, tx: Tx, wish: Wish, ready: Ready | None, recent_calls: int | None, began: float
    ) -> Answer:
        now = self.clock()
        made, met = await calls.meet(tx, wish, None if ready is None else ready.account)
        call_ref = await calls.hold(tx, wish) if made is None else made
        if met.rescued_contact is not None:
            await call_off(tx, met.rescued_contact, CALLED)
        prospect = NOBODY
        if wish.caller.target is not None and ready is not None:
            prospect = await openings.look_up(tx, wish.caller.target, ready.account, now)
        at = await moment(tx, wish, new=made is not None, recent_calls=recent_calls, now=now)
        seen = circumstances(wish, ready, met, prospect, asked=False)
        seen = before_the_offer(seen, wish, ready, at)
        ruling = rule((*HARD, *SOFT), seen, wish.line.terms.policy)
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
        )
        took_ms = round((time.monotonic() - began) * 1000)
        await _note(tx, wish, call_ref, answer, ruling, evidence, took_ms)
        return answer


async def _note(
    tx: Tx,
    wish: Wish,
    call_ref: CallRef,
    answer: Answer,
    ruling: Ruling,
    evidence: Evidence,
    took_ms: int,
) -> None:
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
            trace=ruling.trace,
            asked=opening.asked(wish),
            channel=answer.channel,
            evidence_source=evidence.source,
            evidence_at=evidence.at,
            took_ms=took_ms,
        )
    )
