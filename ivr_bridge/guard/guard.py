"""The guard at the door of every opening: what is paused, where to, how often, and out of which budget."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from math import floor

import asyncpg

from core.faults import Refused, Unavailable
from core.ids import LineId, WorkspaceId
from core.postgres import Database
from core.together import Together
from ivr_bridge.guard import velocity
from ivr_bridge.guard.budget import Block, Budget
from ivr_bridge.guard.countries import country_of, may_write_to
from ivr_bridge.guard.limits import Limits
from ivr_bridge.guard.standing import Standing, Standings
from ivr_bridge.guard.terms import BudgetTerms
from ivr_bridge.guard.velocity import Around, Counts, Subject
from ivr_bridge.line import Line
from ivr_bridge.looking import Found, Looking
from ivr_bridge.opening import Wish
from ivr_bridge.readiness import Ready
from ivr_bridge.shared import Shared
from messaging.pacing import Pacing


@dataclass(frozen=True, slots=True)
class Entry:
    """What was taken for an opening that may now be begun, and what stands in its way."""

    limits: Limits
    block: Block | None = None
    counts: Counts | None = None
    found: Found | None = None


@dataclass(slots=True)
class _Door:
    """Requests about one call that are inside at the same time: one of them may open, so one is counted."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    inside: int = 0
    entry: Entry | None = None
    opened: bool = False


class Guard:
    """Both questions: may this be offered, and may it be sent."""

    def __init__(
        self,
        database: Database,
        standings: Standings,
        budget: Budget,
        pacing: Pacing,
        shared: Shared,
    ) -> None:
        self._database = database
        self._around: Together[WorkspaceId, tuple[Sequence[Subject], str], Around] = Together(
            partial(velocity.look_around, shared.looking), apart=lambda _: (), hands=shared.hands
        )
        self._looking = Looking(shared)
        self.standings = standings
        self.budget = budget
        self.pacing = pacing
        self._doors: dict[tuple[object, ...], _Door] = {}

    async def look(self, wish: Wish, ready: Ready | None) -> Limits:
        """What stands in the way of an offer; nothing is counted."""
        standing = await self.standings.of(wish.workspace_id)
        limits = _known(wish, ready, standing)
        counted = velocity.subjects(wish.line, wish.caller, wish.line.terms.velocity)
        if wish.target is None:
            return limits
        around = await self._look_around(wish.workspace_id, (counted, wish.target))
        room = None
        if ready is not None:
            room = (await self.pacing.room(ready.account, around.contact_id)).allowed
        return replace(
            limits,
            velocity_over=around.over,
            velocity_left=around.over is None if counted else None,
            room=room,
            budget_left=standing.left(wish.line.line_id, wish.line.terms.budget),
        )

    async def usable(self, wish: Wish, choices: Sequence[Ready]) -> Sequence[Ready]:
        """The channels that are not paused and whose template is taken, and whether each has users left;
        all of them, when nothing is usable: that is the reason to tell.
        """
        if not wish.line.terms.channels:  # a single one is refused by its rules
            return choices
        standing = await self.standings.of(wish.workspace_id)
        seen = [
            replace(each, users_left=_users_left(wish.line, each, standing)) for each in choices
        ]
        return [
            each
            for each in seen
            if not standing.rests(each.account.name) and _template_taken(wish, each)
        ] or seen

    @asynccontextmanager
    async def entering(
        self, wish: Wish, ready: Ready | None, *, looking_at: datetime | None = None
    ) -> AsyncIterator["Entering"]:
        """Take what an opening needs; unless one is `opened`, it is given back in the end.

        What an error leaves in doubt counts as used: a budget does not mind. With the time
        `looking_at`, what was `found` of the caller on the way is told to the first who enters.
        """
        key = (wish.workspace_id, wish.line.line_id, wish.call_id, wish.target)
        door = self._doors.setdefault(key, _Door())
        door.inside += 1
        sure, found = False, None
        try:
            async with door.lock:
                if door.entry is None:
                    door.entry = await self._take(wish, ready, looking_at)
                    found = door.entry.found
            entering = Entering(door.entry.limits, found)
            yield entering
            sure = True
            door.opened |= entering.opened
        except Refused:  # for good: nothing was written, and nothing goes out
            sure = True
            raise
        finally:
            door.opened |= not sure
            door.inside -= 1
            if door.inside == 0:
                del self._doors[key]
                if not door.opened and door.entry is not None:
                    await self._give_back(wish.workspace_id, door.entry)

    async def one_more(
        self, workspace_id: WorkspaceId, line_id: LineId, terms: BudgetTerms, *, account: str
    ) -> "Place | None":
        """A place for a second opening of an attempt that holds one already, or None; whoever does not
        use it gives it back.
        """
        standing = await self.standings.of(workspace_id)
        if standing.rests(account):
            return None
        caps = standing.caps(line_id, terms)
        if not caps:
            return Place(None)
        block = await self.budget.take((workspace_id, line_id), caps)
        return None if block is None else Place(block)

    async def _take(self, wish: Wish, ready: Ready | None, looking_at: datetime | None) -> Entry:
        standing = await self.standings.of(wish.workspace_id)
        limits = _known(wish, ready, standing)
        line = wish.line
        if ready is None or wish.target is None or limits.closed:
            return Entry(limits)
        block = None
        caps = standing.caps(line.line_id, line.terms.budget)
        if caps:
            block = await self.budget.take((wish.workspace_id, line.line_id), caps)
            limits = replace(limits, budget_left=block is not None)
            if block is None:
                return Entry(limits)
        counted = velocity.subjects(line, wish.caller, line.terms.velocity)
        counts, found = None, None
        if looking_at is not None:
            counts, found = await self._looking.counting(wish, ready, counted, looking_at)
        if not counted:
            return Entry(limits, block, None, found)
        if counts is None:
            (counts,) = await velocity.take(self._database, wish.workspace_id, [counted])
        over = counts.over
        limits = replace(limits, velocity_over=over, velocity_left=over is None)
        return Entry(limits, block, counts, found)

    async def _look_around(
        self, workspace_id: WorkspaceId, asked: tuple[Sequence[Subject], str]
    ) -> Around:
        try:
            return await self._around.ask(workspace_id, asked)
        except asyncpg.LockNotAvailableError:
            # Shared connections wait for no lock: whoever must wait for one waits alone.
            (around,) = await velocity.look_around(self._database, workspace_id, [asked])
            return around

    async def _give_back(self, workspace_id: WorkspaceId, entry: Entry) -> None:
        """What cannot be given back now is lost for its hour."""
        if entry.block is not None:
            entry.block.left += 1
        if entry.counts is not None and entry.counts.counted:
            with suppress(Unavailable):
                await velocity.give_back(self._database, workspace_id, entry.counts)


@dataclass(frozen=True, slots=True)
class Place:
    """One message's place in the budgets, where there are any."""

    block: Block | None

    def give_back(self) -> None:
        """Nothing was sent after all."""
        if self.block is not None:
            self.block.left += 1


@dataclass(slots=True)
class Entering:
    """One request on its way in."""

    limits: Limits
    found: Found | None = None
    opened: bool = False


def make_guard(database: Database, pacing: Pacing, shared: Shared) -> Guard:
    """The guard of a process, over the connections that callers wait for, and those that they share."""
    return Guard(database, Standings(database), Budget(database), pacing, shared)


def _known(wish: Wish, ready: Ready | None, standing: Standing) -> Limits:
    """What is known without asking anybody."""
    line, target = wish.line, wish.caller.target
    country = None if target is None else country_of(target)
    return Limits(
        paused=standing.paused(line, line.account if ready is None else ready.account.name),
        country=country,
        country_open=None
        if target is None
        else may_write_to(target, country, line.terms.countries, line.country),
        users_left=None if ready is None else _users_left(line, ready, standing),
        template_taken=None if ready is None else _template_taken(wish, ready),
    )


def _users_left(line: Line, ready: Ready, standing: Standing) -> bool | None:
    """The account's users a day, less what is kept for lines that matter; None without a limit."""
    allowed = ready.users_per_day
    if allowed is None:
        return None
    kept = 0.0 if line.terms.budget.reserved else standing.budget.reserve_percent / 100
    return ready.users_today < floor(allowed * (1 - kept))


def _template_taken(wish: Wish, ready: Ready) -> bool:
    template = ready.template(wish.line, wish.language)
    return template is None or f"{template.name}/{template.language}" not in ready.refused_templates


__all__ = ["Entering", "Guard", "make_guard"]
