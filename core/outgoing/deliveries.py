"""Serving one endpoint: what is due goes out, and what did not arrive is due again later.

Retries are rows, spread over about a day. One job serves one endpoint, so a dead receiver costs one
hand and delays nobody else's news.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.events import Events
from core.ids import public
from core.jobs import Endless, Handler, Job, enqueue, finish
from core.outgoing.courier import Attempt, Courier, End, Letter
from core.outgoing.endpoints import BAND, PUMP, TIDY, EndpointRow, send_soon, tidying
from core.outgoing.sql import SQL
from core.postgres import Database, Tx
from core.sealing import Sealer

log = structlog.get_logger()

TAKEN = "webhook.taken"
"""The event of a delivery that arrived: its type, its key, the endpoint's name."""

AGAIN_AFTER_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 36_000)
"""After the first failure, the second …; after the last of them it is given up: about a day."""
PAUSED_AFTER_S = 24 * 3600.0
"""So long without a single success, and at least so often tried:"""
PAUSED_AFTER_FAILURES = 10
ALARM_AFTER_FAILURES = 5

_AT_ONCE = 8
_BUSY_FOR_S = 6.0
"""With the last batch's timeout well inside a job's time."""
_TIDY_EVERY_S = 300.0

SENT = Counter("ivr_bridge_webhooks_total", "Attempts to deliver a webhook", ["outcome"])
GIVEN_UP = Counter("ivr_bridge_webhooks_given_up_total", "Webhooks that never arrived")
PAUSED = Counter(
    "ivr_bridge_webhook_endpoints_paused_total", "Endpoints that were paused", ["reason"]
)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come."""

    delivery_id: UUID
    type: str
    event_key: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The handlers of this room's jobs."""

    database: Database
    sealer: Sealer
    courier: Courier
    events: Events

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """By band, then by kind."""
        return {BAND: {PUMP: self.pump, TIDY: Endless(self.tidy)}}

    async def pump(self, job: Job) -> None:
        """Send what is due to one endpoint, then come back when there is more."""
        endpoint_id = UUID(job.payload["endpoint_id"])
        began = time.monotonic()
        while time.monotonic() - began < _BUSY_FOR_S:
            async with self.database.workspace(job.workspace_id, read_only=True) as tx:
                endpoint = await _endpoint(tx, endpoint_id)
                due = [] if endpoint is None else await _due(tx, endpoint_id)
            if endpoint is None or endpoint.paused_at is not None or not due:
                break
            attempts = await self._send(endpoint, due)
            async with self.database.workspace(job.workspace_id) as tx:
                await _note(tx, endpoint, due, attempts)
                await self.events.publish_many(
                    tx,
                    TAKEN,
                    [
                        {"type": one.type, "key": one.event_key, "endpoint": endpoint.name}
                        for one, attempt in zip(due, attempts, strict=True)
                        if attempt.end is End.TAKEN
                    ],
                )
        async with self.database.workspace(job.workspace_id) as tx:
            await self._come_back(tx, endpoint_id)
            await finish(tx, job)

    async def tidy(self, job: Job) -> None:
        """Forget what is old, and serve whoever was forgotten by a job that was given up."""
        async with self.database.workspace(job.workspace_id) as tx:
            for statement in ("forget_delivered", "forget_given_up"):
                await tx.execute(*SQL[statement](workspace=tx.workspace_id))
            _count_given_up(len(await tx.fetch(*SQL["give_up_old"](workspace=tx.workspace_id))))
            for row in await tx.fetch(*SQL["owed"](workspace=tx.workspace_id)):
                await send_soon(tx, row["endpoint_id"])
            await enqueue(tx, tidying(delay_s=_TIDY_EVERY_S))
            await finish(tx, job)

    async def _send(self, endpoint: EndpointRow, due: Sequence[Due]) -> Sequence[Attempt]:
        secrets = list(self.sealer.open(endpoint.sealed).values())
        return await asyncio.gather(
            *(
                self.courier.deliver(
                    Letter(
                        url=endpoint.url,
                        private=endpoint.private,
                        secrets=secrets,
                        webhook_id=public("msg", one.delivery_id),
                        body=one.body,
                    )
                )
                for one in due
            )
        )

    @staticmethod
    async def _come_back(tx: Tx, endpoint_id: UUID) -> None:
        endpoint = await _endpoint(tx, endpoint_id)
        if endpoint is None or endpoint.paused_at is not None:
            return
        due_at = await tx.fetchval(
            *SQL["next_due"](workspace=tx.workspace_id, endpoint=endpoint_id)
        )
        if due_at is not None:
            await send_soon(tx, endpoint_id, due_at)


def again_in_s(attempts: int, attempt: Attempt) -> float | None:
    """When to try again after so many attempts before this one; None when it is enough."""
    if attempts >= len(AGAIN_AFTER_S):
        return None
    spread = random.uniform(0.9, 1.1)  # noqa: S311 - spreading, not secrecy
    return max(AGAIN_AFTER_S[attempts] * spread, attempt.wait_s)


async def _endpoint(tx: Tx, endpoint_id: UUID) -> EndpointRow | None:
    row = await tx.fetchrow(*SQL["endpoint"](workspace=tx.workspace_id, endpoint=endpoint_id))
    return None if row is None else EndpointRow(**row)


async def _due(tx: Tx, endpoint_id: UUID) -> list[Due]:
    rows = await tx.fetch(
        *SQL["due"](workspace=tx.workspace_id, endpoint=endpoint_id, size=_AT_ONCE)
    )
    return [Due(**row) for row in rows]


async def _note(
    tx: Tx, endpoint: EndpointRow, due: Sequence[Due], attempts: Sequence[Attempt]
) -> None:
    """Write down how the attempts ended, and what that says about the endpoint."""
    states, waits = [], []
    for one, attempt in zip(due, attempts, strict=True):
        wait = 0.0 if attempt.end is End.TAKEN else again_in_s(one.attempts, attempt)
        states.append(
            "delivered" if attempt.end is End.TAKEN else "given_up" if wait is None else "waiting"
        )
        waits.append(wait or 0.0)
        SENT.labels("delivered" if attempt.end is End.TAKEN else "failed").inc()
    await tx.execute(
        *SQL["note_results"](
            workspace=tx.workspace_id,
            deliveries=[one.delivery_id for one in due],
            states=states,
            errors=[attempt.error for attempt in attempts],
            again_in_s=waits,
        )
    )
    _count_given_up(states.count("given_up"))
    which = {"workspace": tx.workspace_id, "endpoint": endpoint.endpoint_id}
    if "delivered" in states:
        if await tx.fetchval(*SQL["note_success"](**which)) is not None:
            log.info("webhook.endpoint_recovered", endpoint=endpoint.name)
            await tx.execute(*SQL["all_due_now"](**which, refused_too=False))
        return
    standing = await tx.fetchrow(*SQL["note_failures"](**which, count=len(due)))
    if standing is not None:
        await _judge(tx, endpoint, attempts, standing["failures"], standing["failing_for_s"])


async def _judge(
    tx: Tx, endpoint: EndpointRow, attempts: Sequence[Attempt], failures: int, failing_for_s: float
) -> None:
    """Say that an endpoint is in trouble; stop trying one that is gone or has failed for a day."""
    gone = any(attempt.end is End.GONE for attempt in attempts)
    if endpoint.failures < ALARM_AFTER_FAILURES <= failures:
        log.error("webhook.endpoint_failing", endpoint=endpoint.name, error=attempts[-1].error)
    if gone or (failures >= PAUSED_AFTER_FAILURES and failing_for_s >= PAUSED_AFTER_S):
        reason = "gone" if gone else "failing"
        await tx.execute(
            *SQL["pause"](workspace=tx.workspace_id, endpoint=endpoint.endpoint_id, reason=reason)
        )
        PAUSED.labels(reason).inc()
        log.error("webhook.endpoint_paused", endpoint=endpoint.name, reason=reason)


def _count_given_up(count: int) -> None:
    if count:
        GIVEN_UP.inc(count)
        log.error("webhook.given_up", count=count)
