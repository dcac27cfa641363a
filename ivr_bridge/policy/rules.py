"""A line's rules, in the order in which they are asked."""

from ivr_bridge.outcome import Reason
from ivr_bridge.policy.circumstances import Agreement, Circumstances
from ivr_bridge.policy.ruling import SKIPPED, Look, Rule, refuse_if
from ivr_bridge.policy.terms import PolicyTerms
from messaging.reachability import Reach


def _enabled(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(not seen.enabled)


def _caller_shown(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(seen.withheld and not seen.number_valid)


def _number_valid(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(not seen.number_valid)


def _consent(seen: Circumstances, _: PolicyTerms) -> Look:
    if seen.agreement is Agreement.NOT_ASKED:
        return SKIPPED
    return refuse_if(seen.agreement in {Agreement.REFUSED, Agreement.MISSING})


def _welcome(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(seen.opted_out)


def _channel_wanted(seen: Circumstances, _: PolicyTerms) -> Look:
    return SKIPPED if seen.channel_wanted is None else refuse_if(not seen.channel_wanted)


def _account_up(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(not seen.account_up)


def _template(seen: Circumstances, _: PolicyTerms) -> Look:
    return SKIPPED if seen.template_ok is None else refuse_if(not seen.template_ok)


def _reachable(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(seen.reach is Reach.UNREACHABLE and not seen.conversation_open)


def _incident(_: Circumstances, terms: PolicyTerms) -> Look:
    return refuse_if(terms.incident)


def _declined(seen: Circumstances, _: PolicyTerms) -> Look:
    return SKIPPED if seen.declined is None else refuse_if(seen.declined)


def _first_call(seen: Circumstances, _: PolicyTerms) -> Look:
    return refuse_if(seen.called_again)


HARD: tuple[Rule, ...] = (
    Rule("line_enabled", Reason.LINE_DISABLED, _enabled),
    Rule("caller_shown", Reason.CALLER_WITHHELD, _caller_shown),
    Rule("number_valid", Reason.INVALID_NUMBER, _number_valid),
    Rule("consent", Reason.NO_CONSENT, _consent),
    Rule("contact_welcome", Reason.OPTED_OUT, _welcome),
    Rule("channel_wanted", Reason.NOT_ON_CHANNEL, _channel_wanted),
    Rule("account_up", Reason.CHANNEL_DOWN, _account_up),
    Rule("template_ok", Reason.TEMPLATE_BLOCKED, _template),
    Rule("reachable", Reason.NOT_ON_CHANNEL, _reachable),
)
"""Asked before anything is sent, whoever asks."""

SOFT: tuple[Rule, ...] = (
    Rule("no_incident", Reason.INCIDENT, _incident),
    Rule("not_declined", Reason.DECLINED, _declined),
    Rule("first_call", Reason.REPEAT_CALL, _first_call),
)
"""Asked only before the offer: whoever pressed 1 was promised a message."""
