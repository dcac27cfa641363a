"""Operators' rows: what they hold and whether they can take more; and the use cases of presence."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from core.clock import Clock
from core.faults import NotFound, Refused
from core.ids import PersonId, WorkspaceId, new_id
from core.jobs import Job, NewJob, cancel, enqueue, finish
from core.postgres import Database, Tx
from core.queries import load
from handoff.routing import presence as pure
from handoff.routing.presence import Declared, Link, Presence
from handoff.routing.soon import place_soon

SQL = load(Path(__file__).with_name("operators.sql"))

log = structlog.get_logger()

SOCKET_LEASE_S = 25.0
"""A desk beats every 10 s; a killed web process is noticed within this and a moment."""

SOCKETS = "handoff.sockets"
RESCIND = "handoff.rescind"
GRACE_OVER = "handoff.grace_over"


class OperatorUnknown(NotFound, code="operator_unknown"):
    """There is no such operator."""


class NoRoom(Refused, code="no_room"):
    """This operator holds as much as they may."""


async def enrol(
    tx: Tx, operator_id: PersonId, *, at: datetime, capacity: int | None = None
) -> None:
    """This person can be given work, so many conversations at a time."""
    await tx.execute(*SQL["enrol"](workspace=tx.workspace_id, operator=operator_id, at=at))
    if capacity is not None:
        await tx.execute(
            *SQL["set_capacity"](workspace=tx.workspace_id, operator=operator_id, capacity=capacity)
        )


async def presence_of(tx: Tx, operator_id: PersonId) -> Presence:
    """One operator as they stand; raises OperatorUnknown."""
    row = await tx.fetchrow(*SQL["operator"](workspace=tx.workspace_id, operator=operator_id))
    if row is None:
        raise OperatorUnknown
    return Presence(**row)


async def take(tx: Tx, operator_id: PersonId, at: datetime) -> None:
    """One more in their hands; raises NoRoom. Their conversation is locked already."""
    load_now = await tx.fetchval(
        *SQL["take"](workspace=tx.workspace_id, operator=operator_id, at=at)
    )
    if load_now is None:
        raise NoRoom


async def release(tx: Tx, operator_id: PersonId) -> None:
    """One less, so that another can be placed with them at once."""
    await tx.fetchval(*SQL["release"](workspace=tx.workspace_id, operator=operator_id))
    await place_soon(tx)


async def note_action(tx: Tx, operator_id: PersonId, at: datetime) -> None:
    """They did something: whatever they missed before is forgotten."""
    before = await presence_of(tx, operator_id)
    if before.misses:
        await change(tx, operator_id, pure.acted, at)
        await place_soon(tx)


async def note_miss(tx: Tx, operator_id: PersonId, at: datetime) -> None:
    """They let a reservation run out."""
    await change(tx, operator_id, pure.missed, at)


async def change(
    tx: Tx, operator_id: PersonId, how: Callable[[Presence], Presence], at: datetime
) -> Presence:
    """Lock, change and write one operator's presence, with its intervals."""
    before = await _lock(tx, operator_id)
    return await _save(tx, before, how(before), at)


async def _lock(tx: Tx, operator_id: PersonId) -> Presence:
    row = await tx.fetchrow(*SQL["lock_operator"](workspace=tx.workspace_id, operator=operator_id))
    if row is None:
        raise OperatorUnknown
    return Presence(**row)


async def _save(tx: Tx, before: Presence, after: Presence, at: datetime) -> Presence:
    if before == after:
        return before
    anew = pure.another_interval(before, after)
    after = replace(after, since=at if anew else before.since)
    await tx.execute(
        *SQL["save_presence"](
            workspace=tx.workspace_id,
            operator=after.operator_id,
            declared=after.declared,
            reason=after.reason,
            link=after.link,
            not_responding=after.not_responding,
            misses=after.misses,
            since=after.since,
            grace_until=after.grace_until,
            anew=anew,
            interval=new_id(),
            at=at,
        )
    )
    tx.wake(f"desk:{tx.workspace_id}")
    return after


class Operators:
    """What the desk tells about a person, and what follows from its silence."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def presence(self, workspace_id: WorkspaceId, operator_id: PersonId) -> Presence:
        """The operator as they stand; whoever opens a desk for the first time is enrolled."""
        async with self._database.workspace(workspace_id) as tx:
            await enrol(tx, operator_id, at=self._clock())
            return await presence_of(tx, operator_id)

    async def declare(
        self,
        workspace_id: WorkspaceId,
        operator_id: PersonId,
        wanted: Declared,
        reason: str | None = None,
    ) -> Presence:
        """The operator says whether they take work; whoever does not is offered nothing more."""
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            await enrol(tx, operator_id, at=now)
            after = await change(
                tx, operator_id, lambda before: pure.declared(before, wanted, reason), now
            )
            if after.declared != Declared.ONLINE:
                await _rescind(tx, operator_id)
            if after.routable:
                await place_soon(tx)
            return after

    async def connected(
        self, workspace_id: WorkspaceId, operator_id: PersonId, socket_id: UUID
    ) -> Presence:
        """A desk of theirs is connected: beat for it, or it runs out."""
        async with self._database.workspace(workspace_id) as tx:
            now = self._clock()
            await enrol(tx, operator_id, at=now)
            after = await change(tx, operator_id, pure.linked, now)
            await tx.execute(
                *SQL["put_socket"](
                    workspace=workspace_id,
                    socket=socket_id,
                    operator=operator_id,
                    lease_s=SOCKET_LEASE_S,
                )
            )
            await cancel(tx, GRACE_OVER, str(operator_id))
            await _watch_sockets(tx, SOCKET_LEASE_S)
            if after.routable:
                await place_soon(tx)
            return after

    async def heartbeat(self, workspace_id: WorkspaceId, socket_id: UUID) -> bool:
        """This desk is still there; False when it was given up, and `connected` must be said again."""
        async with self._database.workspace(workspace_id) as tx:
            whose = await tx.fetchval(
                *SQL["beat"](workspace=workspace_id, socket=socket_id, lease_s=SOCKET_LEASE_S)
            )
            return whose is not None

    async def disconnected(self, workspace_id: WorkspaceId, socket_id: UUID) -> None:
        """A desk said goodbye; with the last one goes the operator, after the grace."""
        async with self._database.workspace(workspace_id) as tx:
            operator_id: PersonId | None = await tx.fetchval(
                *SQL["socket_operator"](workspace=workspace_id, socket=socket_id)
            )
            if operator_id is not None:
                await _drop_sockets(tx, operator_id, self._clock(), socket_id)

    async def sweep_sockets(self, job: Job) -> None:
        """Notice the desks that went without a goodbye, and come back while any is connected."""
        async with self._database.workspace(job.workspace_id) as tx:
            rows = await tx.fetch(*SQL["operators_with_dead_sockets"](workspace=job.workspace_id))
        for row in rows:
            async with self._database.workspace(job.workspace_id) as tx:
                await _drop_sockets(tx, row["operator_id"], self._clock())
        async with self._database.workspace(job.workspace_id) as tx:
            left_s = await tx.fetchval(*SQL["next_socket_end"](workspace=job.workspace_id))
            if left_s is not None:
                await _watch_sockets(tx, max(left_s, 0.0))
            await finish(tx, job)


async def _drop_sockets(
    tx: Tx, operator_id: PersonId, at: datetime, socket_id: UUID | None = None
) -> None:
    """Without any desk left, the operator is cut off. Their row is locked first, so that of two
    desks going at once the second sees that it is the last.
    """
    grace_s = await tx.fetchval(*SQL["grace_of"](workspace=tx.workspace_id, operator=operator_id))
    before = await _lock(tx, operator_id)
    await tx.execute(
        *SQL["drop_sockets"](workspace=tx.workspace_id, operator=operator_id, socket=socket_id)
    )
    if await tx.fetchval(*SQL["has_socket"](workspace=tx.workspace_id, operator=operator_id)):
        return
    until = at + timedelta(seconds=grace_s)
    after = await _save(tx, before, pure.cut_off(before, until), at)
    if after.link == Link.GRACE:
        await _rescind(tx, operator_id)
        await watch_grace(tx, operator_id, grace_s)
        log.info("operator.cut_off", operator_id=str(operator_id))


async def watch_grace(tx: Tx, operator_id: PersonId, delay_s: float) -> None:
    """Look again when the grace is over."""
    await enqueue(
        tx,
        NewJob(
            GRACE_OVER,
            {"operator_id": str(operator_id)},
            band="urgent",
            key=str(operator_id),
            delay_s=delay_s,
        ),
    )


async def _rescind(tx: Tx, operator_id: PersonId) -> None:
    """Take back what is held out to them: a job of its own, since conversations are locked first."""
    await enqueue(
        tx,
        NewJob(RESCIND, {"operator_id": str(operator_id)}, band="urgent", key=str(operator_id)),
    )


async def _watch_sockets(tx: Tx, delay_s: float) -> None:
    await enqueue(tx, NewJob(SOCKETS, {}, band="urgent", key="all", delay_s=delay_s))
