"""What is asked before anything is sent, whoever asks."""

from ivr_bridge.policy.circumstances import Agreement, Circumstances
from ivr_bridge.policy.ruling import PASSED, SKIPPED, Look, refuse_if
from ivr_bridge.policy.terms import PolicyTerms
from messaging.reachability import Reach


def enabled(seen: Circumstances, _: PolicyTerms) -> Look:
    """The line is in service."""
    return refuse_if(not seen.enabled)


def caller_shown(seen: Circumstances, _: PolicyTerms) -> Look:
    """A withheld number can be written to only when another one was keyed in."""
    return refuse_if(seen.withheld and not seen.number_valid)


def number_valid(seen: Circumstances, _: PolicyTerms) -> Look:
    """What the trunk passed on is a telephone number."""
    return refuse_if(not seen.number_valid)


def consent(seen: Circumstances, _: PolicyTerms) -> Look:
    """The caller agreed, by the IVR's word or the line's own prompt."""
    if seen.agreement is Agreement.NOT_ASKED:
        return SKIPPED
    return refuse_if(seen.agreement is Agreement.REFUSED or seen.agreement is Agreement.MISSING)


def prompt_accepted(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The prompt that the IVR names is one that counts."""
    accepted = terms.consent.prompt_versions
    if not accepted or seen.agreement is not Agreement.GIVEN or seen.prompt_version is None:
        return SKIPPED
    return refuse_if(
        seen.prompt_version not in accepted,
        {"prompt_version": seen.prompt_version[:64]},
        {"prompt_versions": list(accepted)},
    )


def welcome(seen: Circumstances, _: PolicyTerms) -> Look:
    """The person has not opted out."""
    return refuse_if(seen.opted_out)


def not_unwanted(seen: Circumstances, _: PolicyTerms) -> Look:
    """The number is not on the do-not-contact list."""
    return SKIPPED if seen.unwanted is None else refuse_if(seen.unwanted)


def not_too_often(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The person has not had too many openings lately; an open conversation needs none."""
    ago = seen.openings_ago_s
    if not terms.frequency or ago is None or seen.conversation_open:
        return SKIPPED
    for cap in terms.frequency:
        openings = sum(1 for seconds in ago if seconds < cap.within_s)
        if openings >= cap.at_most:
            return refuse_if(True, {"openings": openings}, cap.shown())
    return PASSED


def may_be_mobile(seen: Circumstances, _: PolicyTerms) -> Look:
    """The number may be a mobile's; a landline that was reached on the channel is welcome as well."""
    if seen.landline is None:
        return SKIPPED
    return refuse_if(seen.landline and seen.reach is not Reach.CONFIRMED)


def channel_wanted(seen: Circumstances, _: PolicyTerms) -> Look:
    """The IVR, if it named channels, named this one."""
    return SKIPPED if seen.channel_wanted is None else refuse_if(not seen.channel_wanted)


def account_up(seen: Circumstances, _: PolicyTerms) -> Look:
    """The account can send."""
    return refuse_if(not seen.account_up)


def template(seen: Circumstances, _: PolicyTerms) -> Look:
    """The opening can be said now."""
    return SKIPPED if seen.template_ok is None else refuse_if(not seen.template_ok)


def time_enough(seen: Circumstances, _: PolicyTerms) -> Look:
    """The evidence that is asked for can come before the IVR must be answered."""
    left, needed = seen.time_left_ms, seen.time_needed_ms
    if left is None or needed is None:
        return SKIPPED
    return refuse_if(left < needed, {"left_ms": left}, {"needed_ms": needed})


def reachable(seen: Circumstances, _: PolicyTerms) -> Look:
    """Nothing says that the number is not on the channel."""
    return refuse_if(seen.reach is Reach.UNREACHABLE and not seen.conversation_open)
