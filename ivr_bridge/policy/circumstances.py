"""Everything a decision may look at, as plain facts that were read before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ivr_bridge.guard.limits import NO_LIMITS, Limits
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
    landline: bool | None = None
    """By its numbering plan it is certainly no mobile; None without a number."""
    called_again: bool = False
    declined: bool | None = None
    """None when the IVR never reported an offer."""
    prompt_version: str | None = None
    """The prompt under which the IVR says that the caller agreed."""
    unwanted: bool | None = None
    """Stands on the workspace's do-not-contact list; None when there is no list."""
    openings_ago_s: Sequence[float] | None = None
    """How long ago this person's latest openings were, newest first; None when no rule asks."""
    limits: Limits = NO_LIMITS
    time_left_ms: int | None = None
    """Until the deadline: before the offer, of a deflection that is asked for as this was."""
    time_needed_ms: int | None = None
    """What the account's provider usually takes for the evidence asked, with the grace."""

    # What only matters before an offer; filled in by `beforehand`.
    local: datetime | None = None
    """The moment on the workspace's wall clock."""
    intent: str | None = None
    language: str | None = None
    """The caller's, as the IVR names it."""
    language_spoken: bool | None = None
    voice_wait_s: int | None = None
    queue_position: int | None = None
    recent_calls: int | None = None
    chat_wait_s: int | None = None
    chat_waiting: int | None = None
    chat_staffed: bool | None = None
    offered_ago_s: float | None = None
    """Since the last offer within this call; None when there was none."""
    offers: int = 0
    ignored_offers: int | None = None
    """Calls of this caller, within the time the terms name, that let an offer pass."""
    share_draw: float | None = None
    hold_out_draw: float | None = None


def agreement(*, given: bool | None, explicit_required: bool) -> Agreement:
    """What a deflection request says about consent; asking to deflect states that the caller did."""
    if given is None:
        return Agreement.MISSING if explicit_required else Agreement.DECLARED
    return Agreement.GIVEN if given else Agreement.REFUSED
