"""Webhooks are committed before they are answered, and many share one commit.

Requests wait in a bounded line; whenever a hand is free it takes all that wait and writes them in
one transaction a workspace. Alone, a request is written at once; under load the commit's cost is
shared. One request that cannot be written does not take the others with it.
"""

import asyncio
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from core.events import Events
from core.faults import Overloaded, Unavailable
from core.ids import WorkspaceId, new_id
from core.jobs import NewJob, enqueue_many
from core.postgres import Database, Tx
from core.queries import load
from messaging import deliveries
from messaging.channel import (
    Account,
    AddressKind,
    InboundEvent,
    InboundMessage,
    OtherEvent,
    StatusReport,
)
from messaging.pacing import Pacing
from messaging.written import inbound_to_json

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("intake.sql"))

RECEIVE_JOB = "messaging.receive"

TAKEN_IN = Counter(
    "ivr_bridge_webhook_events_total", "Provider events taken in", ["channel", "kind"]
)
SHARED = Histogram(
    "ivr_bridge_webhook_commit_requests",
    "Requests that shared a commit",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)

_SUREST_FIRST = (AddressKind.BSUID, AddressKind.USER_ID, AddressKind.WA_ID, AddressKind.PHONE)


@dataclass(slots=True)
class _Told:
    """One request: what its body said (None when nobody can read it), and who waits for the commit."""

    account: Account
    events: Sequence[InboundEvent] | None
    body: bytes
    committed: asyncio.Future[None]

    @property
    def weight(self) -> int:
        """Roughly how much work this is."""
        return max(1, len(self.events or ()))


@dataclass(slots=True)
class _Rows:
    """What goes into the inbox, by column."""

    inbox_ids: list[UUID] = field(default_factory=list)
    account_ids: list[UUID] = field(default_factory=list)
    event_keys: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    payloads: list[str | None] = field(default_factory=list)
    raws: list[bytes | None] = field(default_factory=list)
    jobs: dict[UUID, NewJob] = field(default_factory=dict)
    _keys: set[tuple[UUID, str]] = field(default_factory=set)

    def add(
        self, account: Account, key: str, kind: str, payload: object, raw: bytes | None = None
    ) -> UUID | None:
        """A row, unless this batch has the event already."""
        if (account.id, key) in self._keys:
            return None
        self._keys.add((account.id, key))
        inbox_id = new_id()
        self.inbox_ids.append(inbox_id)
        self.account_ids.append(account.id)
        self.event_keys.append(key)
        self.kinds.append(kind)
        self.payloads.append(None if payload is None else json.dumps(payload))
        self.raws.append(raw)
        return inbox_id


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
        self._waiting = waiting
        self._waiting_bytes = waiting_bytes
        self._batch_requests = batch_requests
        self._batch_weight = batch_weight
        self._line: deque[_Told] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._closing = False

    async def take(
        self, account: Account, events: Sequence[InboundEvent] | None, body: bytes
    ) -> None:
        """Returns once everything in this request is committed; raises Overloaded or Unavailable."""
        full = len(self._line) >= self._waiting or self._bytes + len(body) > self._waiting_bytes
        if full or self._closing:
            raise Overloaded("Too many webhooks wait here; send this one again.")
        told = _Told(account, events, body, asyncio.get_running_loop().create_future())
        self._line.append(told)
        self._bytes += len(body)
        self._arrived.set()
        await told.committed

    async def hand(self) -> None:
        """Write what waits, as much as there is at a time, until closed and empty."""
        while True:
            while not self._line:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            batch = self._next()
            SHARED.observe(len(batch))
            await self._write(batch)
            await self._pacing.share()

    def close(self) -> None:
        """Take nothing more; the hands finish what waits."""
        self._closing = True
        self._arrived.set()

    def give_up(self) -> None:
        """No hand is left that could write: whoever waits is told, and nobody waits any more."""
        self.close()
        _refuse(self._line, Overloaded("Webhooks cannot be written here; send this one again."))
        self._line.clear()
        self._bytes = 0

    def _next(self) -> list[_Told]:
        batch: list[_Told] = []
        weight = 0
        while self._line and len(batch) < self._batch_requests and weight < self._batch_weight:
            told = self._line.popleft()
            self._bytes -= len(told.body)
            weight += told.weight
            batch.append(told)
        return batch

    async def _write(self, batch: Sequence[_Told]) -> None:
        by_workspace: dict[WorkspaceId, list[_Told]] = defaultdict(list)
        for told in batch:
            by_workspace[told.account.workspace_id].append(told)
        for workspace_id, group in by_workspace.items():
            await self._commit(workspace_id, group)

    async def _commit(self, workspace_id: WorkspaceId, group: Sequence[_Told]) -> None:
        try:
            async with self._database.workspace(workspace_id) as tx:
                await self._record(tx, group)
        except Unavailable as away:
            _refuse(group, away)
        except Exception as error:  # noqa: BLE001 - whatever one body does to us must not touch the others
            log.warning("webhook.batch_divided", requests=len(group), error=type(error).__name__)
            await self._commit_apart(workspace_id, group)
        else:
            self._done(group)

    async def _commit_apart(self, workspace_id: WorkspaceId, group: Sequence[_Told]) -> None:
        """One transaction still, but each request may fail alone; then its body is kept for a person."""
        broken: list[tuple[_Told, Exception]] = []
        try:
            async with self._database.workspace(workspace_id) as tx:
                for told in group:
                    try:
                        async with tx.savepoint():
                            await self._record(tx, [told])
                    except Unavailable:
                        raise
                    except Exception as error:  # noqa: BLE001 - as above
                        broken.append((told, error))
                for told, _ in broken:
                    await self._record(tx, [_Told(told.account, None, told.body, told.committed)])
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

    async def _record(self, tx: Tx, group: Sequence[_Told]) -> None:
        reports: dict[UUID, tuple[Account, list[StatusReport]]] = {}
        rows = _Rows()
        for told in group:
            if told.events is None:
                rows.add(told.account, _digest(told.body), "unparsed", None, told.body)
                continue
            for event in told.events:
                if isinstance(event, StatusReport):
                    reports.setdefault(told.account.id, (told.account, []))[1].append(event)
                else:
                    _add(rows, told.account, event)
        if rows.inbox_ids:
            await self._take_in(tx, rows)
        # In one order of accounts, so that two batches cannot wait for each other.
        for _, (account, told_of) in sorted(reports.items()):
            await deliveries.apply(tx, self._events, account, told_of)

    async def _take_in(self, tx: Tx, rows: _Rows) -> None:
        taken = await tx.fetch(
            *SQL["take_in"](
                workspace=tx.workspace_id,
                inbox_ids=rows.inbox_ids,
                account_ids=rows.account_ids,
                event_keys=rows.event_keys,
                kinds=rows.kinds,
                payloads=rows.payloads,
                raws=rows.raws,
            )
        )
        fresh = {row["inbox_id"] for row in taken}
        await enqueue_many(tx, [job for inbox_id, job in rows.jobs.items() if inbox_id in fresh])

    def _done(self, group: Iterable[_Told]) -> None:
        for told in group:
            _count(told)
            messages = sum(isinstance(event, InboundMessage) for event in told.events or ())
            if messages:
                self._pacing.note_inbound(told.account, messages)
            if not told.committed.done():
                told.committed.set_result(None)


@asynccontextmanager
async def open_intake(
    database: Database,
    events: Events,
    pacing: Pacing,
    *,
    waiting: int = 5_000,
    hands: int = 2,
) -> AsyncIterator[Intake]:
    """An intake whose hands work as long as the block lasts; what waits at its end is still written."""
    intake = Intake(database, events, pacing, waiting=waiting)
    # Two hands: while one waits for its commit, the other reads the next requests into a batch.
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


def _add(rows: _Rows, account: Account, event: InboundMessage | OtherEvent) -> None:
    if isinstance(event, OtherEvent):
        seen = {"type": event.type, "at": event.at.isoformat()}
        rows.add(account, event.event_key, "other", seen)
        return
    inbox_id = rows.add(account, event.event_key, "message", inbound_to_json(event))
    if inbox_id is not None:
        rows.jobs[inbox_id] = NewJob(
            kind=RECEIVE_JOB,
            payload={"inbox_id": str(inbox_id)},
            band="inbound",
            lane=_lane(account, event),
        )


def _lane(account: Account, event: InboundMessage) -> str:
    """One person's messages are worked off in order. The address itself stays out of the job."""
    surest = next(event.sender[kind] for kind in _SUREST_FIRST if kind in event.sender)
    digest = hashlib.blake2b(surest.encode(), digest_size=12, key=account.id.bytes)
    return f"in:{account.id}:{digest.hexdigest()}"


def _digest(body: bytes) -> str:
    return f"raw:{hashlib.sha256(body).hexdigest()}"


def _count(told: _Told) -> None:
    channel = told.account.kind.value
    if told.events is None:
        TAKEN_IN.labels(channel, "unparsed").inc()
        return
    kinds: dict[str, int] = defaultdict(int)
    for event in told.events:
        kinds[_KIND[type(event)]] += 1
    for kind, number in kinds.items():
        TAKEN_IN.labels(channel, kind).inc(number)


_KIND: dict[type, str] = {InboundMessage: "message", StatusReport: "status", OtherEvent: "other"}


def _refuse(group: Iterable[_Told], error: Exception) -> None:
    for told in group:
        if not told.committed.done():
            told.committed.set_exception(error)
