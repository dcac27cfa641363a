"""How rules are asked: in order, purely, each leaving a trace of what it saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ivr_bridge.outcome import Reason
from ivr_bridge.policy.circumstances import Circumstances
from ivr_bridge.policy.terms import PolicyTerms


class Saw(StrEnum):
    """What a rule made of what it saw."""

    PASSED = "passed"
    SKIPPED = "skipped"
    """The line has no such rule, or its input was not there: then the trace names what is missing."""
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
    plain: Mapping[Saw, Mapping[str, Any]] = field(init=False, repr=False, compare=False)
    """Its entries in a trace where there is nothing to show; made once, because rules are asked often."""

    def __post_init__(self) -> None:
        """Make the entries."""
        entries = {saw: {"rule": self.name, "saw": saw.value} for saw in Saw}
        object.__setattr__(self, "plain", entries)

    def entry(self, look: Look) -> Mapping[str, Any]:
        """What a trace says about this look."""
        plain = self.plain[look.saw]
        if look.found is None and look.wanted is None:
            return plain
        shown = {"found": look.found, "wanted": look.wanted}
        return {**plain, **{name: value for name, value in shown.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Ruling:
    """The first refusal, if any, and how each rule that was asked saw it."""

    refused: Reason | None
    trace: Sequence[Mapping[str, Any]]


def refuse_if(
    refused: bool,  # noqa: FBT001 - the one thing it is about
    found: Mapping[str, Any] | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> Look:
    """No when this holds, with the values behind it."""
    if found is None and wanted is None:
        return REFUSED if refused else PASSED
    return Look(Saw.REFUSED if refused else Saw.PASSED, found, wanted)


def lacking(missing: Sequence[str], wanted: Mapping[str, Any]) -> Look:
    """The line has such a rule, and nobody told what it looks at: not the same as having none."""
    return Look(Saw.SKIPPED, {"missing": list(missing)}, wanted)


def rule(
    rules: Sequence[Rule], seen: Circumstances, terms: PolicyTerms, *, every: bool = False
) -> Ruling:
    """Ask the rules in order until one refuses; `every` asks the rest too, and the first refusal stands."""
    refused: Reason | None = None
    trace: list[Mapping[str, Any]] = []
    for each in rules:
        look = each.look(seen, terms)
        trace.append(each.entry(look))
        if look.saw is Saw.REFUSED:
            refused = refused or each.reason
            if not every:
                break
    return Ruling(refused, trace)
