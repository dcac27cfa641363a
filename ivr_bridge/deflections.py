"""Move a caller to a messenger, or say in time that the call goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge, Histogram
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from core.faults import NotFound, Overloaded, Unavailable
from core.ids import DeflectionId, WorkspaceId
from core.outages import DatabaseUnavailable
from core.wake import Signal
from ivr_bridge import race as racing
from ivr_bridge import store
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import Begun, begin
from ivr_bridge.evidence import Wait
from ivr_bridge.inflight import InFlight
from ivr_bridge.looking import Found
from ivr_bridge.means import Means
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action
from ivr_bridge.race import Failed, Look, Race
from ivr_bridge.readiness import Ready
from ivr_bridge.rehearsal import Rehearsal
from ivr_bridge.store import Row
from ivr_bridge.sweep import Sweep
from ivr_bridge.timing import Budget
from ivr_bridge.usual import Usual, setting_of
from ivr_bridge.ways.choosing import channels_for
from ivr_bridge.ways.elsewhere import go_on_elsewhere
from messaging import openings
from messaging.openings import Opening, Outcome, Posted

log = structlog.get_logger()

BEGIN_WITHIN_S = 0.9
"""A database that takes longer is as good as away: the IVR is told within a second."""
POST_TIMEOUT_S = 10.0
"""Far beyond any deadline: the answer may be late, but what became of the message is worth knowing."""
DRAIN_S = POST_TIMEOUT_S + 2

_RECORDING = AsyncRetrying(
    stop=stop_after_delay(openings.LEASE_S - POST_TIMEOUT_S),
    wait=wait_exponential(0.1, max=2),
    retry=retry_if_exception_type(Unavailable),
    reraise=True,
)

ANSWERED = Counter("ivr_bridge_deflections_total", "Deflections by answer", ["action", "reason"])
RACING = Gauge("ivr_bridge_deflections_racing", "Calls that wait for an answer right now")
TOOK = Histogram(
    "ivr_bridge_deflection_seconds",
    "From receipt to decision",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 5, 12),
)


class DeflectionUnknown(NotFound, code="deflection_unknown"):
    """There is no deflection with this id on a line of this key."""


class Deflections:
    """The deadline race (docs/ivr/api.md): every path ends in one recorded decision."""

    def __init__(
        self, means: Means, *, at_once: int = 2000, begin_within_s: float = BEGIN_WITHIN_S
    ) -> None:
        self._means = means
        self._at_once = at_once
        self._begin_within_s = begin_within_s
        self._racing = 0
        self._in_flight = InFlight()
        self._sweep = Sweep(means.database)
        self._usual = Usual(means.shared)
        self._rehearsal = Rehearsal(means.database, means.readiness, means.guard, means.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep looking after calls that wait; at the end finish what is on the wire."""
        sweeping = asyncio.ensure_future(self._sweep.run())
        try:
            yield
        finally:
            try:
                await self._in_flight.drain(DRAIN_S)
            finally:
                sweeping.cancel()
                with suppress(asyncio.CancelledError):
                    await sweeping

    async def decide(self, wish: Wish, budget: Budget) -> Answer:
        """The answer for this call, before its deadline; raises IdempotencyConflict, Unavailable."""
        if self._racing >= self._at_once:
            raise Overloaded
        if wish.request.dry_run:
            return await self._rehearsal.of_deflection(wish, budget)
        self._racing += 1
        try:
            answer = await self._decide(wish, budget)
        finally:
            self._racing -= 1
            RACING.set(self._racing)
        ANSWERED.labels(answer.action.value, answer.reason.value).inc()
        TOOK.observe(time.monotonic() - budget.received)
        log.info(
            "deflection.answered",
            deflection_id=str(answer.deflection_id),
            line=wish.line.name,
            action=answer.action.value,
            reason=answer.reason.value,
            elapsed_ms=budget.elapsed_ms,
        )
        return answer

    async def find(self, workspace_id: WorkspaceId, deflection_id: DeflectionId) -> Row:
        """An attempt as it stands; raises DeflectionUnknown."""
        async with self._means.database.workspace(workspace_id, read_only=True) as tx:
            row = await store.get(tx, deflection_id)
        if row is None:
            raise DeflectionUnknown
        return row

    async def follow(self, workspace_id: WorkspaceId, row: Row, *, wait_s: float) -> Answer:
        """The decision about an attempt, waited for; `poll` while there is none."""
        budget = Budget.of_reader(time.monotonic(), wait_s)
        return await self._follow(workspace_id, row, budget, polls=True)

    # -- one request -----------------------------------------------------------------------------

    async def _decide(self, wish: Wish, budget: Budget) -> Answer:
        try:
            begun, ready = await self._in_flight.within(
                self._begin(wish, budget), min(self._begin_within_s, budget.left_s())
            )
        except TimeoutError as hung:
            raise DatabaseUnavailable from hung
        if begun.answer is not None:
            return begun.answer
        attempt = begun.attempt
        if attempt is None:
            return await self._repeat(wish, begun, budget)
        message_id = attempt.message_id or attempt.answers_for
        assert message_id is not None, "what is neither refused nor opened rests on an opening"  # noqa: S101
        with self._means.wake.listening(f"message:{message_id}") as signal:
            race = racing.of_attempt(
                wish.workspace_id,
                attempt,
                message_id,
                signal,
                None if attempt.can_poll else budget.answer_by,
            )
            if begun.opening is not None and ready is not None:
                self._in_flight.launch(self._send(race, ready, begun.opening))
            return await self._watch(race, budget, look_first=begun.opening is None)

    async def _begin(self, wish: Wish, budget: Budget) -> tuple[Begun, Ready | None]:
        choices = await channels_for(self._means.readiness, wish)
        choices = await self._means.guard.usable(wish, choices)
        ready = choices[0] if choices else None
        now = self._means.clock()
        usual = not wish.line.terms.channels and ready is not None and not ready.windowless
        async with self._means.guard.entering(
            wish, ready, looking_at=now if usual else None
        ) as entering:
            wish = replace(wish, limits=entering.limits)
            begun = await self._enter(wish, choices, entering.found, budget, now)
            entering.opened = begun.opening is not None
        return begun, begun.ready or ready

    async def _enter(
        self,
        wish: Wish,
        choices: Sequence[Ready],
        found: Found | None,
        budget: Budget,
        now: datetime,
    ) -> Begun:
        ready = choices[0] if choices else None
        admitted = await self._admits(wish, ready)
        if ready is not None and found is not None:
            setting = setting_of(wish, ready, found, admitted=admitted, budget=budget, now=now)
            usual = await self._usual.begin(setting, ready)
            if usual is not None:
                return usual
        async with self._means.database.workspace(wish.workspace_id) as tx:
            return await begin(tx, wish, choices, admitted=admitted, budget=budget, now=now)

    async def _admits(self, wish: Wish, ready: Ready | None) -> bool:
        """Room for one more on the account; not asked for what the rules will refuse anyway."""
        if ready is None or wish.caller.target is None or not wish.line.enabled:
            return True
        if wish.limits.closed:
            return True
        channel = self._means.channels[ready.account.kind]
        return await self._means.admission.admits(ready.account, channel)

    async def _repeat(self, wish: Wish, begun: Begun, budget: Budget) -> Answer:
        """The same attempt again: its recorded answer, or the wait for it."""
        row = await self.find(wish.workspace_id, begun.deflection_id)
        return await self._follow(wish.workspace_id, row, budget, polls=row.can_poll)

    async def _follow(
        self, workspace_id: WorkspaceId, row: Row, budget: Budget, *, polls: bool
    ) -> Answer:
        if row.decided or row.message_id is None:
            return racing.answer_of(row)
        race = racing.of_row(
            workspace_id, row, row.message_id, Signal(), None if polls else budget.answer_by
        )
        race.can_poll = polls
        return await self._join(race, budget, expired=row.expired)

    async def _join(self, race: Race, budget: Budget, *, expired: bool = False) -> Answer:
        """Wait for a race that is on already."""
        with self._means.wake.listening(f"message:{race.message_id}") as signal:
            race.signal = signal
            return await self._watch(race, budget, look_first=True, expired=expired)

    # -- the wire --------------------------------------------------------------------------------

    async def _send(self, race: Race, ready: Ready, opening: Opening) -> None:
        """The one POST of this call, and what it told; finished even when nobody waits any more."""
        means = self._means
        channel = means.channels[ready.account.kind]
        outcome = await openings.post(
            channel, ready.account, opening, POST_TIMEOUT_S, leave_within_s=race.leaves_within_s
        )
        at = means.clock()
        try:
            found = await self._record(race, opening, outcome, at)
        except Unavailable:
            # The POST is never repeated; writing down what it told is, while the lease lasts. Each by a
            # copy, as tenacity's own decorator does it: where a retry stands is kept in its object.
            found = await _RECORDING.copy()(self._record, race, opening, outcome, at)
        found = await self._or_second(race, found)
        if isinstance(found, Answer):
            race.answer = found
        race.signal.set()

    async def _record(
        self, race: Race, opening: Opening, outcome: Outcome, at: datetime
    ) -> Answer | Wait | Failed:
        """Write down what the POST told, and decide if that is enough."""
        means = self._means
        if isinstance(outcome, Posted):
            usual = await self._usual.hang_up(race, opening, outcome, at)
            if usual is not None:
                return usual
        async with means.database.workspace(race.workspace_id) as tx:
            state = await openings.record(tx, means.events, opening, outcome, at)
            return await racing.settle(tx, race, state, Look.NOW)

    async def _watch(
        self, race: Race, budget: Budget, *, look_first: bool, expired: bool = False
    ) -> Answer:
        """Look when something moved, when quiet is due, and a last time when the budget is spent."""
        look_at = time.monotonic() if look_first else budget.decide_by
        sweep = self._sweep
        with sweep.watching(race.workspace_id, race.message_id, race.signal, fresh=not look_first):
            while look_first or time.monotonic() < budget.decide_by:
                pause = min(look_at, budget.decide_by) - time.monotonic()
                moved = await race.signal.wait(max(0.0, pause))
                if (answer := race.answered()) is not None:
                    return answer
                if (second := race.gone_on()) is not None:
                    return await self._join(second, budget)
                if not (moved or time.monotonic() >= look_at):
                    continue
                found = await self._look(race, budget, Look.OVERDUE if expired else Look.NOW)
                if isinstance(found, Answer):
                    return found
                if (second := race.gone_on()) is not None:
                    return await self._join(second, budget)
                look_first, look_at = False, budget.decide_by
                if found.for_ms is not None:
                    look_at = time.monotonic() + found.for_ms / 1000
        if race.can_poll:
            return await self._poll(race, budget)
        found = await self._look(race, budget, Look.LAST)
        return found if isinstance(found, Answer) else race.undecided(Action.CONTINUE)

    async def _look(self, race: Race, budget: Budget, which: Look) -> Answer | Wait:
        """One look, given up at the moment the answer must leave: then the call goes on."""
        try:
            return await self._in_flight.within(
                self._look_now(race, which), budget.answer_by - time.monotonic()
            )
        except (TimeoutError, Unavailable):
            if time.monotonic() < budget.decide_by:
                return Wait()
            may_ask_again = race.can_poll and which is Look.NOW
            return race.undecided(Action.POLL if may_ask_again else Action.CONTINUE)

    async def _look_now(self, race: Race, which: Look) -> Answer | Wait:
        async with self._means.database.workspace(race.workspace_id) as tx:
            found = await racing.look(tx, race, which)
        return await self._or_second(race, found)

    async def _or_second(self, race: Race, found: Answer | Wait | Failed) -> Answer | Wait:
        """After a definite failure: let another channel follow, once, or let the call go on."""
        if not isinstance(found, Failed):
            return found
        second = await go_on_elsewhere(self._means, race)
        if second is not None:
            race.second = second.race
            self._in_flight.launch(self._send(second.race, second.ready, second.opening))
            race.signal.set()
            return Wait()
        race.fallback = None
        async with self._means.database.workspace(race.workspace_id) as tx:
            settled = await racing.look(tx, race, Look.NOW)
        return Wait() if isinstance(settled, Failed) else settled

    async def _poll(self, race: Race, budget: Budget) -> Answer:
        """Ask again, unless the attempt's own time is over by the database's clock."""
        async with self._means.database.workspace(race.workspace_id, read_only=True) as tx:
            row = await store.get(tx, race.deflection_id)
        if row is not None and row.decided:
            return racing.answer_of(row)
        if row is not None and row.expired:
            found = await self._look(race, budget, Look.OVERDUE)
            if isinstance(found, Answer):
                return found
        return race.undecided(Action.POLL, "sending" if row is None else row.status or "sending")
