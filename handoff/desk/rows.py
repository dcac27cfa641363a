"""What the desk's statements answer with, one type a statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ids import ContactId, ConversationId, MediaId, MessageId, PersonId, QueueId, ReservationId


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation with everything that stands on its row of the list."""

    conversation_id: ConversationId
    kind: str
    state: str
    epoch: int
    queue_id: QueueId
    queue_title: str
    operator_id: PersonId | None
    operator_name: str | None
    contact_id: ContactId
    contact_name: str | None
    contact_phone: str | None
    contact_language: str | None
    channel_kind: str | None
    channel_name: str | None
    last_type: str | None
    last_text: str | None
    last_author: str | None
    last_at: datetime | None
    unread: int
    enqueued_at: datetime | None
    waiting_since: datetime | None
    reserved_until: datetime | None
    wrapup_until: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    closed_reason: str | None
    topic: str | None
    tags: Sequence[str]
    priority: int
    window_until: datetime | None
    card: Mapping[str, Any] | None
    last_seq: int
    summary: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """One person's look at one conversation."""

    conversation_id: ConversationId
    person_id: PersonId
    name: str
    typing_until: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One entry of a transcript, with the message behind it when it is one."""

    conversation_id: ConversationId
    seq: int
    event: Mapping[str, Any] | None
    author: str
    author_id: UUID | None
    author_name: str | None
    client_key: str | None
    at: datetime
    message_id: MessageId | None
    direction: str | None
    type: str | None
    text: str | None
    content: Mapping[str, Any] | None
    reply_to: MessageId | None
    status: str | None
    status_at: datetime | None
    failed_class: str | None
    failed_code: str | None
    media_id: MediaId | None
    media_mime: str | None
    media_name: str | None
    media_size: int | None
    media_width: int | None
    media_height: int | None
    media_state: str | None


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A reservation, for the one it is held out to."""

    reservation_id: ReservationId
    conversation_id: ConversationId
    operator_id: PersonId
    status: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """An operator's presence."""

    operator_id: PersonId
    declared: str
    reason: str | None
    link: str
    not_responding: bool
    load: int
    capacity: int
    since: datetime


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue and how many wait in it."""

    queue_id: QueueId
    name: str
    title: str
    open: bool
    reservation_s: int
    wrapup_s: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stands: what decides who may see it."""

    conversation_id: ConversationId
    queue_id: QueueId
    operator_id: PersonId | None
    last_seq: int


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One way to reach a contact."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """An approved template."""

    name: str
    language: str
    body: str
    parameters: Sequence[str]
    channel: str
