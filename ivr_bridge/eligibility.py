"""May this caller be offered a messenger? Sends nothing, spends nothing, writes the answer down."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter

from core.clock import Clock
from core.ids import CallRef, new_id
from core.postgres import Database, Tx
from ivr_bridge import calls
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import circumstances, met_there
from ivr_bridge.calls import NO_OFFERS
from ivr_bridge.guard.guard import Guard
from ivr_bridge.moment import Moment, moment
from ivr_bridge.offering import Noted, UsualOffers, tell, to_note
from ivr_bridge.opening import Wish
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.rehearsal import Rehearsal
from ivr_bridge.rescues.rescue import CALLED, call_off
from ivr_bridge.shadow import Candidate, Shadow, candidate
from ivr_bridge.timing import Budget
from ivr_bridge.ways.choosing import channels_for, look_up

ASKED = Counter("ivr_bridge_eligibility_total", "Eligibility by answer", ["action", "reason"])


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is known of a question before anybody is looked up."""

    choices: Sequence[Ready]
    recent_calls: int | None
    beside: Candidate | None
    budget: Budget
    began: float

    @property
    def took_ms(self) -> int:
        """Since it came."""
        return round((time.monotonic() - self.began) * 1000)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The question before the offer."""

    database: Database
    readiness: Readiness
    guard: Guard
    clock: Clock
    usual: UsualOffers

    async def ask(self, wish: Wish, budget: Budget) -> Answer:
        """Offer, or go on, with the reason; raises IdempotencyConflict.

        An offer is a promise, so `budget` is what a deflection in the same words would have.
        """
        began = time.monotonic()
        if wish.request.dry_run:
            rehearsal = Rehearsal(self.database, self.readiness, self.guard, self.clock)
            return await rehearsal.of_offer(wish, budget)
        choices = await channels_for(self.readiness, wish)
        choices = await self.guard.usable(wish, choices)
        policy = wish.line.terms.policy
        recent_calls = await self.readiness.recent_calls(wish.workspace_id, wish.line, policy)
        beside = await candidate(self.readiness, wish)
        wish = replace(wish, limits=await self.guard.look(wish, choices[0] if choices else None))
        asked = _Asked(choices, recent_calls, beside, budget, began)
        answer, shadow = await self._usual(wish, asked), None
        if answer is None:
            async with self.database.workspace(wish.workspace_id) as tx:
                answer, shadow = await self._ask(tx, wish, asked)
        ASKED.labels(answer.action.value, answer.reason.value).inc()
        if shadow is not None:
            shadow.count(answer.reason)
        return answer

    async def _usual(self, wish: Wish, asked: _Asked) -> Answer | None:
        """The answer about a call that is new and asks for nothing special, or None."""
        terms, now = wish.line.terms, self.clock()
        if not asked.choices or terms.channels or asked.beside is not None:
            return None
        if terms.policy.offers.ignored is not None:
            return None
        ready = asked.choices[0]
        found = await self.usual.looking.at(wish, ready, now)
        if found is None:
            return None
        met, budget = found.met, asked.budget
        first = circumstances(wish, ready, met, found.prospect, budget, asked=False)
        at = Moment(now, asked.recent_calls, NO_OFFERS)
        told = tell(wish, ready, first, found.prospect, at, None)
        noted = Noted(CallRef(new_id()), wish, told, asked.took_ms)
        return told.answer if await self.usual.note(noted) else None

    async def _ask(self, tx: Tx, wish: Wish, asked: _Asked) -> tuple[Answer, Shadow | None]:
        now, choices, beside = self.clock(), asked.choices, asked.beside
        made, met = await calls.meet(tx, wish, choices[0].account if choices else None)
        call_ref = await calls.hold(tx, wish) if made is None else made
        if met.rescued_contact is not None:
            await call_off(tx, met.rescued_contact, CALLED)
        ready, prospect = await look_up(tx, wish, choices, now, chatting=met.conversation_open)
        at = await moment(tx, wish, new=made is not None, recent_calls=asked.recent_calls, now=now)
        met = met_there(met, ready, choices)
        first = circumstances(wish, ready, met, prospect, asked.budget, asked=False)
        shadow = None
        if beside is not None:
            shadow = await beside.look(tx, wish, ready, first, at, new=made is not None)
        told = tell(wish, ready, first, prospect, at, shadow)
        noted = Noted(call_ref, wish, told, asked.took_ms)
        await tx.execute(*calls.SQL["note_eligibility"](**to_note(tx.workspace_id, [noted])))
        return told.answer, shadow
