"""A line's rules: pure, in order, each leaving a trace of what it saw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ivr_bridge.outcome import Reason
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
    """Everything a decision may look at."""

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


class Saw(StrEnum):
    """What a rule made of what it saw."""

    PASSED = "passed"
    SKIPPED = "skipped"
    """The input was not there."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to say no."""

    name: str
    reason: Reason
    look: Callable[[Circumstances], Saw]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The first refusal, if any, and how each rule that was asked saw it."""

    refused: Reason | None
    trace: Sequence[dict[str, Any]]


def _if(refused: bool) -> Saw:  # noqa: FBT001 - the one thing it is about
    return Saw.REFUSED if refused else Saw.PASSED


def _agreement(seen: Circumstances) -> Saw:
    if seen.agreement is Agreement.NOT_ASKED:
        return Saw.SKIPPED
    return _if(seen.agreement in {Agreement.REFUSED, Agreement.MISSING})


def _declined(seen: Circumstances) -> Saw:
    return Saw.SKIPPED if seen.declined is None else _if(seen.declined)


def _channel_wanted(seen: Circumstances) -> Saw:
    return Saw.SKIPPED if seen.channel_wanted is None else _if(not seen.channel_wanted)


def _template(seen: Circumstances) -> Saw:
    return Saw.SKIPPED if seen.template_ok is None else _if(not seen.template_ok)


HARD: tuple[Rule, ...] = (
    Rule("line_enabled", Reason.LINE_DISABLED, lambda seen: _if(not seen.enabled)),
    Rule(
        "caller_shown",
        Reason.CALLER_WITHHELD,
        lambda seen: _if(seen.withheld and not seen.number_valid),
    ),
    Rule("number_valid", Reason.INVALID_NUMBER, lambda seen: _if(not seen.number_valid)),
    Rule("consent", Reason.NO_CONSENT, _agreement),
    Rule("contact_welcome", Reason.OPTED_OUT, lambda seen: _if(seen.opted_out)),
    Rule("channel_wanted", Reason.NOT_ON_CHANNEL, _channel_wanted),
    Rule("account_up", Reason.CHANNEL_DOWN, lambda seen: _if(not seen.account_up)),
    Rule("template_ok", Reason.TEMPLATE_BLOCKED, _template),
    Rule(
        "reachable",
        Reason.NOT_ON_CHANNEL,
        lambda seen: _if(seen.reach is Reach.UNREACHABLE and not seen.conversation_open),
    ),
)
"""Asked before anything is sent, whoever asks."""

SOFT: tuple[Rule, ...] = (
    Rule("not_declined", Reason.DECLINED, _declined),
    Rule("first_call", Reason.REPEAT_CALL, lambda seen: _if(seen.called_again)),
)
"""Asked only before the offer: whoever pressed 1 was promised a message."""


def rule(rules: Sequence[Rule], seen: Circumstances) -> Ruling:
    """Ask the rules in order until one refuses."""
    trace: list[dict[str, Any]] = []
    for each in rules:
        saw = each.look(seen)
        trace.append({"rule": each.name, "saw": saw.value})
        if saw is Saw.REFUSED:
            return Ruling(each.reason, trace)
    return Ruling(None, trace)


def agreement(*, given: bool | None, explicit_required: bool) -> Agreement:
    """What a deflection request says about consent; asking to deflect states that the caller did."""
    if given is None:
        return Agreement.MISSING if explicit_required else Agreement.DECLARED
    return Agreement.GIVEN if given else Agreement.REFUSED
