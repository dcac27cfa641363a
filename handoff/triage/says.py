"""What the bot says, free of any channel, and never larger than the tightest channel takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from messaging.content import Content, ContentType, Option

# WhatsApp Cloud API, interactive and text messages; the other channels allow at least as much.
MAX_BUTTONS = 3
MAX_BUTTON_TITLE = 20
MAX_ROWS = 10
MAX_ROW_TITLE = 24
MAX_ROW_DESCRIPTION = 72
MAX_LIST_BUTTON = 20
MAX_BODY = 1024
MAX_TEXT = 4096

BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Say:
    """One message: words, with buttons, or with a list when `list_button` opens one."""

    text: str
    options: tuple[Option, ...] = ()
    list_button: str | None = None

    def content(self) -> Content:
        """As the outbox takes it."""
        if not self.options:
            return Content(ContentType.TEXT, text=self.text)
        shape = ContentType.LIST if self.list_button else ContentType.BUTTONS
        return Content(shape, text=self.text, options=self.options, list_button=self.list_button)


def width(text: str) -> int:
    """Length in UTF-16 units: an emoji counts twice, which is how strict clients count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if width(text) <= limit:
        return text
    kept = text[: limit - 1]
    while width(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def merged(says: Iterable[Say]) -> tuple[Say, ...]:
    """Neighbouring texts joined into one message, since providers charge for each (WhatsApp, 2026)."""
    joined: list[Say] = []
    for say in says:
        if not say.text:
            continue
        before = joined[-1] if joined else None
        limit = MAX_BODY if say.options else MAX_TEXT
        if before and not before.options:
            text = before.text + BETWEEN + say.text
            if width(text) <= limit:
                joined[-1] = Say(text, say.options, say.list_button)
                continue
        joined.append(Say(clip(say.text, limit), say.options, say.list_button))
    return tuple(joined)
