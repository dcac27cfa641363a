"""What is looked at when a policy is written down or read, so that no rule has to."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from ivr_bridge.policy.holidays import are_known, holidays_of, near_years
from ivr_bridge.policy.hours import Holidays
from ivr_bridge.policy.terms import PolicyTerms


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that cannot be meant: where, by what name pages know it, in words, and about what."""

    place: str
    code: str
    why: str
    facts: Mapping[str, str]


def doubts(policy: PolicyTerms, prompt_version: str) -> Iterator[Doubt]:
    """What cannot be meant; `prompt_version` is the line's own prompt's."""
    place, accepted = _place(policy), policy.consent.prompt_versions
    if place is not None and not are_known(place.country, place.subdivision):
        named = " ".join(filter(None, (place.country, place.subdivision)))
        why = f"the holidays of {named} are not known"
        yield Doubt("hours.holidays", "holidays_unknown", why, {"country": named})
    if accepted and prompt_version not in accepted:
        why = f"the line's own prompt {prompt_version!r} is not among them"
        about = {"version": prompt_version}
        yield Doubt("consent.prompt_versions", "prompt_not_listed", why, about)


async def learn(policies: Iterable[PolicyTerms | None], today: date) -> None:
    """Read the holidays that these keep: the first look takes half a second, and calls are waiting."""
    places = {_place(policy) for policy in policies if policy is not None} - {None}
    if places:
        await asyncio.to_thread(_read, places, today)


def _read(places: Iterable[Holidays | None], today: date) -> None:
    for place in places:
        if place is not None:
            for year in near_years(today):
                holidays_of(place.country, place.subdivision, year)


def _place(policy: PolicyTerms) -> Holidays | None:
    return None if policy.hours is None else policy.hours.holidays
