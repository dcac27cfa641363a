"""`dry_run`: what would happen to this call, with every rule asked, and nothing written or sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from core.clock import Clock
from core.postgres import Database, Tx
from ivr_bridge import calls
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import circumstances, met_there
from ivr_bridge.evidence import Proof
from ivr_bridge.guard.guard import Guard
from ivr_bridge.moment import before_the_offer, moment
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Reason
from ivr_bridge.policy import HARD, SOFT, rule
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.timing import Budget
from ivr_bridge.ways.choosing import channels_for, look_up

log = structlog.get_logger()


class _Over(Exception):
    """Not an error: it undoes what a rehearsal wrote."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Both questions of an IVR, asked for the sake of the answer."""

    database: Database
    readiness: Readiness
    guard: Guard
    clock: Clock

    async def of_offer(self, wish: Wish, budget: Budget) -> Answer:
        """Would this caller be offered a messenger? Raises IdempotencyConflict."""
        return await self._rehearse(wish, budget, asked=False)

    async def of_deflection(self, wish: Wish, budget: Budget) -> Answer:
        """Would this caller be written to? The soft rules are told, and decide nothing here."""
        return await self._rehearse(wish, budget, asked=True)

    async def _rehearse(self, wish: Wish, budget: Budget, *, asked: bool) -> Answer:
        choices = await channels_for(self.readiness, wish)
        choices = await self.guard.usable(wish, choices)
        recent_calls = await self.readiness.recent_calls(
            wish.workspace_id, wish.line, wish.line.terms.policy
        )
        wish = replace(wish, limits=await self.guard.look(wish, choices[0] if choices else None))
        answer: Answer | None = None
        try:
            async with self.database.workspace(wish.workspace_id) as tx:
                answer = await self._answer(tx, wish, choices, recent_calls, budget, asked=asked)
                raise _Over
        except _Over:
            log.info("call.rehearsed", line=wish.line.name)
        assert answer is not None, "it was assigned or an error left this method"  # noqa: S101
        return answer

    async def _answer(
        self,
        tx: Tx,
        wish: Wish,
        choices: Sequence[Ready],
        recent_calls: int | None,
        budget: Budget,
        *,
        asked: bool,
    ) -> Answer:
        now = self.clock()
        call_ref, met = await calls.meet(tx, wish, choices[0].account if choices else None)
        if call_ref is None:
            await calls.hold(tx, wish)
        ready, prospect = await look_up(tx, wish, choices, now, chatting=met.conversation_open)
        at = await moment(tx, wish, new=call_ref is not None, recent_calls=recent_calls, now=now)
        met = met_there(met, ready, choices)
        seen = circumstances(wish, ready, met, prospect, budget, asked=asked)
        terms = wish.line.terms.policy
        seen = before_the_offer(seen, wish, ready, at, terms)
        hard, soft = rule(HARD, seen, terms, every=True), rule(SOFT, seen, terms, every=True)
        refused = hard.refused or (None if asked else soft.refused)
        offered = refused is None and not asked
        return Answer(
            # Nothing was sent, so nothing but `continue` would be true of a deflection.
            Action.OFFER if offered else Action.CONTINUE,
            Reason.OK if refused is None else refused,
            channel=None if ready is None else ready.account.kind.value,
            reachability=prospect.evidence.state,
            proof=Proof.NONE if prospect.evidence.at is None else Proof.HISTORY,
            chat_wait_s=None if ready is None else ready.chat_wait_s,
            variant="hold_out" if refused is Reason.HOLD_OUT else "treat",
            trace=(*hard.trace, *soft.trace),
            before_offer=not asked,
        )
