"""A line's terms: every part is described where it is kept, and all are read as one document.

The workspace file's `lines[]` carries the same parts under the same names.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from ivr_bridge.dialects.terms import DialectTerms
from ivr_bridge.guard.terms import BudgetTerms, VelocityTerms, WatchTerms
from ivr_bridge.policy.terms import PolicyTerms
from ivr_bridge.rescues.terms import RescueTerms
from ivr_bridge.returns.terms import ReturnTerms
from ivr_bridge.ways.terms import ChannelTerm, Country

CountryCode = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$")]


class LineTerms(BaseModel):
    """What holds on a line; a part that is left out keeps its defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: str | None = Field(None, min_length=1, max_length=120)
    """How the company calls itself to the line's callers; without it, by the workspace's title."""
    dialects: DialectTerms = DialectTerms()
    policy: PolicyTerms = PolicyTerms()
    rescue: RescueTerms = RescueTerms()
    channels: tuple[ChannelTerm, ...] = Field((), max_length=10)
    """In order of priority; without any, the line's own channel."""
    unreliable_whatsapp_in: tuple[Country, ...] = ()
    """Countries where WhatsApp is blocked or throttled: there only `delivered` counts, and every other
    channel comes first."""
    shadow: PolicyTerms | None = None
    """A candidate that decides beside `policy`, without effect, to be looked at in the report `shadow`."""
    return_to_voice: ReturnTerms | None = None
    budget: BudgetTerms = BudgetTerms()
    countries: tuple[CountryCode, ...] | None = None
    """Where the line may write to, `*` for everywhere; without a list, to its own country."""
    velocity: VelocityTerms = VelocityTerms()
    watch: WatchTerms = WatchTerms()

    @classmethod
    def kept(cls, stored: Mapping[str, Any]) -> Self:
        """From the database. What a newer version put there and this one does not know is passed over:
        while an upgrade rolls, both answer the same line.
        """
        return cls.model_validate(stored, extra="ignore")

    def stored(self) -> dict[str, Any]:
        """As the database keeps it: only what differs from the defaults."""
        return self.model_dump(mode="json", exclude_defaults=True)
