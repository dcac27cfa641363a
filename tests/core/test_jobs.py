"""Durable work: leased, fenced, in lanes, and never lost."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from core.faults import Unavailable
from core.ids import WorkspaceId
from core.jobs import (
    Band,
    Bury,
    Endless,
    Job,
    LeaseLost,
    NewJob,
    Snooze,
    Worker,
    enqueue,
    finish,
    transactional,
    worker,
)
from core.jobs.store import SQL
from core.jobs.worker import LATE
from core.outages import StatementCutOff
from core.postgres import Database, Tx, open_database
from core.wake import Wake

PATIENCE_S = 20
"""A machine that is busy with other tests is slow."""


@asynccontextmanager
async def working(database: Database, wake: Wake, band: Band):
    stop = asyncio.Event()
    task = asyncio.ensure_future(Worker(database, wake).run(band, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


async def put(database: Database, workspace_id: WorkspaceId, *jobs: NewJob) -> None:
    async with database.workspace(workspace_id) as tx:
        for job in jobs:
            await enqueue(tx, job)


async def states(database: Database, workspace_id: WorkspaceId) -> list[str]:
    async with database.workspace(workspace_id) as tx:
        rows = await tx.fetch("SELECT state FROM core.job ORDER BY job_id")
    return [row["state"] for row in rows]


async def claim(database: Database, *, lease_s: float = 25, size: int = 10) -> list[Job]:
    async with database.dispatcher() as tx:
        rows = await tx.fetch(
            *SQL["claim"](band="normal", kinds=["greet"], size=size, lease_s=lease_s)
        )
    return [Job(**row) for row in rows]


async def test_a_job_exists_only_when_its_transaction_commits(database, workspace_id):
    async def break_off() -> None:
        async with database.workspace(workspace_id) as tx:
            await enqueue(tx, NewJob(kind="greet", payload={}))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await break_off()
    assert await states(database, workspace_id) == []


async def test_a_job_is_done_once_and_its_effect_commits_with_it(database, workspace_id, wake):
    done = asyncio.Event()
    seen = []

    async def greet(tx: Tx, job: Job) -> None:
        seen.append((tx.workspace_id, job.payload["name"]))
        done.set()

    band = Band("normal", 2, {"greet": transactional(database, greet)})
    async with working(database, wake, band):
        await put(database, workspace_id, NewJob(kind="greet", payload={"name": "Anna"}))
        await asyncio.wait_for(done.wait(), PATIENCE_S)
    assert seen == [(workspace_id, "Anna")]
    assert await states(database, workspace_id) == []


async def test_jobs_of_one_lane_run_in_order_and_never_together(database, workspace_id, wake):
    order, running, most = [], set(), 0
    done = asyncio.Event()

    async def greet(tx: Tx, job: Job) -> None:
        nonlocal most
        running.add(job.job_id)
        most = max(most, len(running))
        await tx.fetchval("SELECT pg_sleep(0.01)")
        running.discard(job.job_id)
        order.append(job.payload["n"])
        if len(order) == 12:
            done.set()

    await put(
        database,
        workspace_id,
        *[NewJob(kind="greet", payload={"n": n}, lane="thread") for n in range(12)],
    )
    band = Band("normal", 4, {"greet": transactional(database, greet)}, idle_s=0.05)
    async with working(database, wake, band):
        await asyncio.wait_for(done.wait(), PATIENCE_S)
    assert order == list(range(12))
    assert most == 1


async def test_a_dead_workers_job_comes_back_and_its_late_writes_are_refused(
    database, workspace_id, wake
):
    await put(database, workspace_id, NewJob(kind="greet", payload={}))
    [dead] = await claim(database, lease_s=0)
    stop = asyncio.Event()
    sweeping = asyncio.ensure_future(Worker(database, wake).take_back(stop, every_s=0.01))
    async with asyncio.timeout(PATIENCE_S):
        while not (again := await claim(database)):  # noqa: ASYNC110 - a sweep tells nobody
            await asyncio.sleep(0.01)
    stop.set()
    await sweeping
    assert again[0].fence == dead.fence + 1
    with pytest.raises(LeaseLost):
        async with database.workspace(workspace_id) as tx:
            await finish(tx, dead)
    async with database.workspace(workspace_id) as tx:
        await finish(tx, again[0])
    assert await states(database, workspace_id) == []


async def test_how_far_behind_a_band_is_can_be_seen(database, workspace_id, wake):
    await put(
        database,
        workspace_id,
        NewJob(kind="greet", payload={}, due_at=datetime.now(UTC) - timedelta(minutes=5)),
        NewJob(kind="greet", payload={}),
        NewJob(kind="greet", payload={}, band="send", delay_s=60),
    )
    stop = asyncio.Event()
    bands = ["normal", "send", "urgent"]
    measuring = asyncio.ensure_future(Worker(database, wake).measure(bands, stop))
    async with asyncio.timeout(PATIENCE_S):
        # What another worker of this process measured before stands until then.
        while (late := LATE.labels("normal")._value.get()) < 300:  # noqa: ASYNC110 - a figure tells nobody
            await asyncio.sleep(0.01)
    stop.set()
    await measuring
    assert late < 330
    assert [LATE.labels(band)._value.get() for band in ("send", "urgent")] == [0, 0]


async def test_a_poisonous_job_is_buried_and_the_rest_of_its_lane_flows(
    database, workspace_id, wake
):
    done = asyncio.Event()

    async def greet(tx: Tx, job: Job) -> None:
        del tx
        if job.payload["poison"]:
            raise Bury
        done.set()

    await put(
        database,
        workspace_id,
        NewJob(kind="greet", payload={"poison": True}, lane="thread"),
        NewJob(kind="greet", payload={"poison": False}, lane="thread"),
    )
    band = Band("normal", 2, {"greet": transactional(database, greet)}, idle_s=0.05)
    async with working(database, wake, band):
        await asyncio.wait_for(done.wait(), PATIENCE_S)
    assert await states(database, workspace_id) == ["buried"]
    async with database.workspace(workspace_id) as tx:
        [buried] = await tx.fetch(*SQL["buried"](workspace=workspace_id, size=10))
        assert buried["last_error"] == "Bury"
        replayed = await tx.fetch(*SQL["replay"](workspace=workspace_id, job_id=None, kind="greet"))
    assert len(replayed) == 1
    assert await states(database, workspace_id) == ["ready"]


async def test_a_worker_that_can_wait_no_longer_hands_its_job_back(database, workspace_id, wake):
    begun = asyncio.Event()

    async def greet(tx: Tx, job: Job) -> None:
        del job
        begun.set()
        await tx.fetchval("SELECT pg_sleep(30)")

    await put(database, workspace_id, NewJob(kind="greet", payload={}))
    band = Band("normal", 1, {"greet": transactional(database, greet)})
    task = asyncio.ensure_future(Worker(database, wake).run(band, asyncio.Event()))
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE_S)
    assert task.cancelled()
    [again] = await claim(database)
    assert again.attempt == 1


async def test_a_job_that_kills_its_workers_is_buried_without_another_try(
    database, workspace_id, wake
):
    tried = []

    async def greet(tx: Tx, job: Job) -> None:
        del tx
        tried.append(job.payload["name"])

    band = Band("normal", 1, {"greet": transactional(database, greet)}, idle_s=0.05)
    await put(database, workspace_id, NewJob(kind="greet", payload={"name": "deadly"}))
    for _ in range(band.max_attempts):
        await claim(database, lease_s=-1)
        async with database.dispatcher() as tx:
            await tx.fetch(*SQL["take_back"]())
    await put(database, workspace_id, NewJob(kind="greet", payload={"name": "harmless"}))
    async with working(database, wake, band), asyncio.timeout(PATIENCE_S):
        while await states(database, workspace_id) != ["buried"]:  # noqa: ASYNC110 - a worker tells nobody
            await asyncio.sleep(0.01)
    assert tried == ["harmless"]


@pytest.mark.parametrize("error", [RuntimeError(), Bury(), TimeoutError()])
async def test_a_job_that_begins_the_next_one_is_never_given_up(
    database, workspace_id, wake, monkeypatch, error
):
    monkeypatch.setattr(worker, "_backoff_s", lambda attempt: 0.0 if attempt else 1.0)
    tried = 0

    async def tidy(tx: Tx, job: Job) -> None:
        nonlocal tried
        tried += 1
        if tried < 4:
            raise error
        await enqueue(tx, NewJob(kind=job.kind, payload={}, key="tidy", delay_s=3600))

    handlers = {"greet": Endless(transactional(database, tidy))}
    band = Band("normal", 1, handlers, max_attempts=2, idle_s=0.01)
    await put(database, workspace_id, NewJob(kind="greet", payload={}, key="tidy"))
    async with working(database, wake, band), asyncio.timeout(PATIENCE_S):
        while tried < 4:  # noqa: ASYNC110 - a worker tells nobody
            await asyncio.sleep(0.01)
    assert await states(database, workspace_id) == ["ready"]


async def test_a_job_whose_statement_is_always_cut_off_is_buried(
    database_url, database, workspace_id, wake, monkeypatch
):
    monkeypatch.setattr(worker, "_patience_s", lambda attempt: 0.0)
    tried = []
    over = asyncio.Event()

    async def greet(tx: Tx, job: Job) -> None:
        if job.payload["endless"]:
            tried.append(job.attempt)
            await tx.fetchval("SELECT pg_sleep(30)")
        over.set()

    await put(
        database,
        workspace_id,
        NewJob(kind="greet", payload={"endless": True}, lane="thread"),
        NewJob(kind="greet", payload={"endless": False}, lane="thread"),
    )
    async with open_database(
        database_url, application="test", size=3, command_timeout_s=0.1
    ) as hurried:
        handlers = {"greet": transactional(hurried, greet)}
        band = Band("normal", 1, handlers, max_attempts=3, idle_s=0.01)
        async with working(database, wake, band):
            await asyncio.wait_for(over.wait(), PATIENCE_S)
    assert tried == [1, 2, 3]
    assert await states(database, workspace_id) == ["buried"]
    async with database.workspace(workspace_id) as tx:
        [buried] = await tx.fetch(*SQL["buried"](workspace=workspace_id, size=10))
    assert buried["last_error"] == "StatementCutOff"


async def test_while_the_database_answers_nobody_a_statement_cut_off_costs_nothing(
    database_url, database, workspace_id, wake, monkeypatch
):
    monkeypatch.setattr(worker, "_ANSWERS_WITHIN_S", 0.05)
    others: list[asyncio.Future[object]] = []

    async with open_database(database_url, application="test", size=1) as busy:

        async def greet(job: Job) -> None:
            others.append(asyncio.ensure_future(busy.alone(job.workspace_id, "SELECT pg_sleep(1)")))
            await asyncio.sleep(0)
            raise StatementCutOff

        await put(database, workspace_id, NewJob(kind="greet", payload={}))
        async with (
            working(busy, wake, Band("normal", 1, {"greet": greet})),
            asyncio.timeout(PATIENCE_S),
        ):
            while await states(database, workspace_id) != ["running"]:  # noqa: ASYNC110 - a worker tells nobody
                await asyncio.sleep(0.01)
        await asyncio.gather(*others)
    async with database.workspace(workspace_id) as tx:
        row = await tx.fetchrow("SELECT state, attempt, last_error FROM core.job")
    assert tuple(row) == ("ready", 0, "StatementCutOff")


def test_the_pause_between_tries_stays_within_a_minute():
    assert worker._backoff_s(1) < 1.5
    assert 45 < worker._backoff_s(7) < 75
    assert 45 < worker._backoff_s(5000) < 75
    assert 250 < sum(worker._patience_s(attempt) for attempt in range(1, 5)) < 420
    assert worker._patience_s(5000) < 310


@pytest.mark.parametrize(
    ("error", "attempts"),
    [(Snooze(3600), 0), (Unavailable(), 0), (StatementCutOff(), 1), (RuntimeError(), 1)],
)
async def test_only_the_jobs_own_failures_cost_an_attempt(
    database, workspace_id, wake, error, attempts
):
    tried = asyncio.Event()

    async def greet(tx: Tx, job: Job) -> None:
        del tx, job
        tried.set()
        raise error

    await put(database, workspace_id, NewJob(kind="greet", payload={}))
    band = Band("normal", 1, {"greet": transactional(database, greet)})
    async with working(database, wake, band):
        await asyncio.wait_for(tried.wait(), PATIENCE_S)
    async with database.workspace(workspace_id) as tx:
        row = await tx.fetchrow("SELECT state, attempt, due_at > now() AS later FROM core.job")
    assert (row["state"], row["attempt"], row["later"]) == ("ready", attempts, True)


async def test_a_key_stands_for_one_waiting_job_at_the_earlier_time(database, workspace_id):
    await put(
        database,
        workspace_id,
        NewJob(kind="greet", payload={}, key="k", delay_s=3600),
        NewJob(kind="greet", payload={}, key="k"),
    )
    [job] = await claim(database)
    # A job in hand no longer stands for what happens from now on.
    await put(database, workspace_id, NewJob(kind="greet", payload={}, key="k"))
    assert await states(database, workspace_id) == ["running", "ready"]
    assert job.payload == {}


async def test_two_claimers_never_hold_the_same_job(database, workspace_id):
    await put(database, workspace_id, *[NewJob(kind="greet", payload={}) for _ in range(40)])
    claims = await asyncio.gather(*[claim(database, size=10) for _ in range(8)])
    ids = [job.job_id for batch in claims for job in batch]
    assert len(ids) == len(set(ids)) == 40


async def test_the_claim_reads_its_index_and_not_the_table(database, workspace_id):
    async with database.workspace(workspace_id) as tx:
        await tx.execute(
            "INSERT INTO core.job (workspace_id, job_id, band, kind, lane, payload)"
            " SELECT $1, gen_random_uuid(), 'normal', 'greet', 'l' || n % 500, '{}'"
            " FROM generate_series(1, 5000) AS n",
            workspace_id,
        )
        await tx.execute("SET LOCAL enable_sort = on")
    async with database.dispatcher() as tx:
        text, *arguments = SQL["claim"](band="normal", kinds=["greet"], size=20, lease_s=25)
        plan = "\n".join(row[0] for row in await tx.fetch("EXPLAIN " + text, *arguments))
    assert "job_due" in plan
    assert "Seq Scan on job" not in plan
