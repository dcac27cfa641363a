"""How much room there is for one more opening: plain facts, for the rules to look at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What stands in the way of this call at this moment; None for what was not asked or is not limited."""

    paused: str | None = None
    """What is paused: `line`, `channel` or `all`."""
    country: str | None = None
    """Where the number to be written to belongs."""
    country_open: bool | None = None
    velocity_over: str | None = None
    """Which count of openings is used up."""
    velocity_left: bool | None = None
    users_left: bool | None = None
    """Of the account's users a day, who is not in an open window."""
    template_taken: bool | None = None
    """False when the provider lately refused most openings with this template."""
    room: bool | None = None
    """The account and this person may get one more message now; asked before the offer only."""
    budget_left: bool | None = None

    @property
    def closed(self) -> bool:
        """Is anything of it a reason to refuse, whoever calls? Who chats already is no further user."""
        told = (
            self.country_open,
            self.velocity_left,
            self.template_taken,
            self.room,
            self.budget_left,
        )
        return self.paused is not None or any(each is False for each in told)


NO_LIMITS = Limits()
