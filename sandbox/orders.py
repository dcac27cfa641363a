"""What a judge may order, as bodies of the control API."""

from pydantic import Field

from sandbox.specs import Json, NumberSpec, Spec


class Status(Spec):
    """A status to send now."""

    status: str
    wamid: str | None = None
    to: str | None = None
    code: int | None = None
    copies: int = Field(1, ge=1, le=1000)


class Inbound(Spec):
    """A customer's message, in Meta's own form without id and timestamp."""

    account: str
    sender: str = Field(alias="from")
    message: Json
    copies: int | None = Field(None, ge=1, le=1000)


class Event(Spec):
    """Any `changes[].value`."""

    account: str
    value: Json
    field: str = "messages"
    copies: int = Field(1, ge=1, le=1000)


class Numbers(Spec):
    """Several phones at once."""

    numbers: list[NumberSpec]


class ClockMove(Spec):
    """How far the clock goes."""

    advance_s: float = Field(ge=0)


class Target(Spec):
    """One number, or all."""

    to: str | None = None
