"""What a line's file may say about who is offered a messenger, and when."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ivr_bridge.policy.hours import Hours

Name = Annotated[str, Field(min_length=1, max_length=200)]
PromptVersion = Annotated[str, Field(min_length=1, max_length=64)]

_MONTH_S = 30 * 86_400


class Part(BaseModel):
    """Unknown words are refused: a misspelt rule must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Peak(Part):
    """When the line is busy enough for an offer: any one of these is reached."""

    voice_wait_s: int | None = Field(None, ge=1, le=86_400)
    queue_position: int | None = Field(None, ge=1, le=100_000)
    calls: int | None = Field(None, ge=1, le=100_000)
    """Calls on the line within the last `calls_within_min` minutes."""
    calls_within_min: int = Field(10, ge=1, le=60)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.voice_wait_s is None and self.queue_position is None and self.calls is None:
            raise PydanticCustomError(
                "peak_empty", "a peak needs voice_wait_s, queue_position or calls"
            )
        return self


class Chat(Part):
    """When chat is the better place to wait."""

    faster_by_s: int | None = Field(None, ge=0, le=3600)
    """The wait in chat, and this margin, must be shorter than the wait on the line."""
    max_waiting: int | None = Field(None, ge=0, le=100_000)
    max_wait_s: int | None = Field(None, ge=0, le=86_400)
    staffed: bool = False
    """Somebody must be at work in the line's queue."""


class Intents(Part):
    """What callers may want who are offered a chat; as the IVR names it, in any case."""

    only: tuple[Name, ...] = ()
    never: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _contradict_nothing(self) -> Self:
        both = {name.casefold() for name in self.only} & {name.casefold() for name in self.never}
        if both:
            raise PydanticCustomError(
                "intents_contradict",
                "{intents} stands under both only and never",
                {"intents": ", ".join(sorted(both))},
            )
        return self


class ConsentTerms(Part):
    """Which prompts count as having asked."""

    prompt_versions: tuple[PromptVersion, ...] = ()
    """Versions that an IVR may name; none means any."""


class Cap(Part):
    """No more than so many in this time."""

    at_most: int = Field(ge=1, le=20)
    within_s: int = Field(ge=60, le=_MONTH_S * 3)

    def shown(self) -> dict[str, Any]:
        """As a trace shows it."""
        return {"at_most": self.at_most, "within_s": self.within_s}


class Offers(Part):
    """How often one caller is asked."""

    every_s: int = Field(60, ge=0, le=3600)
    """Within one call, not sooner than this after the last offer."""
    per_call: int | None = Field(None, ge=1, le=50)
    ignored: Cap | None = None
    """Who let this many calls' offers pass in this time is asked no more until it is over."""


class Drawn(Part):
    """A part of the callers, the same ones for a period, then others."""

    of: float = Field(ge=0, le=1)
    period_days: int = Field(30, ge=1, le=366)

    def shown(self) -> dict[str, Any]:
        """As a trace shows it."""
        return {"of": self.of, "period_days": self.period_days}


class HoldOut(Drawn):
    """Callers to whom nothing is offered although everything speaks for it, to measure the effect."""

    of: float = Field(gt=0, le=0.9)


class PolicyTerms(Part):
    """The line's rules; what is left out refuses nobody."""

    incident: bool = False
    """A banner speaks of an outage: callers are not offered a messenger while it stands."""
    hours: Hours | None = None
    peak: Peak | None = None
    chat: Chat = Chat()
    intents: Intents = Intents()
    require_language: bool = False
    """Offer nothing to a caller whose language the line cannot open a chat in."""
    consent: ConsentTerms = ConsentTerms()
    frequency: tuple[Cap, ...] = Field((), max_length=5)
    """How many openings one person gets, whoever asks; an open conversation costs none."""
    offers: Offers = Offers()
    share: Drawn | None = None
    """The part of the callers who are offered a messenger at all."""
    hold_out: HoldOut | None = None
