"""One reader per workspace and process: what changed goes to every desk that may see it.

Woken by hints and sweeping every second, so that losing the hints costs a second and nothing else.
A desk joins by reading its own welcome and then setting the reader back to the moment of that read:
what others hear again is harmless, since items carry states and not events.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.clock import Clock
from core.faults import Unavailable
from core.ids import ConversationId, QueueId, WorkspaceId
from core.postgres import Database, Tx
from core.spells import Spell
from core.wake import Signal, Wake
from handoff.desk import changes, reading
from handoff.desk.cursor import Moment, moment
from handoff.desk.live_sql import SQL
from handoff.desk.rows import QueueRow
from handoff.desk.said import MediaUrl
from handoff.desk.snapshot import RESUMABLE_ROWS, changes_frame, welcome
from handoff.desk.subscriber import Ending, Subscriber
from handoff.desk.warden import look_after

log = structlog.get_logger()

SWEEP_S = 1.0
LOOK_AGAIN_S = 0.05
"""After a hint that led to nothing: an older transaction may still be open."""
REST_S = 0.02
"""Between two rounds, so that a burst of hints becomes few rounds."""
WARDEN_S = 4.0
"""Whoever signed out is off the desk within 5 s, even if no hint comes through."""
_CLEAR_S = 300.0
_JOINING_AT_ONCE = 4
_FAR_BEHIND = 20_000
"""A writer that stays open long makes us read the same names over and over, up to so many."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a round found; it counts as told once all of it could be read."""

    told: changes.Changes
    queues: Mapping[QueueId, QueueRow] | None
    writing: Mapping[ConversationId, datetime] | None


class Feed:
    """The reader of one workspace."""

    def __init__(
        self,
        workspace_id: WorkspaceId,
        database: Database,
        wake: Wake,
        clock: Clock,
        media_url: MediaUrl,
    ) -> None:
        self.workspace_id = workspace_id
        self.attending: set[Subscriber] = set()
        """Every open socket, also one that has not said hello yet."""
        self.desks: set[Subscriber] = set()
        self._database = database
        self._wake = wake
        self._clock = clock
        self._media_url = media_url
        self._since: int | None = None
        self._set_back: int | None = None
        self._told: set[changes.Touched] = set()
        self._queues: Mapping[QueueId, QueueRow] = {}
        self._queues_read_at = 0.0
        self._writing: dict[ConversationId, datetime] = {}
        self._joining = asyncio.Semaphore(_JOINING_AT_ONCE)
        self._round_wanted = Signal()
        self._look_wanted = Signal()

    async def join(self, desk: Subscriber, cursor: str | None) -> Sequence[str]:
        """The frames this desk needs first; from then on it hears every change."""
        async with self._joining:
            while True:
                sight = desk.sight
                async with self._tx() as tx:
                    begun = await welcome(tx, desk, cursor, self._clock(), self._media_url)
                    writing = await changes.writing(tx)
                if desk.sight is sight:
                    break
        # No waiting from here on: a round either has this desk or begins after it is in.
        done_to = int(begun.moment.done_to)
        self._set_back = done_to if self._set_back is None else min(done_to, self._set_back)
        self._writing.update(writing)
        desk.stale = False
        self.desks.add(desk)
        self._round_wanted.set()
        return begun.frames

    def attend(self, desk: Subscriber) -> None:
        """This desk is connected, and is to hear when everybody has to go."""
        self.attending.add(desk)

    def leave(self, desk: Subscriber) -> None:
        """This desk is gone."""
        self.desks.discard(desk)
        self.attending.discard(desk)

    def look_soon(self) -> None:
        """Somebody may have signed out."""
        self._look_wanted.set()

    async def run(self) -> None:
        """Read and tell until cancelled."""
        away = Spell("desk.feed_unavailable", "desk.feed_back", workspace_id=self.workspace_id)
        with self._wake.listening(f"desk:{self.workspace_id}") as hint:
            self._round_wanted = hint
            while True:
                hinted = await hint.wait(SWEEP_S)
                try:
                    found = await self._round()
                    if hinted and not found:
                        await asyncio.sleep(LOOK_AGAIN_S)
                        await self._round()
                    away.over()
                except Unavailable as lost:
                    away.met(lost)
                    await asyncio.sleep(SWEEP_S)
                await asyncio.sleep(REST_S)

    async def guard(self) -> None:
        """Look after the open desks until cancelled."""
        away = Spell("desk.guard_unavailable", "desk.guard_back", workspace_id=self.workspace_id)
        cleared_at = time.monotonic()
        while True:
            await self._look_wanted.wait(WARDEN_S)
            try:
                async with self._tx() as tx:
                    await look_after(tx, list(self.desks))
                if time.monotonic() - cleared_at > _CLEAR_S:
                    async with self._database.workspace(self.workspace_id) as tx:
                        await tx.execute(*SQL["clear_viewed"](workspace=tx.workspace_id))
                    cleared_at = time.monotonic()
                away.over()
            except Unavailable as lost:
                away.met(lost)
                await asyncio.sleep(SWEEP_S)

    def let_go(self, ending: Ending) -> None:
        """Close every desk."""
        for desk in self.attending:
            desk.let_go(ending)

    def _tx(self) -> AbstractAsyncContextManager[Tx]:
        return self._database.workspace(self.workspace_id, read_only=True)

    async def _round(self) -> bool:
        """Tell what is new; False when nothing is."""
        since = self._begin()
        if since is None or not self.desks:
            return True
        # A desk that joins while we read is served by the next round.
        listeners = [desk for desk in self.desks if not desk.stale]
        async with self._tx() as tx:
            at = await moment(tx)
            names = await changes.touched(tx, str(since), _FAR_BEHIND)
            fresh = [one for one in names if one not in self._told]
            if len(fresh) > RESUMABLE_ROWS or len(names) == _FAR_BEHIND:
                self._begin_anew(at, listeners)
                return True
            read = await self._read(tx, fresh)
        self._note(at, names, read)
        if read is None:
            return False
        for desk in listeners:
            if not desk.stale and (items := list(read.told.items(desk.sight, desk.gone))):
                desk.put(changes_frame(at.cursor(desk.sight), items))
        return True

    def _begin(self) -> int | None:
        """Where this round reads from; after somebody joined, nothing counts as told already."""
        if self._set_back is not None:
            back = self._set_back
            self._since = back if self._since is None else min(self._since, back)
            self._set_back = None
            self._told.clear()
            self._queues = {}
        return self._since

    async def _read(self, tx: Tx, fresh: Sequence[changes.Touched]) -> _Read | None:
        """How what is new stands now; None when nothing is new."""
        now = self._clock()
        worn_off = [one for one, until in self._writing.items() if until <= now]
        queues = await self._queues_now(tx)
        # Counts follow from many rows, so they are compared with what was told last.
        changed = [row for row in (queues or {}).values() if self._queues.get(row.queue_id) != row]
        if not fresh and not worn_off and not changed:
            return None
        writing = None
        if any(one.kind == "viewers" for one in fresh) or worn_off:
            writing = {
                one: until for one, until in (await changes.writing(tx)).items() if until > now
            }
        told = await changes.state_of(
            tx, fresh, now, self._media_url, also_viewed=worn_off, queues=changed
        )
        return _Read(told, queues, writing)

    async def _queues_now(self, tx: Tx) -> Mapping[QueueId, QueueRow] | None:
        """Every queue, once a second."""
        if self._queues and time.monotonic() - self._queues_read_at < SWEEP_S:
            return None
        self._queues_read_at = time.monotonic()
        return {row.queue_id: row for row in await reading.queue_rows(tx)}

    def _note(self, at: Moment, names: Sequence[changes.Touched], read: _Read | None) -> None:
        """Go on from here, and remember what will be read again though it was told."""
        self._since = int(at.done_to)
        self._told = {one for one in names if int(one.version) >= self._since}
        if read is not None and read.queues is not None:
            self._queues = read.queues
        if read is not None and read.writing is not None:
            self._writing = dict(read.writing)

    def _begin_anew(self, at: Moment, listeners: Sequence[Subscriber]) -> None:
        """Too much at once to be told one by one."""
        log.info("desk.burst", workspace_id=self.workspace_id, desks=len(listeners))
        self._since = int(at.done_to)
        self._told.clear()
        for desk in listeners:
            self.desks.discard(desk)
            desk.outdate()
