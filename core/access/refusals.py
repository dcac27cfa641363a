"""Keys and signatures that are somebody's and were refused: counted in rows, so that somebody hears of it.

Within a second the first is written at once, and then whenever their number has doubled: being refused
must not cost us more than it costs whoever tries, and a short burst is seen as well as a long one.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import Counter

from core.access.sql import SQL
from core.faults import Unavailable
from core.ids import WorkspaceId
from core.postgres import Database, Tx

UNKNOWN = Counter("ivr_bridge_keys_unknown_total", "Requests with a key that is nobody's")

_SECOND = 1.0


class Why(StrEnum):
    """What was wrong with a key that is somebody's."""

    ADDRESS = "address"
    """It came from where it does not work: it is in wrong hands, or its owner has moved."""
    SIGNATURE = "signature"
    """Nobody with the secret signed this, or their clock is wrong."""
    REPLAYED = "replayed"
    """The same signed request came again."""


@dataclass(slots=True)
class _Counting:
    unwritten: int = 0
    written: int = 0
    """In the second that began then:"""
    began: float = float("-inf")


class Refusals:
    """This process's count of them."""

    def __init__(
        self, database: Database, *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._counting: dict[tuple[WorkspaceId, str, Why], _Counting] = {}

    async def count(self, workspace_id: WorkspaceId, subject: str, why: Why) -> None:
        """One more for this key or line."""
        counting = self._counting.setdefault((workspace_id, subject, why), _Counting())
        counting.unwritten += 1
        now = self._seconds()
        if now - counting.began >= _SECOND:
            counting.began, counting.written = now, 0
        if counting.unwritten < counting.written:
            return
        times, counting.unwritten = counting.unwritten, 0
        counting.written += times
        # Whoever is refused is told so, with or without the database.
        with suppress(Unavailable):
            await self._database.alone(
                workspace_id,
                *SQL["count_refusals"](
                    workspace=workspace_id, subject=subject, why=why.value, times=times
                ),
            )


async def forget_refusals(tx: Tx) -> None:
    """Forget what nobody looks at any more."""
    await tx.execute(*SQL["forget_refusals"](workspace=tx.workspace_id))
