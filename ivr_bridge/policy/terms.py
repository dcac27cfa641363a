"""What a line's file may say about who is offered a messenger, and when."""

from pydantic import BaseModel, ConfigDict


class PolicyTerms(BaseModel):
    """The line's rules; what is left out refuses nobody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    incident: bool = False
    """A banner speaks of an outage: callers are not offered a messenger while it stands."""
