"""The objects of the desk's API, exactly as docs/api/desk.md promises them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer, RootModel


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]


class Shown(BaseModel):
    """Something that leaves the service."""

    model_config = ConfigDict(frozen=True)


class Queue(Shown):
    """Where conversations wait for a team."""

    id: str
    name: str
    title: str
    waiting: int
    reservation_s: int
    wrapup_s: int
    open: bool


class Presence(Shown):
    """Whether a person can take work."""

    declared: Literal["online", "busy", "break", "offline"]
    reason: str | None
    link: Literal["connected", "grace", "lost"]
    not_responding: bool
    load: int
    capacity: int
    since: Time


class Named(Shown):
    """A person by name."""

    id: str
    name: str


class Titled(Shown):
    """A queue by title."""

    id: str
    title: str


class ContactBrief(Shown):
    """Who the conversation is with."""

    id: str
    name: str | None
    phone: str | None
    language: str | None


class ChannelBrief(Shown):
    """Where it is held."""

    kind: str
    name: str


class Last(Shown):
    """The last words."""

    text: str
    author: str
    at: Time


class Viewer(Shown):
    """Who looks at a conversation now."""

    id: str
    name: str
    typing: bool


class CardLine(Shown):
    """The line that was dialled."""

    number: str
    title: str


class CalledAgain(Shown):
    """The customer has called again since."""

    at: Time
    calls: int
    within_s: int


class Returning(Shown):
    """How far the way back to the telephone has come."""

    state: str
    at: Time
    asked_by: str | None
    queued_at: Time | None


class CallCard(Shown):
    """The call behind a conversation."""

    call_id: str
    line: CardLine
    caller: str | None
    at: Time
    ivr_path: Sequence[str]
    digits: str | None
    intent: str | None
    voice_wait_s: int | float | None
    queue_position: int | None
    context: Mapping[str, Any]
    deflection_id: str | None
    earlier_calls: int
    outcome: str | None
    rescue: bool
    may_return: bool
    returning: Returning | None
    tries: int
    next_try_at: Time | None
    called_again: CalledAgain | None


class Summary(Shown):
    """What the bot learnt."""

    language: str | None
    slots: Mapping[str, Any]
    path: Sequence[str]
    reason: str | None


class Conversation(Shown):
    """A row of the list and the head of a thread."""

    id: str
    kind: Literal["chat", "callback"]
    state: str
    epoch: int
    queue: Titled | None
    operator: Named | None
    contact: ContactBrief
    channel: ChannelBrief
    last: Last | None
    unread: int
    enqueued_at: Time | None
    waiting_since: Time | None
    reserved_until: Time | None
    wrapup_until: Time | None
    opened_at: Time | None
    closed_at: Time | None
    closed_reason: str | None
    topic: str | None
    tags: Sequence[str]
    priority: int
    window_until: Time | None
    viewers: Sequence[Viewer]
    call: CallCard | None
    last_seq: int
    summary: Summary | None


class Reservation(Shown):
    """A conversation held out to the person who asks."""

    id: str
    conversation: Conversation
    reason: str | None
    waiting_s: int
    expires_at: Time
    server_now: Time


class Address(Shown):
    """One way to reach a person."""

    kind: str
    value: str


class Contact(Shown):
    """A person at the far end, with what we know of them."""

    id: str
    name: str | None
    phone: str | None
    language: str | None
    addresses: Sequence[Address]
    tags: Sequence[str]
    attributes: Mapping[str, Any]
    opted_out: bool
    conversations: Sequence[Conversation]


class Template(Shown):
    """An approved template, for the picker."""

    name: str
    language: str
    body: str
    parameters: Sequence[str]
    channel: str


class ConversationPage(Shown):
    """A stretch of a list."""

    items: Sequence[Conversation]
    next_cursor: str | None


class Queues(RootModel[list[Queue]]):
    """The queues in sight."""


class Titles(BaseModel):
    """Names and what people call them, by language."""

    titles: Mapping[str, Mapping[str, str]]


class Templates(RootModel[list[Template]]):
    """Templates that may be sent."""
