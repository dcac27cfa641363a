"""What calls that arrive together share: a few connections, and the statements that serve a group.

In each statement a place is one call. The rooms' own statements are woven into it, so that the usual
way and the long one write the same rows.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog
from prometheus_client import Histogram

from core.ids import WorkspaceId
from core.jobs.store import SQL as JOBS
from core.postgres import Database, Hint, Record, open_database
from core.weaving import Strand, Woven, only_where
from handoff.conversation.store import SQL as CHATS
from ivr_bridge import calls, store
from ivr_bridge.guard.sql import SQL as GUARD
from messaging import openings, posting

log = structlog.get_logger()

LOCK_TIMEOUT_MS = 50
"""Whoever must wait longer for a row that somebody holds waits alone."""

SHARED = Histogram(
    "ivr_bridge_calls_per_commit",
    "Calls that shared a transaction",
    ["step"],
    buckets=(1, 2, 4, 8, 16, 32),
)


@dataclass(frozen=True, slots=True)
class Shared:
    """The connections whose transactions callers share, for each step its own.

    A server process that runs one statement again and again finds its plan, and what the plan needs of
    the catalogue, still near the processor.
    """

    looking: Database
    opening: Database
    hanging_up: Database
    offering: Database
    hands: int
    """As many groups as a step has connections for can be served at once."""


@asynccontextmanager
async def open_shared(dsn: str, *, size: int, hint: Hint) -> AsyncIterator[Shared]:
    """`size` connections for each step."""

    async def of(step: str) -> Database:
        return await opened.enter_async_context(
            open_database(
                dsn,
                application=step,
                size=size,
                hint=hint,
                hot=True,
                lock_timeout_ms=LOCK_TIMEOUT_MS,
            )
        )

    async with AsyncExitStack() as opened:
        yield Shared(
            looking=await of("looking"),
            opening=await of("opening"),
            hanging_up=await of("hanging up"),
            offering=await of("offering"),
            hands=size,
        )


LOOK = Woven(
    "SELECT caller.*, person.* FROM caller JOIN person USING (place) ORDER BY caller.place",
    caller=Strand(calls.SQL["know_callers"]),
    person=Strand(openings.SQL["look_up"]),
)

# The count is safe in time although nobody waits for it: the opening that it is taken for commits after
# it, and takes it along to the disk.
COUNT_AND_LOOK = Woven(
    "SELECT caller.*, person.*, taken.kinds, taken.subjects, taken.hours, taken.days"
    "  FROM set_config('synchronous_commit', 'off', true) AS unwaited"
    " CROSS JOIN caller JOIN person USING (place)"
    " CROSS JOIN LATERAL ("
    "      SELECT array_agg(counted.kind) AS kinds, array_agg(counted.subject) AS subjects,"
    "             array_agg(counted.hour_from) AS hours, array_agg(counted.day_from) AS days"
    "        FROM unnest({counted.places}::bigint[], {counted.kinds}::text[],"
    "                    {counted.subjects}::bytea[]) AS asked (place, kind, subject)"
    "        JOIN counted ON counted.kind = asked.kind AND counted.subject = asked.subject"
    "       WHERE asked.place = caller.place) AS taken"
    " ORDER BY caller.place",
    caller=Strand(calls.SQL["know_callers"]),
    person=Strand(openings.SQL["look_up"]),
    counted=Strand(GUARD["take_velocity"]),
)

# Each place is one call. A chat is only born for a call that has no attempt, and everything else only
# for a chat that is born: what meets another case is left out, and the others of the group go on.
_BORN = "SELECT conversation_id FROM chat"
OPEN = Woven(
    "SELECT reach.place, reach.contact_id, reach.address_id, reach.thread_id"
    "  FROM unnest({attempt.deflections}::uuid[]) WITH ORDINALITY AS asked (deflection_id, place)"
    "  JOIN attempt ON attempt.deflection_id = asked.deflection_id"
    "  JOIN reach ON reach.place = asked.place",
    call=Strand(calls.SQL["take_up_calls"]),
    reach=Strand(openings.SQL["reach"]),
    chat=Strand(
        CHATS["begin"],
        conversations=only_where("SELECT call_ref FROM call", "call.call_refs"),
        contacts="(SELECT array_agg(contact_id ORDER BY place) FROM reach)",
        threads=openings.REACHED["threads"],
    ),
    message=Strand(
        openings.SQL["say"],
        messages=only_where(_BORN, "chat.conversations"),
        **openings.REACHED,
    ),
    jobs=Strand(JOBS["enqueue"], job_ids=only_where(_BORN, "chat.conversations")),
    attempt=Strand(
        store.SQL["add"],
        deflections=only_where(_BORN, "chat.conversations"),
        contacts="(SELECT array_agg(contact_id ORDER BY place) FROM reach)",
    ),
)

# The message's row is locked first, as everywhere: what its update returned had neither failed nor
# been reported about, and only then the decision is made.
HANG_UP = Woven(
    "SELECT deflection_id FROM decision",
    letter=Strand(posting.SQL["record_plainly"]),
    decision=Strand(
        store.SQL["decide"],
        deflections=only_where("SELECT message_id FROM letter", "letter.messages"),
    ),
    rescue=Strand(
        JOBS["enqueue"],
        job_ids=only_where("SELECT deflection_id FROM decision", "decision.deflections"),
    ),
)


async def all_at_once(
    database: Database, workspace_id: WorkspaceId, statement: Sequence[object]
) -> Sequence[Record]:
    """The rows of those who went the usual way. Where the statement fails as a whole nothing of it is
    kept, and each goes the long way by itself: whom it failed for meets nobody else there.
    """
    query, *arguments = statement
    try:
        return await database.alone(workspace_id, str(query), *arguments)
    except asyncpg.PostgresError as unfit:
        log.warning("usual.divided", error=type(unfit).__name__)
        return ()
