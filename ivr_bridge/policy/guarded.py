"""What the guard found: pauses, countries, counts, quotas, budgets (docs/security.md)."""

from ivr_bridge.policy.circumstances import Circumstances
from ivr_bridge.policy.ruling import SKIPPED, Look, refuse_if
from ivr_bridge.policy.terms import PolicyTerms


def not_paused(seen: Circumstances, _: PolicyTerms) -> Look:
    """Nobody, and no rule of the line itself, has stopped it."""
    paused = seen.limits.paused
    return refuse_if(paused is not None, None if paused is None else {"paused": paused})


def country_open(seen: Circumstances, _: PolicyTerms) -> Look:
    """The line may write to this number's country."""
    limits = seen.limits
    if limits.country_open is None:
        return SKIPPED
    return refuse_if(not limits.country_open, {"country": limits.country})


def template_taken(seen: Circumstances, _: PolicyTerms) -> Look:
    """The provider does not refuse most openings with this template."""
    return _if_known(seen.limits.template_taken)


def not_too_fast(seen: Circumstances, _: PolicyTerms) -> Look:
    """Neither this number nor its like was written to too often."""
    limits = seen.limits
    if limits.velocity_left is None:
        return SKIPPED
    over = limits.velocity_over
    return refuse_if(not limits.velocity_left, None if over is None else {"used_up": over})


def users_left(seen: Circumstances, _: PolicyTerms) -> Look:
    """The account may write to one more person today; in an open conversation nobody is one more."""
    return SKIPPED if seen.conversation_open else _if_known(seen.limits.users_left)


def has_room(seen: Circumstances, _: PolicyTerms) -> Look:
    """The account, and this person, may get one more message now."""
    return _if_known(seen.limits.room)


def budget_left(seen: Circumstances, _: PolicyTerms) -> Look:
    """The line's budget and the workspace's have a place left."""
    return _if_known(seen.limits.budget_left)


def _if_known(left: bool | None) -> Look:  # noqa: FBT001 - the one thing it is about
    return SKIPPED if left is None else refuse_if(not left)
