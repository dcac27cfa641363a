"""Places in the budgets, leased by the block: one is taken in memory, and never one too many.

A block is charged to every budget before anybody uses it. A process that dies takes its unused places
with it, which costs capacity until the hour is over, and never money.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.ids import LineId, WorkspaceId
from core.postgres import Database
from ivr_bridge.guard.sql import SQL
from ivr_bridge.guard.standing import Cap

_LARGEST_BLOCK = 32
_SMALL_PART = 100
_ASK_AGAIN_S = 1.0
"""An empty budget is asked again this late, however many calls come meanwhile."""

Which = tuple[WorkspaceId, LineId]


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """What the statement granted."""

    places: int
    lasts_s: float
    budgets: int


@dataclass(slots=True)
class Block:
    """Places that are charged already, good until their hour is over."""

    left: int
    until: float


class Budget:
    """The places that this process may still use."""

    def __init__(
        self, database: Database, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._blocks: dict[Which, Block] = {}
        self._empty_until: dict[Which, float] = {}
        self._leasing: dict[Which, asyncio.Lock] = {}

    async def take(self, which: Which, caps: Sequence[Cap]) -> Block | None:
        """The block that a place was taken from, or None: the budget is spent."""
        block = self._take(which)
        if block is not None:
            return block
        # One request asks, the others that came meanwhile share what it gets.
        async with self._leasing.setdefault(which, asyncio.Lock()):
            block = self._take(which)
            now = self._seconds()
            if block is not None or self._empty_until.get(which, 0.0) > now:
                return block
            granted = await self._ask(which[0], caps)
            if granted.places == 0:
                self._empty_until[which] = now + _ASK_AGAIN_S
                return None
            # From before the question: the hour is over sooner here than in the database, never later.
            block = Block(granted.places - 1, now + granted.lasts_s)
            self._blocks[which] = block
            return block

    def _take(self, which: Which) -> Block | None:
        block = self._blocks.get(which)
        if block is None or block.left == 0 or block.until <= self._seconds():
            return None
        block.left -= 1
        return block

    async def _ask(self, workspace_id: WorkspaceId, caps: Sequence[Cap]) -> LeaseRow:
        scopes = [cap.scope for cap in caps]
        tightest = min(min(cap.hour, cap.day) for cap in caps)
        statement = SQL["lease_places"](
            workspace=workspace_id,
            scopes=scopes,
            hour_caps=[cap.hour for cap in caps],
            day_caps=[cap.day for cap in caps],
            wanted=max(1, min(_LARGEST_BLOCK, tightest // _SMALL_PART)),
        )
        rows = await self._database.alone(workspace_id, *statement)
        if not rows:
            opening = SQL["open_budgets"](workspace=workspace_id, scopes=scopes)
            await self._database.alone(workspace_id, *opening)
            rows = await self._database.alone(workspace_id, *statement)
        return LeaseRow(**rows[0])
