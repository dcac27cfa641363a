"""Everything a decision may look at, as plain facts that were read before it."""

from dataclasses import dataclass
from enum import StrEnum

from messaging.reachability import Reach


class Agreement(StrEnum):
    """What is known about the caller's consent."""

    GIVEN = "given"
    """The IVR observed it and says so."""
    DECLARED = "declared"
    """The line's prompt asked for it; recorded as declared, not observed."""
    REFUSED = "refused"
    MISSING = "missing"
    """The line requires it to be observed, and it was not."""
    NOT_ASKED = "not_asked"
    """The offer has not been made yet."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is so at this moment; None stands for what nobody told or what does not apply."""

    enabled: bool
    withheld: bool
    number_valid: bool
    agreement: Agreement
    channel_wanted: bool | None
    """None when the IVR named no channels."""
    opted_out: bool
    account_up: bool
    template_ok: bool | None
    """None when free words may be used and no template is needed."""
    reach: Reach
    conversation_open: bool
    called_again: bool = False
    declined: bool | None = None
    """None when the IVR never reported an offer."""


def agreement(*, given: bool | None, explicit_required: bool) -> Agreement:
    """What a deflection request says about consent; asking to deflect states that the caller did."""
    if given is None:
        return Agreement.MISSING if explicit_required else Agreement.DECLARED
    return Agreement.GIVEN if given else Agreement.REFUSED
