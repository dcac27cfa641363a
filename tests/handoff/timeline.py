"""Time as the workers see it: what is due is done, one job after the other."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from core.events import Events
from core.jobs import Job, NewJob
from handoff.routing.operators import SOCKETS

if TYPE_CHECKING:
    from tests.handoff.house import House

EVENTS = (
    "conversation.engaged",
    "conversation.contained",
    "conversation.handed_over",
    "conversation.closed",
    "conversation.not_me",
    "callback.called",
    "callback.tried",
)


@dataclass
class Published:
    """Every event, as the jobs that follow it would see it."""

    events: Events = field(default_factory=Events)
    facts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in EVENTS:
            self.events.subscribe(name, self._listener(name))

    def _listener(self, name: str):
        def hear(facts: Any) -> NewJob | None:
            self.facts.append((name, dict(facts)))
            return None

        return hear

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.facts]


class Timeline:
    """Runs the room's jobs when the test's clock says so.

    Jobs are due by the database's clock, which does not jump; each is taken to be due as long after
    the test's present as the database says it is after its own.
    """

    def __init__(self, owner: asyncpg.Connection, house: "House") -> None:
        self._owner = owner
        self._house = house
        self._due: dict[UUID, tuple[str, datetime]] = {}

    async def settle(self) -> None:
        """Run everything that is due now, and what follows from it."""
        while (job := await self._next(self._house.clock.now)) is not None:
            await self._run(job)

    async def advance(self, seconds: float) -> None:
        """Let time pass, running each job at its moment."""
        until = self._house.clock.now + timedelta(seconds=seconds)
        while (job := await self._next(until)) is not None:
            self._house.clock.now = max(self._house.clock.now, self._due[job.job_id][1])
            await self._run(job)
        self._house.clock.now = until

    async def waiting(self, kind: str) -> int:
        """How many jobs of a kind wait."""
        found = await self._owner.fetchval("SELECT count(*) FROM core.job WHERE kind = $1", kind)
        return int(found)

    async def _next(self, until: datetime) -> Job | None:
        rows = await self._owner.fetch(
            "SELECT workspace_id, job_id, kind, lane, payload::text, attempt, fence, created_at,"
            " due_at - created_at AS delay, due_at - clock_timestamp() AS left,"
            " xmin::text AS written FROM core.job"
            " WHERE state = 'ready' AND kind = ANY ($1) ORDER BY job_id",
            list(self._house.handlers),
        )
        now = self._house.clock.now
        for row in rows:
            known = self._due.get(row["job_id"])
            # Whoever asks for the same job again rewrites its row, even when it is due already.
            if known is None or known[0] != row["written"]:
                wait = max(row["left"] if known else row["delay"], timedelta(0))
                # Up to the next millisecond: between two clocks, microseconds go either way.
                wait += timedelta(milliseconds=1) if wait else timedelta(0)
                self._due[row["job_id"]] = (row["written"], now + wait)
        soonest = min(
            rows, key=lambda row: (self._due[row["job_id"]][1], row["job_id"]), default=None
        )
        if soonest is None or self._due[soonest["job_id"]][1] > until:
            return None
        taken = await self._owner.fetchrow(
            "UPDATE core.job SET state = 'running', key = NULL, attempt = attempt + 1,"
            " fence = fence + 1, leased_until = clock_timestamp() + interval '25 seconds'"
            " WHERE workspace_id = $1 AND job_id = $2"
            " RETURNING workspace_id, job_id, kind, lane, payload, attempt, fence, created_at",
            soonest["workspace_id"],
            soonest["job_id"],
        )
        assert taken is not None
        return Job(**taken)

    async def _run(self, job: Job) -> None:
        if job.kind == SOCKETS:
            await self._house.beat()
        await self._house.handlers[job.kind](job)
