"""Claim what is due, do it, and say how it ended."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog
from prometheus_client import Counter, Gauge, Histogram

from core.faults import Unavailable
from core.jobs.store import SQL, Job
from core.outages import StatementCutOff
from core.postgres import Database, Tx
from core.spells import Spell
from core.wake import Wake

log = structlog.get_logger()

_BATCH = 20
LEASE_S = 25.0
"""Shorter than the 30 s after which a dead process's work must be back."""
_HAND_BACK_S = 1.5
_ANSWERS_WITHIN_S = 1.0

Handler = Callable[[Job], Awaitable[None]]
"""Does a job and finishes it (`finish`) in the same transaction as its effect."""

DONE = Counter("ivr_bridge_jobs_total", "Jobs by how they ended", ["kind", "outcome"])
TOOK = Histogram("ivr_bridge_job_seconds", "How long a job took", ["kind"])
LATE = Gauge(
    "ivr_bridge_jobs_late_seconds", "How long the oldest job that is due has waited", ["band"]
)


class LeaseLost(Exception):
    """The job went to another worker; what was done under the old fence must not count."""


class Snooze(Exception):
    """Not now, and nobody is to blame: ready again after `delay_s`, without costing an attempt."""

    def __init__(self, delay_s: float) -> None:
        super().__init__(f"snoozed for {delay_s} s")
        self.delay_s = delay_s


class Bury(Exception):
    """This will never work: keep it for a person to look at."""


@dataclass(frozen=True, slots=True)
class Endless:
    """Does a job that puts in its own successor: whoever gave it up would end the whole row of them, so
    it is tried until it works.
    """

    handler: Handler

    async def __call__(self, job: Job) -> None:
        """Once."""
        await self.handler(job)


@dataclass(frozen=True, slots=True)
class Band:
    """Loops that share nothing with other bands, so that a backlog in one delays no other."""

    name: str
    concurrency: int
    handlers: Mapping[str, Handler]
    max_attempts: int = 5
    idle_s: float = 1.0
    timeout_s: float = LEASE_S - 3


async def finish(tx: Tx, job: Job) -> None:
    """Mark the job done in the transaction that has its effect; raises LeaseLost to undo both."""
    gone = await tx.fetchval(
        *SQL["finish"](workspace=job.workspace_id, job_id=job.job_id, fence=job.fence)
    )
    if gone is None:
        raise LeaseLost
    if job.lane is not None:
        # The next of the lane may have waited for this one.
        tx.wake("jobs:lane")


def transactional(database: Database, work: Callable[[Tx, Job], Awaitable[None]]) -> Handler:
    """A handler whose whole effect is one transaction, the job's end included."""

    async def handle(job: Job) -> None:
        async with database.workspace(job.workspace_id) as tx:
            await work(tx, job)
            await finish(tx, job)

    return handle


class Worker:
    """Runs bands until told to stop; finishes the jobs in hand."""

    def __init__(self, database: Database, wake: Wake) -> None:
        self._database = database
        self._wake = wake
        self._away: dict[str, Spell] = {}

    async def run(self, band: Band, stop: asyncio.Event) -> None:
        """Keep up to `concurrency` jobs of the band in hand until stopped."""
        free = asyncio.Semaphore(band.concurrency)
        kinds = list(band.handlers)
        with (
            self._wake.listening(f"jobs:{band.name}") as due,
            self._wake.listening("jobs:lane") as lane_moved,
        ):
            async with asyncio.TaskGroup() as running:
                while not stop.is_set():
                    claimed = await self._claim(band, kinds, free)
                    for job in claimed:
                        running.create_task(self._do(band, job, free))
                    if not claimed:
                        await _first(stop, due.wait(band.idle_s), lane_moved.wait(band.idle_s))

    async def take_back(self, stop: asyncio.Event, *, every_s: float = 1.0) -> None:
        """Return dead workers' jobs, by the database's clock, until stopped."""
        away = Spell("jobs.database_unavailable", "jobs.database_back")
        while not stop.is_set():
            try:
                async with self._database.dispatcher() as tx:
                    taken = await tx.fetch(*SQL["take_back"]())
                away.over()
                if taken:
                    log.warning("jobs.taken_back", count=len(taken))
                    self._wake.hint(["jobs:lane"])
            except Unavailable as lost:
                away.met(lost)
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stop.wait()

    async def measure(
        self, bands: Sequence[str], stop: asyncio.Event, *, every_s: float = 5.0
    ) -> None:
        """Say how far behind each band is, until stopped."""
        while not stop.is_set():
            with suppress(Unavailable):
                async with self._database.dispatcher() as tx:
                    for row in await tx.fetch(*SQL["lateness"](bands=list(bands))):
                        LATE.labels(row["band"]).set(row["late_s"])
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await stop.wait()

    async def _claim(self, band: Band, kinds: list[str], free: asyncio.Semaphore) -> list[Job]:
        await free.acquire()
        # Claim for every hand that is free now, not only for this one.
        hands = 1
        while not free.locked() and hands < _BATCH:
            await free.acquire()
            hands += 1
        jobs: list[Job] = []
        away = self._away.setdefault(
            band.name, Spell("jobs.database_unavailable", "jobs.database_back", band=band.name)
        )
        try:
            async with self._database.dispatcher() as tx:
                rows = await tx.fetch(
                    *SQL["claim"](band=band.name, kinds=kinds, size=hands, lease_s=LEASE_S)
                )
            jobs = [Job(**row) for row in rows]
            away.over()
        except Unavailable as lost:
            away.met(lost)
        finally:
            for _ in range(hands - len(jobs)):
                free.release()
        return jobs

    async def _do(self, band: Band, job: Job, free: asyncio.Semaphore) -> None:
        outcome = "done"
        try:
            if job.attempt > band.max_attempts and not _endless(band, job):
                # Nobody lived to say how the last one ended: it may take its workers down with it.
                raise Bury
            with TOOK.labels(job.kind).time():
                async with asyncio.timeout(band.timeout_s):
                    await band.handlers[job.kind](job)
        except asyncio.CancelledError:
            # The worker stops and can wait for this one no longer: another takes it up at once.
            outcome = "interrupted"
            async with asyncio.timeout(_HAND_BACK_S):
                await self._put_off(job, 0.0, cost=0, error=None)
            raise
        except LeaseLost:
            outcome = "lease_lost"
            log.warning("job.lease_lost", kind=job.kind, job_id=str(job.job_id))
        except Snooze as snooze:
            outcome = "snoozed"
            await self._put_off(job, snooze.delay_s, cost=0, error=None)
        except Exception as error:  # noqa: BLE001 - the edge of a job: whatever broke is recorded and retried or buried
            outcome = await self._failed(band, job, error)
        finally:
            free.release()
            DONE.labels(job.kind, outcome).inc()

    async def _failed(self, band: Band, job: Job, error: Exception) -> str:
        # The name of the error only: its text may quote a customer.
        name = type(error).__name__
        cut_off = isinstance(error, StatementCutOff) and await self._answers()
        if isinstance(error, Unavailable) and not cut_off:
            # The database or a neighbour is away: that is not the job's doing.
            await self._put_off(job, _backoff_s(job.attempt), cost=0, error=name)
            return "unavailable"
        log.error(
            "job.failed", kind=job.kind, job_id=str(job.job_id), attempt=job.attempt, exc_info=error
        )
        endless = _endless(band, job)
        gives_up = isinstance(error, Bury) or job.attempt >= band.max_attempts
        if gives_up and not endless:
            await self._settle("bury", job, error=name)
            log.error("job.buried", kind=job.kind, job_id=str(job.job_id), error=name)
            return "buried"
        pause_s = _patience_s if cut_off and not endless else _backoff_s
        await self._put_off(job, pause_s(job.attempt), cost=1, error=name)
        return "failed"

    async def _answers(self) -> bool:
        """Does the database answer others, so that it was the job's own statement that took too long?"""
        return await self._database.answers(timeout_s=_ANSWERS_WITHIN_S)

    async def _put_off(self, job: Job, delay_s: float, *, cost: int, error: str | None) -> None:
        await self._settle("put_off", job, delay_s=delay_s, cost=cost, error=error)

    async def _settle(self, statement: str, job: Job, **values: object) -> None:
        try:
            async with self._database.workspace(job.workspace_id) as tx:
                await tx.execute(
                    *SQL[statement](
                        workspace=job.workspace_id, job_id=job.job_id, fence=job.fence, **values
                    )
                )
        except Unavailable:
            # The lease runs out by itself and the job comes back.
            log.warning("job.outcome_not_recorded", kind=job.kind, job_id=str(job.job_id))


def _endless(band: Band, job: Job) -> bool:
    return isinstance(band.handlers[job.kind], Endless)


def _backoff_s(attempt: int) -> float:
    """1, 2, 4, 8 … 60 s, spread so that many jobs do not come back at once."""
    return min(60.0, 2.0 ** min(attempt - 1, 6)) * random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy


def _patience_s(attempt: int) -> float:
    """4, 16, 64, 256 s: somebody else's lock, or a busy hour, is over before the job is given up."""
    return min(256.0, 4.0 ** min(attempt, 4)) * random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy


async def _first(stop: asyncio.Event, *waits: Awaitable[object]) -> None:
    """Until any of them is over, or it is time to stop."""
    tasks = [asyncio.ensure_future(wait) for wait in (*waits, stop.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
