"""The entries of a transcript, exactly as docs/api/desk.md promises them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from handoff.desk.objects import Shown, Time


class Author(Shown):
    """Who said it."""

    kind: Literal["customer", "bot", "operator", "system", "business"]
    id: str | None
    name: str | None


class OptionShown(Shown):
    """A button or row that was offered."""

    id: str
    title: str


class Media(Shown):
    """A file."""

    id: str
    url: str
    mime: str
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    state: Literal["pending", "ready", "failed"]


class EventShown(Shown):
    """A quiet line of the transcript."""

    code: str
    params: Mapping[str, Any]


class Failed(Shown):
    """Why a message was not delivered."""

    code: str
    text: str | None


class Delivery(Shown):
    """What became of a message that we sent."""

    state: str
    failed: Failed | None
    at: Time | None


class Message(Shown):
    """One entry of the transcript."""

    id: str
    conversation_id: str
    seq: int
    direction: Literal["in", "out"]
    author: Author
    at: Time
    type: str
    text: str | None
    options: Sequence[OptionShown]
    media: Media | None
    event: EventShown | None
    delivery: Delivery | None
    client_id: str | None
    reply_to: str | None


class MessagePage(Shown):
    """A stretch of a transcript, oldest first."""

    items: Sequence[Message]
    has_more: bool
