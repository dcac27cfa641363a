"""Which channels a line speaks on, the first that fits first."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ivr_bridge.evidence import Confirm

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


class ChannelTerm(BaseModel):
    """One channel, for callers from these countries or from anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str = Field(min_length=1, max_length=63)
    countries: tuple[Country, ...] = ()
    confirm: Confirm | None = None
    """The evidence asked of this channel; the line's without it."""
    text: Mapping[LanguageCode, Annotated[str, Field(min_length=1, max_length=600)]] = {}
    """The opening's words, on a channel that needs no template."""

    def takes(self, country: str | None) -> bool:
        """Is it for callers from there? One whose country nobody knows takes what is for anybody."""
        return not self.countries or country in self.countries
