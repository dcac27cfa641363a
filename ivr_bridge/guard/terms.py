"""What a line's file may say about how much it may spend, on whom, and when it is to stop by itself."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Places = Annotated[int, Field(ge=0, le=10_000_000)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Caps(_Terms):
    """So many in a clock hour and in a day; without a number, as many as there are."""

    hour: Places | None = None
    day: Places | None = None


class BudgetTerms(Caps):
    """Openings that the line may send."""

    reserved: bool = False
    """The line may use what the workspace keeps in reserve."""


class WorkspaceBudget(Caps):
    """Openings that all lines may send together."""

    reserve_percent: Percent = 0
    """Of it, and of the accounts' users a day, only for lines whose budget is `reserved`."""


class VelocityTerms(_Terms):
    """Openings to the same number, to its neighbours, and to numbers that callers keyed in."""

    number: Caps = Caps(hour=6, day=20)
    prefix: Caps = Caps()
    """A run of numbers that begin alike: set it to a few times what a busy hour brings."""
    prefix_digits: int = Field(6, ge=3, le=10)
    """How many digits after the country code make numbers neighbours."""
    keyed_in: Caps = Caps(hour=2, day=4)
    """To a number that was typed by the caller and verified by nobody."""
    keyed_in_from: Caps = Caps(hour=3, day=10)
    """By the same caller."""
    keyed_in_line: Caps = Caps(hour=60, day=600)
    """On the line."""


class RepliesTerms(_Terms):
    """Hardly anybody answers: the messages go to people who never called."""

    below_percent: Percent = 2
    of: int = Field(200, ge=10, le=10_000)
    """So many delivered openings at least, and at most the latest so many."""
    within_s: int = Field(1800, ge=60, le=86_400)
    """How long a person may take; younger openings are not counted."""


class ComplaintsTerms(_Terms):
    """People say *Not me*."""

    above_percent: Percent = 10
    of: int = Field(50, ge=10, le=10_000)


class UnreachableTerms(_Terms):
    """Numbers that are not on the channel: somebody tries numbers out."""

    above_percent: Percent = 70
    of: int = Field(50, ge=10, le=10_000)


class WatchTerms(_Terms):
    """When a line pauses itself."""

    enabled: bool = True
    replies: RepliesTerms = RepliesTerms()
    complaints: ComplaintsTerms = ComplaintsTerms()
    unreachable: UnreachableTerms = UnreachableTerms()
    pause_s: int = Field(3600, ge=60, le=7 * 86_400)
    """How long; then it is tried again, and counted anew."""
