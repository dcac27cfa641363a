"""May this caller be offered a messenger? Sends nothing, spends nothing, writes the answer down."""

from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.ids import CallRef, new_id
from core.postgres import Database, Tx
from ivr_bridge import calls
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import NOBODY, circumstances
from ivr_bridge.evidence import Proof
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, Ruling, rule
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.rescue import CALLED, call_off
from messaging import openings

log = structlog.get_logger()

ASKED = Counter("ivr_bridge_eligibility_total", "Eligibility by answer", ["action", "reason"])


class _Rehearsed(Exception):
    """Not an error: it undoes what a rehearsal wrote."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The question before the offer."""

    database: Database
    readiness: Readiness
    clock: Clock

    async def ask(self, wish: Wish) -> Answer:
        """Offer, or go on, with the reason; raises IdempotencyConflict."""
        ready = await self.readiness.of(wish.workspace_id, wish.line)
        answer: Answer | None = None
        try:
            async with self.database.workspace(wish.workspace_id) as tx:
                answer = await self._ask(tx, wish, ready)
                if wish.request.dry_run:
                    raise _Rehearsed
        except _Rehearsed:
            log.info("eligibility.rehearsed", line=wish.line.name)
        assert answer is not None, "it was assigned or an error left this method"  # noqa: S101
        ASKED.labels(answer.action.value, answer.reason.value).inc()
        return answer

    async def _ask(self, tx: Tx, wish: Wish, ready: Ready | None) -> Answer:
        call_ref, met = await calls.meet(tx, wish, None if ready is None else ready.account)
        if call_ref is None:
            call_ref = await calls.hold(tx, wish)
        if met.rescued_contact is not None:
            await call_off(tx, met.rescued_contact, CALLED)
        prospect = NOBODY
        if wish.caller.target is not None and ready is not None:
            prospect = await openings.look_up(tx, wish.caller.target, ready.account, self.clock())
        seen = circumstances(wish, ready, met, prospect, asked=False)
        ruling = rule((*HARD, *SOFT), seen, wish.line.terms.policy)
        reach = prospect.evidence.state
        await self._note(tx, wish, call_ref, ruling, reach.value)
        refused = ruling.refused
        return Answer(
            Action.OFFER if refused is None else Action.CONTINUE,
            Reason.OK if refused is None else refused,
            channel=None if ready is None else ready.account.kind.value,
            reachability=reach,
            proof=Proof.NONE if prospect.evidence.at is None else Proof.HISTORY,
            chat_wait_s=None if ready is None else ready.chat_wait_s,
            trace=ruling.trace if wish.request.dry_run else None,
        )

    async def _note(
        self, tx: Tx, wish: Wish, call_ref: CallRef, ruling: Ruling, reach: str
    ) -> None:
        await tx.execute(
            *calls.SQL["note_eligibility"](
                workspace=tx.workspace_id,
                eligibility=new_id(),
                call_ref=call_ref,
                attempt=wish.request.attempt,
                action=(Action.OFFER if ruling.refused is None else Action.CONTINUE).value,
                reason=(ruling.refused or Reason.OK).value,
                arm="treat",
                reachability=reach,
                trace=[*ruling.trace, *({"dropped": name} for name in wish.dropped)],
            )
        )
