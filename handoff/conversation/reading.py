"""What the desk reads: lists, heads and transcripts, each only as far as this person may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from core.faults import Invalid
from core.ids import (
    ContactId,
    ConversationId,
    MediaId,
    MessageId,
    PersonId,
    QueueId,
)
from core.postgres import Tx
from core.queries import load
from handoff.conversation.model import ConversationUnknown
from handoff.routing.queues import queue_ids_of

SQL = load(Path(__file__).with_name("reading.sql"))

END_OF_TRANSCRIPT = 2**31 - 1


class View(StrEnum):
    """Which list."""

    MINE = "mine"
    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a person may see: their queues, and whatever they hold or held themselves."""

    person_id: PersonId
    queue_ids: frozenset[QueueId]
    phones: bool
    """With the right to read numbers whole."""

    def sees(self, row: "Row") -> bool:
        """Is this theirs to see?"""
        return row.queue_id in self.queue_ids or self.person_id in {
            row.operator_id,
            row.last_operator_id,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation as the desk lists it; `phone` is whole, mask it without the right."""

    conversation_id: ConversationId
    kind: str
    state: str
    epoch: int
    queue_id: QueueId
    queue_title: str
    operator_id: PersonId | None
    operator_name: str | None
    last_operator_id: PersonId | None
    contact_id: ContactId
    contact_name: str | None
    phone: str | None
    language: str
    channel_kind: str | None
    channel_name: str | None
    last_text: str | None
    last_type: str | None
    last_author: str | None
    last_at: datetime | None
    unread: int
    enqueued_at: datetime | None
    waiting_since: datetime | None
    reserved_until: datetime | None
    opened_at: datetime
    accepted_at: datetime | None
    wrapup_until: datetime | None
    closed_at: datetime | None
    closed_reason: str | None
    topic: str | None
    tags: Sequence[str]
    priority: int
    window_until: datetime | None
    card: Mapping[str, Any] | None
    summary: Mapping[str, Any] | None
    last_seq: int
    read_seq: int
    origin: UUID | None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a transcript: a message (`message_id`), or a quiet line (`event`)."""

    conversation_id: ConversationId
    seq: int
    event: Mapping[str, Any] | None
    author: str
    author_id: PersonId | None
    author_name: str | None
    at: datetime
    client_key: str | None
    message_id: MessageId | None
    direction: str | None
    type: str | None
    text: str | None
    content: Mapping[str, Any] | None
    reply_to: MessageId | None
    status: str | None
    failed_at: datetime | None
    failed_class: str | None
    failed_code: str | None
    media_mime: str | None
    media_name: str | None
    media_size: int | None
    media_state: str | None
    media_id: MediaId | None
    delivery_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list; `next_cursor` asks for the next one."""

    rows: Sequence[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a transcript, oldest first; `has_more` in the direction that was asked for."""

    lines: Sequence[Line]
    has_more: bool


async def sight_of(tx: Tx, person_id: PersonId, *, all_queues: bool, phones: bool) -> Sight:
    """What this person may see now."""
    queue_ids = await queue_ids_of(tx, person_id, everything=all_queues)
    return Sight(person_id, frozenset(queue_ids), phones)


async def listed(
    tx: Tx,
    sight: Sight,
    view: View,
    *,
    queue_id: QueueId | None = None,
    words: str | None = None,
    cursor: str | None = None,
    size: int = 50,
) -> Page:
    """A list, narrowed to one queue or to people whose name or number fits."""
    queues = [queue for queue in sight.queue_ids if queue_id in {None, queue}]
    values: dict[str, Any] = {"workspace": tx.workspace_id, "size": size + 1}
    if view in {View.MINE, View.WAITING}:
        skip = _number(cursor)
        whose = {"person": sight.person_id} if view is View.MINE else {"queues": queues}
        found = await tx.fetch(*SQL[view.value](skip=skip, **whose, **values))
        more = str(skip + size) if len(found) > size else None
    else:
        found = await tx.fetch(
            *SQL[view.value](
                queues=queues,
                # Narrowed to one queue, what is only mine by hand does not belong there.
                person=sight.person_id if queue_id is None else None,
                before=_uuid(cursor),
                contacts=await _contacts_like(tx, words) if words else None,
                **values,
            )
        )
        more = str(found[size - 1]["conversation_id"]) if len(found) > size else None
    ids = [row["conversation_id"] for row in found[:size]]
    return Page(await rows(tx, ids), more)


async def rows(tx: Tx, ids: Sequence[ConversationId]) -> list[Row]:
    """These conversations, in this order; whether they may be seen is the caller's to ask."""
    if not ids:
        return []
    fetched = await tx.fetch(*SQL["rows"](workspace=tx.workspace_id, conversations=list(ids)))
    by_id = {row["conversation_id"]: Row(**row) for row in fetched}
    return [by_id[one] for one in ids if one in by_id]


async def head(tx: Tx, sight: Sight, conversation_id: ConversationId) -> Row:
    """One conversation; raises ConversationUnknown when there is none that this person may see."""
    for row in await rows(tx, [conversation_id]):
        if sight.sees(row):
            return row
    raise ConversationUnknown


async def of_contact(tx: Tx, sight: Sight, contact_id: ContactId, *, size: int = 20) -> list[Row]:
    """What this person may see of the conversations with somebody, newest first."""
    found = await tx.fetch(
        *SQL["of_contact"](
            workspace=tx.workspace_id,
            contact=contact_id,
            queues=list(sight.queue_ids),
            person=sight.person_id,
            size=size,
        )
    )
    return await rows(tx, [row["conversation_id"] for row in found])


async def transcript(
    tx: Tx,
    conversation_id: ConversationId,
    *,
    after_seq: int | None = None,
    before_seq: int | None = None,
    size: int = 100,
) -> Stretch:
    """The lines after a number, or else the last ones before one; ask `head` first."""
    forward = after_seq is not None
    found = await tx.fetch(
        *SQL["transcript"](
            workspace=tx.workspace_id,
            conversation=conversation_id,
            after=after_seq or 0,
            before=END_OF_TRANSCRIPT if before_seq is None else before_seq,
            oldest_first=forward,
            size=size + 1,
        )
    )
    lines = [Line(**row) for row in found[:size]]
    return Stretch(lines if forward else lines[::-1], len(found) > size)


async def lines(tx: Tx, message_ids: Sequence[MessageId]) -> list[Line]:
    """These messages as their transcripts show them."""
    found = await tx.fetch(*SQL["lines"](workspace=tx.workspace_id, messages=list(message_ids)))
    return [Line(**row) for row in found]


async def _contacts_like(tx: Tx, words: str) -> list[ContactId]:
    digits = "".join(letter for letter in words if letter.isdigit())
    plain = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    found = await tx.fetch(
        *SQL["contacts_like"](workspace=tx.workspace_id, words=plain, digits=digits)
    )
    return [row["contact_id"] for row in found]


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > 9:  # noqa: PLR2004 - more does not fit an integer
        raise Invalid("This cursor is not one of ours.")
    return int(cursor)


def _uuid(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(cursor)
    except ValueError as wrong:
        raise Invalid("This cursor is not one of ours.") from wrong
