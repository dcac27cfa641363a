"""What every verb dialect can say, and where it is said.

A verb dialect has no "do nothing": the document that an IVR is given is all that happens next. So
`continue` goes to the line's `continue_to`, or ends the document where the platform's own flow goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, Self

from ivr_bridge.dialects.saying import Words, legal

GATHER_S = 5
"""So long an offer waits for a key after its last word; then silence is no answer."""
FILLER_S = 2
POLL_WAIT_MS = 5000


class Way(StrEnum):
    """How a call goes on elsewhere."""

    DOCUMENT = "document"
    NUMBER = "number"
    SIP = "sip"


@dataclass(frozen=True, slots=True)
class Destination:
    """A line's `continue_to`, understood."""

    way: Way
    address: str

    @classmethod
    def of(cls, text: str | None) -> Self | None:
        """A URL of the platform's own document, a SIP address, or a number to dial."""
        plain = legal(text or "").strip()
        if not plain:
            return None
        lowered = plain.lower()
        if lowered.startswith(("http://", "https://")):
            return cls(Way.DOCUMENT, plain)
        if lowered.startswith(("sip:", "sips:")):
            return cls(Way.SIP, plain)
        return cls(Way.NUMBER, plain[4:] if lowered.startswith("tel:") else plain)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a document is played, and how it comes back."""

    language: str
    continues: Destination | None = None
    question: str = ""
    """The address that asks for the offer again."""
    answer: str = ""
    """The address that takes the key press."""
    follow: str = ""
    """The address that tells what became of the attempt."""
    again_s: int | None = None
    """The caller waits in the platform's queue: ask again after so many seconds."""
    waiting: bool = False
    """The caller stands in a queue whose document may only be played, or leave it."""
    hold_music: str | None = None
    call: Mapping[str, str] = field(default_factory=dict)
    """What the platform must tell again, where it does not by itself."""


class VerbDialect(Protocol):
    """A language in which platforms are told what to do. Every document is complete and closed."""

    content_type: str

    def offer(self, scene: Scene, words: Words) -> str:
        """Ask the question; the key press goes to `scene.answer`, silence goes on."""

    def hangup(self, scene: Scene, words: Words) -> str:
        """Say goodbye and end the call: the only document that does."""

    def poll(self, scene: Scene, words: Words | None) -> str:
        """Say that it takes a moment, once, and come back to `scene.follow`."""

    def proceed(self, scene: Scene, words: Words | None) -> str:
        """The call goes on, with a word about it where one is owed."""
