"""Rows in the desk's words: each read answers objects as one person may see them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from core.ids import ContactId, ConversationId, PersonId, public
from core.postgres import Tx
from core.queries import load
from handoff.conversation.model import ConversationUnknown
from handoff.desk import objects, said, shown, transcript
from handoff.desk.rows import (
    ConversationRow,
    MessageRow,
    Place,
    PresenceRow,
    QueueRow,
    ReservationRow,
    ViewerRow,
)
from handoff.desk.said import MediaUrl
from handoff.desk.sight import Sight

SQL = load(Path(__file__).with_name("desk.sql"))

Entry = tuple[ConversationId, int]
"""One place of one transcript."""


async def place(tx: Tx, sight: Sight, conversation_id: ConversationId) -> Place:
    """Where this conversation stands; raises ConversationUnknown when it is out of sight."""
    row = await tx.fetchrow(
        *SQL["place_of"](workspace=tx.workspace_id, conversation=conversation_id)
    )
    if row is None or not sight.sees(row["queue_id"], row["operator_id"]):
        raise ConversationUnknown
    return Place(**row)


async def conversation_rows(
    tx: Tx, ids: Iterable[ConversationId]
) -> Mapping[ConversationId, ConversationRow]:
    """These conversations, by id."""
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await tx.fetch(*SQL["conversations"](workspace=tx.workspace_id, conversations=wanted))
    return {row["conversation_id"]: ConversationRow(**row) for row in rows}


async def viewers(
    tx: Tx, ids: Iterable[ConversationId], now: datetime
) -> Mapping[ConversationId, list[objects.Viewer]]:
    """Who looks at these conversations; an empty list where nobody does."""
    wanted = list(ids)
    found: dict[ConversationId, list[objects.Viewer]] = {one: [] for one in wanted}
    if wanted:
        rows = await tx.fetch(*SQL["viewers"](workspace=tx.workspace_id, conversations=wanted))
        for row in rows:
            found[row["conversation_id"]] += shown.viewers([ViewerRow(**row)], now)
    return found


async def conversations(
    tx: Tx, sight: Sight, ids: Sequence[ConversationId], now: datetime
) -> list[objects.Conversation]:
    """These conversations in this order, without those out of sight."""
    rows = await conversation_rows(tx, ids)
    looking = await viewers(tx, ids, now)
    return [
        shown.conversation(row, looking[one], see_phone=sight.see_phone)
        for one in ids
        if (row := rows.get(one)) is not None and sight.sees(row.queue_id, row.operator_id)
    ]


async def conversation(
    tx: Tx, sight: Sight, conversation_id: ConversationId, now: datetime
) -> objects.Conversation:
    """One conversation; raises ConversationUnknown when it is out of sight."""
    found = await conversations(tx, sight, [conversation_id], now)
    if not found:
        raise ConversationUnknown
    return found[0]


async def messages(
    tx: Tx, entries: Iterable[Entry], media_url: MediaUrl
) -> list[transcript.Message]:
    """These entries, ordered within their transcripts."""
    wanted = list(entries)
    if not wanted:
        return []
    rows = await tx.fetch(
        *SQL["messages"](
            workspace=tx.workspace_id,
            conversations=[conversation_id for conversation_id, _ in wanted],
            seqs=[seq for _, seq in wanted],
        )
    )
    return [said.message(MessageRow(**row), media_url) for row in rows]


async def reservations(
    tx: Tx, sight: Sight, rows: Sequence[ReservationRow], now: datetime
) -> list[objects.Reservation]:
    """What these rows hold out to this person, unless it went elsewhere meanwhile."""
    found = await conversations(tx, sight, [row.conversation_id for row in rows], now)
    held_out = {one.id: one for one in found}
    return [
        shown.reservation(row, one, now)
        for row in rows
        if (one := held_out.get(public("cv", row.conversation_id))) is not None
    ]


async def pending(tx: Tx, person_id: PersonId) -> list[ReservationRow]:
    """What is held out to this person now."""
    rows = await tx.fetch(*SQL["pending"](workspace=tx.workspace_id, person=person_id))
    return [ReservationRow(**row) for row in rows]


async def presence(tx: Tx, people: Iterable[PersonId]) -> Mapping[PersonId, objects.Presence]:
    """How these people stand; those who never opened a desk are not there."""
    rows = await tx.fetch(*SQL["presence"](workspace=tx.workspace_id, people=list(people)))
    return {row["operator_id"]: shown.presence(PresenceRow(**row)) for row in rows}


async def queue_rows(tx: Tx) -> list[QueueRow]:
    """Every queue of the workspace."""
    rows = await tx.fetch(*SQL["queues"](workspace=tx.workspace_id))
    return [QueueRow(**row) for row in rows]


async def queues(tx: Tx, sight: Sight) -> list[objects.Queue]:
    """The queues in this person's sight."""
    return [
        shown.queue(row)
        for row in await queue_rows(tx)
        if sight.everything or row.queue_id in sight.queues
    ]


async def conversations_of(
    tx: Tx, sight: Sight, contact_id: ContactId, limit: int
) -> list[ConversationId]:
    """A contact's conversations in this person's sight, newest first."""
    rows = await tx.fetch(
        *SQL["conversations_of_contact"](
            workspace=tx.workspace_id,
            contact=contact_id,
            everything=sight.everything,
            queues=list(sight.queues),
            person=sight.person_id,
            limit=limit,
        )
    )
    return [row["conversation_id"] for row in rows]
