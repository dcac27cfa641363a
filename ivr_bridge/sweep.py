"""Every 100 ms one question for all calls that wait: has any of their messages moved?

Hints over Redis make waiting short; this makes it short enough without them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from core.faults import Unavailable
from core.ids import MessageId, WorkspaceId
from core.postgres import Database
from core.spells import Spell
from core.wake import Signal
from ivr_bridge.store import SQL

EVERY_S = 0.1
_FRESH = ("sending", False)


class Sweep:
    """This process's waiting calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[WorkspaceId, dict[MessageId, set[Signal]]] = defaultdict(dict)
        self._last: dict[MessageId, tuple[str, bool]] = {}
        self._anybody = asyncio.Event()

    @contextmanager
    def watching(
        self, workspace_id: WorkspaceId, message_id: MessageId, signal: Signal, *, fresh: bool
    ) -> Iterator[None]:
        """Set the signal whenever the message has moved; a fresh one is known to be `sending`."""
        messages = self._waiting[workspace_id]
        messages.setdefault(message_id, set()).add(signal)
        if fresh:
            self._last[message_id] = _FRESH
        self._anybody.set()
        try:
            yield
        finally:
            messages[message_id].discard(signal)
            if not messages[message_id]:
                del messages[message_id]
                self._last.pop(message_id, None)
            if not messages:
                self._waiting.pop(workspace_id, None)

    async def run(self) -> None:
        """Look every 100 ms while anybody waits, until cancelled."""
        away = Spell("sweep.database_unavailable", "sweep.database_back")
        while True:
            await asyncio.sleep(EVERY_S)
            if not self._waiting:
                self._anybody.clear()
                await self._anybody.wait()
                continue
            for workspace_id in list(self._waiting):
                try:
                    await self._look(workspace_id)
                    away.over()
                except (Unavailable, asyncpg.PostgresError) as missed:
                    # Whatever it was: without this, a lost hint would cost a call its answer.
                    away.met(missed)

    async def _look(self, workspace_id: WorkspaceId) -> None:
        messages = self._waiting.get(workspace_id, {})
        if not messages:
            return
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            rows = await tx.fetch(
                *SQL["standings"](workspace=workspace_id, messages=list(messages))
            )
        for row in rows:
            standing = (row["status"], row["failed"])
            signals = messages.get(row["message_id"])
            if signals and self._last.get(row["message_id"]) != standing:
                self._last[row["message_id"]] = standing
                for signal in signals:
                    signal.set()
