"""Webhooks are committed before they are answered, and many share one commit.

Requests wait in a bounded line (`messaging.arrivals`); whenever a hand is free it takes all that wait
and writes them in one transaction a workspace. Alone, a request is written at once; under load the
commit's cost is shared. One request that cannot be written does not take the others with it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import prometheus_client
import structlog

from core.events import Events
from core.faults import Overloaded, Unavailable
from core.ids import WorkspaceId
from core.jobs.store import SQL as JOBS
from core.outages import UNDONE
from core.postgres import Database, Tx
from core.queries import load
from core.weaving import Strand, Woven, only_where
from messaging import deliveries
from messaging.arrivals import Arrivals
from messaging.batch import RECEIVE_BAND, RECEIVE_JOB, Rows, Told, gather, tally
from messaging.channel import Account, InboundEvent
from messaging.pacing import Pacing

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("intake.sql"))

TAKEN_IN = prometheus_client.Counter(
    "ivr_bridge_webhook_events_total", "Provider events taken in", ["channel", "kind"]
)
SHARED = prometheus_client.Histogram(
    "ivr_bridge_webhook_commit_requests",
    "Requests that shared a commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)

HANDS = 4
"""With fewer the process waits for their commits; with more the batches become small."""

_WORTH_A_HAND = 5

# A job for each message that nobody took in before.
_TAKE_IN = Woven(
    "SELECT count(*) FROM taken",
    taken=Strand(SQL["take_in"]),
    jobs=Strand(
        JOBS["enqueue_about"], job_ids=only_where("SELECT inbox_id FROM taken", "jobs.job_ids")
    ),
)


class Intake:
    """Takes webhooks in. Open it with `open_intake`, which runs its hands."""

    def __init__(
        self,
        database: Database,
        events: Events,
        pacing: Pacing,
        *,
        waiting: int = 5_000,
        waiting_bytes: int = 256 * 1024 * 1024,
        batch_requests: int = 200,
        batch_weight: int = 2_000,
    ) -> None:
        self._database = database
        self._events = events
        self._pacing = pacing
        self._line = Arrivals(
            requests=waiting,
            total_bytes=waiting_bytes,
            batch_requests=batch_requests,
            batch_weight=batch_weight,
        )
        self._busy = 0
        self._arrived = asyncio.Event()
        self._closing = False

    async def take(
        self, account: Account, events: Sequence[InboundEvent] | None, body: bytes
    ) -> None:
        """Returns once everything in this request is committed; raises Overloaded or Unavailable."""
        if self._closing or not self._line.has_room(len(body)):
            raise Overloaded("Too many webhooks wait here; send this one again.")
        told = Told(account, events, body, asyncio.get_running_loop().create_future())
        self._line.put(told)
        self._arrived.set()
        await told.committed

    async def hand(self) -> None:
        """Write what waits, as much as there is at a time, until closed and empty."""
        while True:
            # Another hand keeps this process busy while one waits for its commit, but only once
            # some wait: a batch that grows meanwhile is cheaper than one more commit.
            while len(self._line) <= self._busy * _WORTH_A_HAND:
                if self._closing and not self._line:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            batch = self._line.take()
            if not batch:
                continue  # All stand behind what another hand writes; it calls when that is done.
            SHARED.observe(len(batch))
            self._busy += 1
            try:
                await self._write(batch)
            finally:
                self._busy -= 1
                self._line.written(batch)
                self._arrived.set()
            await self._pacing.share()

    def close(self) -> None:
        """Take nothing more; the hands finish what waits."""
        self._closing = True
        self._arrived.set()

    def give_up(self) -> None:
        """No hand is left that could write: whoever waits is told, and nobody waits any more."""
        self.close()
        _refuse(
            self._line.clear(), Overloaded("Webhooks cannot be written here; send this one again.")
        )

    async def _write(self, batch: Sequence[Told]) -> None:
        by_workspace: dict[WorkspaceId, list[Told]] = defaultdict(list)
        for told in batch:
            by_workspace[told.account.workspace_id].append(told)
        for workspace_id, group in by_workspace.items():
            await self._commit(workspace_id, group)

    async def _commit(self, workspace_id: WorkspaceId, group: Sequence[Told]) -> None:
        try:
            rows, reports = gather(group)
            if reports:
                async with self._database.workspace(workspace_id) as tx:
                    await self._record(tx, group)
            else:
                await self._take_in_alone(workspace_id, rows)
        except Unavailable as away:
            _refuse(group, away)
        except Exception as error:  # noqa: BLE001 - whatever one body does to us must not touch the others
            log.warning("webhook.batch_divided", requests=len(group), error=type(error).__name__)
            await self._commit_apart(workspace_id, group)
        else:
            self._done(group)

    async def _commit_apart(self, workspace_id: WorkspaceId, group: Sequence[Told]) -> None:
        """One transaction still, but each request may fail alone; then its body is kept for a person."""
        broken: list[tuple[Told, Exception]] = []
        try:
            async with self._database.workspace(workspace_id) as tx:
                for told in group:
                    try:
                        async with tx.savepoint():
                            await self._record(tx, [told])
                    except (Unavailable, UNDONE):
                        raise
                    except Exception as error:  # noqa: BLE001 - as above
                        broken.append((told, error))
                for told, _ in broken:
                    await self._record(tx, [Told(told.account, None, told.body, told.committed)])
        except Exception as nothing_committed:
            if not isinstance(nothing_committed, Unavailable):
                log.exception("webhook.not_recorded", requests=len(group))
            _refuse(group, nothing_committed)
            return
        for told, reason in broken:
            log.error(
                "webhook.kept_unread",
                account_id=str(told.account.id),
                error=type(reason).__name__,
            )
        self._done(group)

    async def _record(self, tx: Tx, group: Sequence[Told]) -> None:
        rows, reports = gather(group)
        if rows.inbox_ids:
            await self._take_in(tx, rows)
        for account, told in reports.values():
            await deliveries.apply(tx, self._events, account, told)

    async def _take_in(self, tx: Tx, rows: Rows) -> None:
        await tx.execute(*_statement(tx.workspace_id, rows))
        tx.wake(*_topics(rows))

    async def _take_in_alone(self, workspace_id: WorkspaceId, rows: Rows) -> None:
        """Customers' messages and their jobs, where nothing else is to be written: one round trip."""
        if not rows.inbox_ids:
            return
        await self._database.alone(workspace_id, *_statement(workspace_id, rows))
        self._database.wake(*_topics(rows))

    def _done(self, group: Sequence[Told]) -> None:
        for told in group:
            if not told.committed.done():
                told.committed.set_result(None)
        for (account_id, kind), number in tally(group).items():
            account = next(told.account for told in group if told.account.id == account_id)
            TAKEN_IN.labels(account.kind.value, kind).inc(number)
            if kind == "message":
                self._pacing.note_inbound(account, number)


@asynccontextmanager
async def open_intake(
    database: Database,
    events: Events,
    pacing: Pacing,
    *,
    waiting: int = 5_000,
    hands: int = HANDS,
) -> AsyncIterator[Intake]:
    """An intake whose hands work as long as the block lasts; what waits at its end is still written."""
    intake = Intake(database, events, pacing, waiting=waiting)
    tasks = [asyncio.ensure_future(intake.hand()) for _ in range(hands)]

    def lost(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhook.hand_lost", exc_info=error)
        if all(each.done() for each in tasks):
            intake.give_up()

    for task in tasks:
        task.add_done_callback(lost)
    try:
        yield intake
    finally:
        intake.close()
        await asyncio.gather(*tasks)


def _statement(workspace_id: WorkspaceId, rows: Rows) -> tuple[Any, ...]:
    """`_TAKE_IN` with its arguments."""
    return _TAKE_IN(
        taken={
            "workspace": workspace_id,
            "inbox_ids": rows.inbox_ids,
            "account_ids": rows.account_ids,
            "event_keys": rows.event_keys,
            "kinds": rows.kinds,
            "payloads": rows.payloads,
            "raws": rows.raws,
        },
        jobs={
            "band": RECEIVE_BAND,
            "kind": RECEIVE_JOB,
            "about": "inbox_id",
            "job_ids": list(rows.lanes),
            "lanes": list(rows.lanes.values()),
        },
    )


def _topics(rows: Rows) -> Sequence[str]:
    """Whom to wake about them."""
    return (f"jobs:{RECEIVE_BAND}",) if rows.lanes else ()


def _refuse(group: Iterable[Told], error: Exception) -> None:
    for told in group:
        if not told.committed.done():
            told.committed.set_exception(error)
