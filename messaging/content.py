"""What can be said in a message, free of any channel's wire format."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.ids import MediaId


class ContentType(StrEnum):
    """The shapes of a message, on every channel."""

    TEXT = "text"
    TEMPLATE = "template"
    BUTTONS = "buttons"
    LIST = "list"
    CHOICE = "choice"
    IMAGE = "image"
    DOCUMENT = "document"
    AUDIO = "audio"
    VIDEO = "video"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    REACTION = "reaction"
    UNSUPPORTED = "unsupported"


MEDIA_TYPES = frozenset(
    {
        ContentType.IMAGE,
        ContentType.DOCUMENT,
        ContentType.AUDIO,
        ContentType.VIDEO,
        ContentType.STICKER,
    }
)


@dataclass(frozen=True, slots=True)
class Option:
    """A button or list row. The id routes; the title is only for eyes."""

    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateUse:
    """One use of an approved template."""

    name: str
    language: str
    parameters: tuple[str, ...] = ()
    button_payloads: tuple[str, ...] = ()
    ttl_s: int | None = None
    parameter_names: tuple[str, ...] = ()
    """Parallel to `parameters`, for a template whose parameters have names."""
    url_suffixes: tuple[str, ...] = ()
    """What completes each URL button; they stand after the quick replies. Empty for a fixed URL."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is said. `text` is the words, the caption, or the template as the customer reads it."""

    type: ContentType
    text: str | None = None
    options: tuple[Option, ...] = ()
    list_button: str | None = None
    media_id: MediaId | None = None
    template: TemplateUse | None = None
    choice: str | None = None
    location: tuple[float, float] | None = None
    emoji: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
