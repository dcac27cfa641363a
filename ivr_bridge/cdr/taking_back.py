"""An import taken back: what the file told is unsaid, and what followed from it is found anew.

An event is known by its call, its kind and its moment, so the same file, read in the same way, names
exactly what it brought; nothing about imports needs to be kept. What had left the house by then (a
call-back that was called off) stays as it is.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO
from uuid import UUID

from core.ids import WorkspaceId
from core.postgres import Database, Tx
from core.queries import load
from ivr_bridge import calls
from ivr_bridge.events import Recorded, Told

SQL = load(Path(__file__).with_name("taking_back.sql"))

_BATCH = 500


class TakingBack:
    """The calls that were touched wait in a file until the whole of it is unsaid: later records of a
    call find their line by it.
    """

    def __init__(self, touched: IO[str]) -> None:
        self._touched = touched

    async def unsay(self, tx: Tx, told: Sequence[Told]) -> Recorded:
        """Remove these events; `fresh` are those that were there."""
        named = {
            "workspace": tx.workspace_id,
            "lines": [event.line.line_id for event in told],
            "call_ids": [event.call_id for event in told],
            "callers": [event.caller for event in told],
        }
        refs = [row["call_ref"] for row in await tx.fetch(*SQL["calls_of_records"](**named))]
        rows = await tx.fetch(
            *SQL["unsay_events"](
                **named,
                indexes=list(range(len(told))),
                events=[event.event.event for event in told],
                event_keys=[event.key for event in told],
            )
        )
        fewer = {
            "workspace": tx.workspace_id,
            "call_refs": sorted({row["call_ref"] for row in rows}),
        }
        await tx.execute(*SQL["sum_up_again"](**fewer))
        await tx.execute(*SQL["forget_ends"](**fewer))
        await tx.fetch(*calls.SQL["facts_of_ends"](**fewer))
        self._touched.writelines(f"{ref}\n" for ref in refs)
        return Recorded([told[row["index"]] for row in rows], (), {})

    async def forget_calls(self, database: Database, workspace_id: WorkspaceId) -> None:
        """Remove the calls of which nobody else has told anything, and returns that only they showed."""
        self._touched.seek(0)
        while refs := [UUID(line.strip()) for line in islice(self._touched, _BATCH)]:
            async with database.workspace(workspace_id) as tx:
                rows = await tx.fetch(*SQL["forget_calls"](workspace=workspace_id, call_refs=refs))
                left = sorted({row["call_ref"] for row in rows})
                await tx.fetch(*calls.SQL["callers_back"](workspace=workspace_id, call_refs=left))


@contextmanager
def taking_back() -> Iterator[TakingBack]:
    """Ready to unsay."""
    with tempfile.TemporaryFile("w+", encoding="ascii") as touched:
        yield TakingBack(touched)
