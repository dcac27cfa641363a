"""What is asked only before the offer: whoever pressed 1 was promised a message."""

from typing import Any

from ivr_bridge.policy.circumstances import Circumstances
from ivr_bridge.policy.ruling import SKIPPED, Look, lacking, refuse_if
from ivr_bridge.policy.terms import PolicyTerms

SAME_OFFER_S = 5.0
"""An IVR that asks again this soon did not hear the answer: it is the same offer."""
OFFER_SLACK_S = 5.0
"""An IVR that comes back every minute by its own clock is not a second too early."""


def incident(_: Circumstances, terms: PolicyTerms) -> Look:
    """No banner speaks of an outage."""
    return refuse_if(terms.incident)


def open_now(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The line is within its hours."""
    if terms.hours is None or seen.local is None:
        return SKIPPED
    found: dict[str, Any] = {"local": seen.local.strftime("%Y-%m-%d %H:%M %Z")}
    if terms.hours.is_holiday(seen.local.date()):
        found["holiday"] = True
    return refuse_if(not terms.hours.open_at(seen.local), found)


def intent(seen: Circumstances, terms: PolicyTerms) -> Look:
    """What the caller wants is something for the chat."""
    only, never = terms.intents.only, terms.intents.never
    if not (only or never):
        return SKIPPED
    if seen.intent is None:
        return lacking(["intent"], {"only": list(only), "never": list(never)})
    intent = seen.intent.strip().casefold()
    listed = intent in {name.casefold() for name in only}
    banned = intent in {name.casefold() for name in never}
    return refuse_if(banned or bool(only and not listed), {"intent": seen.intent})


def language(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The line can open a chat in the caller's language."""
    if not terms.require_language:
        return SKIPPED
    if seen.language_spoken is None:
        return lacking(["language"], {"require_language": True})
    return refuse_if(not seen.language_spoken, {"language": seen.language})


def declined(seen: Circumstances, _: PolicyTerms) -> Look:
    """The caller has not said No, in this call or lately."""
    return SKIPPED if seen.declined is None else refuse_if(seen.declined)


def first_call(seen: Circumstances, _: PolicyTerms) -> Look:
    """The caller was not moved to chat a short while ago: who is back wants a person."""
    return refuse_if(seen.called_again)


def offer_due(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The last offer in this call is long enough ago."""
    ago = seen.offered_ago_s
    if ago is None or ago < SAME_OFFER_S:
        return SKIPPED
    every_s = terms.offers.every_s
    return refuse_if(
        ago + OFFER_SLACK_S < every_s, {"offered_ago_s": round(ago)}, {"every_s": every_s}
    )


def offers_left(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The caller has not been asked too often in this call."""
    most = terms.offers.per_call
    if most is None:
        return SKIPPED
    again = seen.offered_ago_s is not None and seen.offered_ago_s < SAME_OFFER_S
    made = seen.offers - 1 if again else seen.offers
    return refuse_if(made >= most, {"offers": seen.offers}, {"per_call": most})


def not_tired(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The caller has not let too many offers pass."""
    cap = terms.offers.ignored
    if cap is None or seen.ignored_offers is None:
        return SKIPPED
    return refuse_if(
        seen.ignored_offers >= cap.at_most, {"ignored": seen.ignored_offers}, cap.shown()
    )


def peak(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The line is busy enough."""
    peak = terms.peak
    if peak is None:
        return SKIPPED
    compared = {
        "voice_wait_s": (seen.voice_wait_s, peak.voice_wait_s),
        "queue_position": (seen.queue_position, peak.queue_position),
        "calls": (seen.recent_calls, peak.calls),
    }
    found = {name: is_ for name, (is_, least) in compared.items() if is_ is not None and least}
    wanted = {name: least for name, (_, least) in compared.items() if least is not None}
    if not found:
        return lacking(list(wanted), wanted)
    reached = any(found[name] >= wanted[name] for name in found)
    return refuse_if(not reached, found, wanted)


def chat_has_room(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The chat is not full."""
    chat = terms.chat
    limits: dict[str, Any] = {"max_waiting": chat.max_waiting, "max_wait_s": chat.max_wait_s}
    wanted = {name: most for name, most in limits.items() if most is not None}
    if chat.staffed:
        wanted["staffed"] = True
    if not wanted:
        return SKIPPED
    told: dict[str, Any] = {
        "max_waiting": ("waiting", seen.chat_waiting),
        "max_wait_s": ("chat_wait_s", seen.chat_wait_s),
        "staffed": ("staffed", seen.chat_staffed),
    }
    asked = {name: told[name] for name in wanted}
    found = {shown: is_ for shown, is_ in asked.values() if is_ is not None}
    if not found:
        return lacking([shown for shown, _ in asked.values()], wanted)
    full = found.get("staffed") is False or any(
        is_ > wanted[name]
        for name, (_, is_) in asked.items()
        if name != "staffed" and is_ is not None
    )
    return refuse_if(full, found, wanted)


def chat_faster(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The chat is faster, by its margin."""
    margin, chat, voice = terms.chat.faster_by_s, seen.chat_wait_s, seen.voice_wait_s
    if margin is None:
        return SKIPPED
    wanted = {"faster_by_s": margin}
    if chat is None or voice is None:
        waits = {"chat_wait_s": chat, "voice_wait_s": voice}
        return lacking([name for name, wait in waits.items() if wait is None], wanted)
    return refuse_if(chat + margin >= voice, {"chat_wait_s": chat, "voice_wait_s": voice}, wanted)


def in_share(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The caller is in the part to whom the line offers at all."""
    if terms.share is None:
        return SKIPPED
    if seen.share_draw is None:
        return lacking(["caller"], terms.share.shown())
    return refuse_if(
        seen.share_draw >= terms.share.of, {"draw": round(seen.share_draw, 4)}, terms.share.shown()
    )


def not_held_out(seen: Circumstances, terms: PolicyTerms) -> Look:
    """The caller is not in the part by which the effect is measured."""
    if terms.hold_out is None:
        return SKIPPED
    if seen.hold_out_draw is None:
        return lacking(["caller"], terms.hold_out.shown())
    return refuse_if(
        seen.hold_out_draw < terms.hold_out.of,
        {"draw": round(seen.hold_out_draw, 4)},
        terms.hold_out.shown(),
    )
