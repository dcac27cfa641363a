"""Transcript tests: what a customer does, line by line, and what must come of it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from handoff.triage.parts import LanguageCode, Name, Part, TagName


class Move(Part):
    """One thing the customer does, and what is expected right after it."""

    write: str | None = None
    tap: str | None = None
    send: str | None = None

    node: Name | None = None
    slots: dict[Name, str] | None = None
    tags: tuple[TagName, ...] | None = None
    topic: str | None = None
    language: LanguageCode | None = None
    says: tuple[str, ...] = ()
    end: Literal["handoff", "solved", "unsolved", "stopped", "not_me"] | None = None
    queue: str | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        if sum(action is not None for action in (self.write, self.tap, self.send)) != 1:
            raise ValueError("a step is one of write: words, tap: option, send: image")
        return self


class Transcript(Part):
    """A conversation that must go the same way in every version."""

    name: str = Field(min_length=1)
    language: LanguageCode | None = None
    context: dict[str, str] = Field(default_factory=dict)
    steps: tuple[Move, ...] = Field(min_length=1)
