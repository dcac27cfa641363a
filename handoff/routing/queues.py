"""Where conversations wait for a team, and who that team is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.faults import NotFound
from core.ids import PersonId, QueueId, new_id
from core.postgres import Tx
from core.queries import load

SQL = load(Path(__file__).with_name("queues.sql"))

log = structlog.get_logger()

USUAL_HANDLING_S = 300.0
"""How long a chat takes an operator, where none was closed yet."""


class QueueUnknown(NotFound, code="queue_unknown"):
    """There is no such queue, or it is not yours to see."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's settings."""

    queue_id: QueueId
    name: str
    title: str
    open: bool
    priority: int
    reservation_s: int
    unanswered_s: int
    wrapup_s: int
    reopen_s: int
    grace_s: int


@dataclass(frozen=True, slots=True)
class QueueDraft:
    """What a workspace file says about a queue."""

    name: str
    title: str
    open: bool = True
    priority: int = 0
    reservation_s: int = 30
    unanswered_s: int = 180
    wrapup_s: int = 30
    reopen_s: int = 86400
    grace_s: int = 60
    default: bool = False


@dataclass(frozen=True, slots=True)
class WaitFacts:
    """What a guess at the wait is made from."""

    waiting: int
    capacity: int
    free: int
    handling_s: float | None


async def put_queue(tx: Tx, draft: QueueDraft) -> QueueId:
    """Make it so, whether or not it exists."""
    found = await tx.fetchval(
        *SQL["put_queue"](
            workspace=tx.workspace_id,
            queue=new_id(),
            name=draft.name,
            title=draft.title,
            open=draft.open,
            priority=draft.priority,
            reservation_s=draft.reservation_s,
            unanswered_s=draft.unanswered_s,
            wrapup_s=draft.wrapup_s,
            reopen_s=draft.reopen_s,
            grace_s=draft.grace_s,
        )
    )
    queue_id = QueueId(found)
    if draft.default:
        await tx.execute(*SQL["forget_default"](workspace=tx.workspace_id, queue=queue_id))
        await tx.execute(*SQL["set_default"](workspace=tx.workspace_id, queue=queue_id))
    return queue_id


async def put_members(tx: Tx, queue_id: QueueId, operators: Sequence[PersonId]) -> None:
    """These people serve the queue, and nobody else."""
    values = {"workspace": tx.workspace_id, "queue": queue_id, "operators": list(operators)}
    await tx.execute(*SQL["drop_members"](**values))
    await tx.execute(*SQL["put_members"](**values))
    tx.wake(f"desk:{tx.workspace_id}")


async def ensure_default(tx: Tx) -> bool:
    """Give a workspace without queues one; True when that was needed."""
    made = await tx.fetchval(*SQL["ensure_default"](workspace=tx.workspace_id, queue=new_id()))
    if made is not None:
        log.warning("queue.default_made", workspace_id=tx.workspace_id, queue_id=str(made))
    return made is not None


async def queue(tx: Tx, queue_id: QueueId) -> Queue:
    """One queue's settings; raises QueueUnknown."""
    row = await tx.fetchrow(*SQL["queue"](workspace=tx.workspace_id, queue=queue_id))
    if row is None:
        raise QueueUnknown
    return Queue(**row)


async def queue_named(tx: Tx, name: str | None) -> Queue:
    """The queue of this name, or else the default one, which is made when there is none."""
    statement = SQL["queue_named"](workspace=tx.workspace_id, name=name or "")
    row = await tx.fetchrow(*statement)
    if row is None:
        await ensure_default(tx)
        row = await tx.fetchrow(*statement)
    if row is None:
        raise QueueUnknown
    return Queue(**row)


async def queue_ids_of(tx: Tx, person_id: PersonId, *, everything: bool) -> list[QueueId]:
    """The queues whose conversations this person may see."""
    rows = await tx.fetch(
        *SQL["queue_ids_of"](workspace=tx.workspace_id, person=person_id, everything=everything)
    )
    return [row["queue_id"] for row in rows]


async def chat_wait_s(tx: Tx, queue_name: str) -> float | None:
    """How long somebody who chats now would wait for a person; None when nobody is there to answer."""
    facts = await wait_facts(tx, queue_name)
    return None if facts is None else expected_wait_s(facts)


async def wait_facts(tx: Tx, queue_name: str) -> WaitFacts | None:
    """Who waits and who works in the queue of this name, or else the default one."""
    row = await tx.fetchrow(*SQL["wait_facts"](workspace=tx.workspace_id, name=queue_name))
    return None if row is None else WaitFacts(**row)


def expected_wait_s(facts: WaitFacts) -> float | None:
    """Everyone ahead, and then you, through the hands that work."""
    if facts.capacity == 0:
        return None
    if facts.free > facts.waiting:
        return 0.0
    ahead = facts.waiting - facts.free + 1
    handling_s = USUAL_HANDLING_S if facts.handling_s is None else facts.handling_s
    return ahead * handling_s / facts.capacity
