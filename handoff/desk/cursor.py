"""How far a desk has seen: opaque to browsers, and worth nothing under other rights or in another
database.

Rows carry the number of the transaction that last changed them. Whoever read at a moment when every
transaction before N had ended needs, next time, only rows whose number is at least N: what a slower
transaction commits later carries a larger number, so nothing falls between.
"""

import hashlib
import re
from dataclasses import dataclass

from core.postgres import Tx
from handoff.desk.live_sql import SQL
from handoff.desk.sight import Sight

LASTS_S = 900
"""Whoever was away longer gets a snapshot: it is shorter than the story."""

_WRITTEN = re.compile(r"(?P<done_to>\d{1,19})\.(?P<at>\d{1,12})\.(?P<mark>[0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Moment:
    """What the database knew to be done when it was asked."""

    done_to: str
    begun_to: str
    lineage: str
    at: int

    def cursor(self, sight: Sight) -> str:
        """What a desk with this sight is to come back with."""
        return f"{self.done_to}.{self.at}.{self._mark(sight)}"

    def since(self, cursor: str, sight: Sight) -> str | None:
        """The transaction from which a desk must be told; None when it needs a snapshot instead."""
        written = _WRITTEN.fullmatch(cursor)
        if written is None or written["mark"] != self._mark(sight):
            return None
        if not 0 <= self.at - int(written["at"]) <= LASTS_S:
            return None
        if int(written["done_to"]) > int(self.begun_to):
            return None
        return written["done_to"]

    def _mark(self, sight: Sight) -> str:
        return hashlib.sha256(f"{self.lineage}\n{sight.mark}".encode()).hexdigest()[:16]


async def moment(tx: Tx) -> Moment:
    """Ask this before anything that the cursor is to vouch for."""
    row = await tx.fetchrow(*SQL["moment"]())
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    return Moment(**row)
