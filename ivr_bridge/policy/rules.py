"""A line's rules, in the order in which they are asked (docs/ivr/policy.md).

A new rule is a look in a module of its kind and a row here; what it looks at is a field of
`Circumstances`, what the line may say about it a part of `PolicyTerms`.
"""

from ivr_bridge.outcome import Reason
from ivr_bridge.policy import always, beforehand, guarded
from ivr_bridge.policy.ruling import Rule

HARD: tuple[Rule, ...] = (
    Rule("line_enabled", Reason.LINE_DISABLED, always.enabled),
    Rule("not_paused", Reason.PAUSED, guarded.not_paused),
    Rule("caller_shown", Reason.CALLER_WITHHELD, always.caller_shown),
    Rule("number_valid", Reason.INVALID_NUMBER, always.number_valid),
    Rule("country_open", Reason.COUNTRY_BLOCKED, guarded.country_open),
    Rule("may_be_mobile", Reason.NOT_MOBILE, always.may_be_mobile),
    Rule("consent", Reason.NO_CONSENT, always.consent),
    Rule("prompt_accepted", Reason.NO_CONSENT, always.prompt_accepted),
    Rule("contact_welcome", Reason.OPTED_OUT, always.welcome),
    Rule("not_unwanted", Reason.OPTED_OUT, always.not_unwanted),
    Rule("not_too_often", Reason.FREQUENCY_CAP, always.not_too_often),
    Rule("channel_wanted", Reason.NOT_ON_CHANNEL, always.channel_wanted),
    Rule("account_up", Reason.CHANNEL_DOWN, always.account_up),
    Rule("template_ok", Reason.TEMPLATE_BLOCKED, always.template),
    Rule("template_taken", Reason.TEMPLATE_BLOCKED, guarded.template_taken),
    Rule("reachable", Reason.NOT_ON_CHANNEL, always.reachable),
    Rule("not_too_fast", Reason.VELOCITY, guarded.not_too_fast),
    Rule("users_left", Reason.CHANNEL_QUOTA, guarded.users_left),
    Rule("has_room", Reason.CHANNEL_THROTTLED, guarded.has_room),
    Rule("budget_left", Reason.BUDGET, guarded.budget_left),
    Rule("time_enough", Reason.DEADLINE_SHORT, always.time_enough),
)
"""Asked before anything is sent, whoever asks."""

SOFT: tuple[Rule, ...] = (
    Rule("no_incident", Reason.INCIDENT, beforehand.incident),
    Rule("open_now", Reason.OUTSIDE_HOURS, beforehand.open_now),
    Rule("intent_included", Reason.INTENT_EXCLUDED, beforehand.intent),
    Rule("language_spoken", Reason.LANGUAGE, beforehand.language),
    Rule("not_declined", Reason.DECLINED, beforehand.declined),
    Rule("first_call", Reason.REPEAT_CALL, beforehand.first_call),
    Rule("offer_due", Reason.FREQUENCY_CAP, beforehand.offer_due),
    Rule("offers_left", Reason.FREQUENCY_CAP, beforehand.offers_left),
    Rule("not_tired", Reason.FREQUENCY_CAP, beforehand.not_tired),
    Rule("peak", Reason.BELOW_PEAK, beforehand.peak),
    Rule("chat_has_room", Reason.CHAT_FULL, beforehand.chat_has_room),
    Rule("chat_faster", Reason.CHAT_SLOWER, beforehand.chat_faster),
    Rule("in_share", Reason.SHARE, beforehand.in_share),
    # The last of all, for good: only whom everything else would let pass may be held out.
    Rule("not_held_out", Reason.HOLD_OUT, beforehand.not_held_out),
)
"""Asked only before the offer: whoever pressed 1 was promised a message."""
