"""What a line promises to those it moved to chat, and who calls when the promise is missed."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Mode(StrEnum):
    """What happens when the promise is missed."""

    ASK = "ask"
    """The customer is offered a call, and may stay in the chat."""
    AUTO = "auto"
    """The call is promised at once."""


class ReturnTerms(BaseModel):
    """How callers of this line get back to the telephone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    """The dialler: an endpoint of the workspace. Without one, operators call."""
    promise_s: int | None = Field(None, ge=30, le=86_400)
    """How long a chat may wait for a person; without a promise, only people and flows ask."""
    mode: Mode = Mode.ASK
    queue: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    """Where the call back stands; by default the line's `callback_queue`."""
    tries: int = Field(3, ge=1, le=20)
    again_after_s: int = Field(900, ge=60, le=86_400)
    """After nobody picked up."""
