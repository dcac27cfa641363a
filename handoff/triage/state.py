"""What the engine takes and gives: the customer's turn, the remembered state, the step's outcome."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from handoff.triage.says import Say

OPENING_CONTINUE = "c:"
"""The opening template's button *Continue* begins so; a token may follow."""

OPENING_NOT_ME = "n:"
"""The opening template's button *Not me* begins so; a token may follow."""

MAX_HISTORY = 20


# -- what the customer did -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The opening was sent: the bot stays silent until the customer taps or writes."""


@dataclass(frozen=True, slots=True)
class Text:
    """What the customer wrote; a burst of messages is one text of several lines."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The id of a button or list row. Its title is never looked at."""

    id: str


@dataclass(frozen=True, slots=True)
class Media:
    """Something that cannot be read as words: `image`, `audio`, `location` …"""

    kind: str


Turn = Started | Text | Choice | Media


# -- what the bot remembers ------------------------------------------------------------------------


class Over(StrEnum):
    """Why the bot is silent for good."""

    HANDOFF = "handoff"
    END = "end"


@dataclass(frozen=True, slots=True)
class BotState:
    """Everything the bot knows about one conversation; plain values, kept as JSON."""

    version: str
    language: str
    context: Mapping[str, str] = field(default_factory=dict)
    node: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    misses: int = 0
    retries: int = 0
    turns: int = 0
    history: tuple[str, ...] = ()
    resume: str | None = None
    tags: tuple[str, ...] = ()
    topic: str | None = None
    over: Over | None = None

    def to_json(self) -> str:
        """The form that is stored."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, stored: str | bytes) -> Self:
        """The state as it was stored; raises `ValueError` on anything else."""
        try:
            raw: dict[str, Any] = json.loads(stored)
            raw["history"] = tuple(raw.get("history", ()))
            raw["tags"] = tuple(raw.get("tags", ()))
            raw["over"] = Over(raw["over"]) if raw.get("over") else None
            return cls(**raw)
        except (TypeError, AttributeError) as error:
            raise ValueError("this is no stored bot state") from error


# -- what comes of a turn --------------------------------------------------------------------------


class Reason(StrEnum):
    """Why the bot gave the conversation to people."""

    FLOW = "flow"
    ASKED = "asked"
    MISSES = "misses"
    TURNS = "turns"
    VISITS = "visits"
    VERSION = "version"
    FAULT = "fault"
    VOICE = "voice"
    """The customer is to be called; people have the chat until that is arranged."""


class Closing(StrEnum):
    """How a conversation that the bot closed ended."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    STOPPED = "stopped"
    NOT_ME = "not_me"


@dataclass(frozen=True, slots=True)
class Continue:
    """The bot waits for the customer's next message."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """People take over; without a queue the workspace's default one does."""

    queue: str | None
    skill: str | None
    priority: int
    tags: tuple[str, ...]
    reason: Reason
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The bot closes the conversation."""

    closing: Closing
    tags: tuple[str, ...] = ()
    topic: str | None = None


Outcome = Continue | Handoff | End


@dataclass(frozen=True, slots=True)
class Step:
    """One turn played: what to remember, what to say, who holds the conversation, and why."""

    state: BotState
    says: tuple[Say, ...]
    outcome: Outcome
    trace: tuple[str, ...] = ()
