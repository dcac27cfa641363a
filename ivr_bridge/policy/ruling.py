"""How rules are asked: in order, purely, each leaving a trace of what it saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ivr_bridge.outcome import Reason
from ivr_bridge.policy.circumstances import Circumstances
from ivr_bridge.policy.terms import PolicyTerms


class Saw(StrEnum):
    """What a rule made of what it saw."""

    PASSED = "passed"
    SKIPPED = "skipped"
    """The input was not there, or the line has no such rule."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Look:
    """One rule's look: what it made of it, what it found and what the terms want; small plain values."""

    saw: Saw
    found: Mapping[str, Any] | None = None
    wanted: Mapping[str, Any] | None = None


PASSED, SKIPPED, REFUSED = Look(Saw.PASSED), Look(Saw.SKIPPED), Look(Saw.REFUSED)


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to say no."""

    name: str
    reason: Reason
    look: Callable[[Circumstances, PolicyTerms], Look]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The first refusal, if any, and how each rule that was asked saw it."""

    refused: Reason | None
    trace: Sequence[dict[str, Any]]


def refuse_if(
    refused: bool,  # noqa: FBT001 - the one thing it is about
    found: Mapping[str, Any] | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> Look:
    """No when this holds, with the values behind it."""
    if found is None and wanted is None:
        return REFUSED if refused else PASSED
    return Look(Saw.REFUSED if refused else Saw.PASSED, found, wanted)


def rule(
    rules: Sequence[Rule], seen: Circumstances, terms: PolicyTerms, *, every: bool = False
) -> Ruling:
    """Ask the rules in order until one refuses; `every` asks the rest too, and the first refusal stands."""
    refused: Reason | None = None
    trace: list[dict[str, Any]] = []
    for each in rules:
        look = each.look(seen, terms)
        told: dict[str, Any] = {"rule": each.name, "saw": look.saw.value}
        if look.found is not None:
            told["found"] = look.found
        if look.wanted is not None:
            told["wanted"] = look.wanted
        trace.append(told)
        if look.saw is Saw.REFUSED:
            refused = refused or each.reason
            if not every:
                break
    return Ruling(refused, trace)
