"""Circumstances written down, so that another policy can be asked about the same call later."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ivr_bridge.guard.limits import Limits
from ivr_bridge.policy.circumstances import Agreement, Circumstances
from ivr_bridge.policy.draw import draw, period_of
from ivr_bridge.policy.rules import HARD, SOFT
from ivr_bridge.policy.ruling import Ruling, rule
from ivr_bridge.policy.terms import Drawn, PolicyTerms
from messaging.reachability import Reach

VERSION = 1

_DRAWN = frozenset({"share_draw", "hold_out_draw"})
"""Not kept: who draws what follows from the caller, the day and the line's key."""
_REQUIRED = ("enabled", "withheld", "number_valid", "agreement", "opted_out", "account_up", "reach",
             "conversation_open")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """How far a policy makes us look back; what is not asked for is not read."""

    calls: tuple[int, int] | None = None
    """Calls within so many minutes, counted up to so many."""
    openings: tuple[int, int] | None = None
    """Openings within so many seconds, at most so many."""
    ignored: tuple[int, int] | None = None
    """Calls within so many seconds that let an offer pass, counted up to so many."""

    @classmethod
    def by(cls, terms: PolicyTerms, shadow: PolicyTerms | None = None) -> "Read":
        """What these terms make us read; openings are read for the shadow too, once for both."""
        peak, ignored = terms.peak, terms.offers.ignored
        caps = (*terms.frequency, *(() if shadow is None else shadow.frequency))
        return cls(
            calls=None
            if peak is None or peak.calls is None
            else (peak.calls_within_min, peak.calls),
            openings=(max(cap.within_s for cap in caps), max(cap.at_most for cap in caps))
            if caps
            else None,
            ignored=None if ignored is None else (ignored.within_s, ignored.at_most),
        )


def written(seen: Circumstances, read: Read) -> dict[str, Any]:
    """As a row keeps it: what is not known, or as usual, is left out."""
    told: dict[str, Any] = {"v": VERSION}
    for field in fields(seen):
        value = getattr(seen, field.name)
        if value is None or field.name in _DRAWN or value == field.default:
            continue
        if isinstance(value, datetime):
            told["zone"] = getattr(value.tzinfo, "key", "UTC")
            value = value.astimezone(UTC).isoformat()
        elif isinstance(value, Limits):
            value = {name: found for name, found in asdict(value).items() if found is not None}
        elif field.name == "openings_ago_s":
            value = [round(ago, 1) for ago in value]
        elif field.name == "offered_ago_s":
            value = round(value, 1)
        told[field.name] = value
    for name in ("calls", "openings", "ignored"):
        if (far := getattr(read, name)) is not None:
            told[f"read_{name}"] = list(far)
    return told


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was written down about one decision."""

    seen: Circumstances
    read: Read


class NotEnough(Exception):
    """A rule wants to know something that was not written down; `missing` names it."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


def remembered(told: Mapping[str, Any] | None) -> Recorded:
    """The circumstances of a row; raises NotEnough."""
    if told is None or told.get("v") != VERSION or any(name not in told for name in _REQUIRED):
        raise NotEnough("circumstances")
    names = {field.name for field in fields(Circumstances)}
    values = {name: value for name, value in told.items() if name in names}
    values["agreement"] = Agreement(values["agreement"])
    values["reach"] = Reach(values["reach"])
    if "local" in values:
        at = datetime.fromisoformat(values["local"])
        values["local"] = at.astimezone(ZoneInfo(told.get("zone", "UTC")))
    if "limits" in values:
        known = {field.name for field in fields(Limits)}
        kept = {name: value for name, value in values["limits"].items() if name in known}
        values["limits"] = Limits(**kept)
    far = {
        name: tuple(told[f"read_{name}"])
        for name in ("calls", "openings", "ignored")
        if f"read_{name}" in told
    }
    values.setdefault("channel_wanted", None)
    values.setdefault("template_ok", None)
    return Recorded(Circumstances(**values), Read(**far))


_NEEDED_BY = {
    "recent_calls": "peak",
    "ignored_offers": "not_tired",
    "openings_ago_s": "not_too_often",
    "caller": "in_share",
}
"""What may be missing, and the first rule that then cannot be asked."""


def decide(
    recorded: Recorded, terms: PolicyTerms, *, draw_key: bytes, caller: str | None
) -> Ruling:
    """Ask the same rules again, by these terms; NotEnough when one looks at what was not written down."""
    seen, missing = recorded.seen, _missing(recorded, terms, caller)
    told = replace(
        seen,
        recent_calls=None if "recent_calls" in missing else seen.recent_calls,
        ignored_offers=None if "ignored_offers" in missing else seen.ignored_offers,
        openings_ago_s=None if "openings_ago_s" in missing else seen.openings_ago_s,
        share_draw=drawn("share", terms.share, seen.local, draw_key, caller),
        hold_out_draw=drawn("hold_out", terms.hold_out, seen.local, draw_key, caller),
    )
    ruling = rule((*HARD, *SOFT), told, terms)
    # A refusal by an earlier rule stands, whatever the later ones would have looked at.
    asked = [each["rule"] for each in ruling.trace]
    for name in sorted(missing):
        if _NEEDED_BY[name] in asked:
            raise NotEnough(name)
    return ruling


def _missing(recorded: Recorded, terms: PolicyTerms, caller: str | None) -> set[str]:
    seen, wanted, had = recorded.seen, Read.by(terms), recorded.read
    missing = set()
    if wanted.calls and not _reaches(had.calls, wanted.calls, seen.recent_calls):
        missing.add("recent_calls")
    if wanted.ignored and not _reaches(had.ignored, wanted.ignored, seen.ignored_offers):
        missing.add("ignored_offers")
    if wanted.openings and not _covers(had.openings, wanted.openings, seen.openings_ago_s):
        missing.add("openings_ago_s")
    if (terms.share or terms.hold_out) and caller is None and seen.number_valid:
        # The number was keyed in, and stands nowhere.
        missing.add("caller")
    return missing


def _covers(
    had: tuple[int, int] | None, wanted: tuple[int, int], found: Sequence[float] | None
) -> bool:
    """As far back, and as many as matter."""
    if had is None or had[0] < wanted[0]:
        return False
    return had[1] >= wanted[1] or len(found or ()) < had[1]


def _reaches(had: tuple[int, int] | None, wanted: tuple[int, int], found: int | None) -> bool:
    """The same stretch of time, and counted as far as it matters."""
    if had is None or had[0] != wanted[0]:
        return False
    return had[1] >= wanted[1] or (found or 0) < had[1]


def drawn(
    purpose: str, terms: Drawn | None, local: datetime | None, draw_key: bytes, who: str | None
) -> float | None:
    """Where this caller falls, when these terms draw at all."""
    if terms is None or who is None or local is None:
        return None
    return draw(draw_key, purpose, who, period_of(local.date(), terms.period_days))


def fingerprint(terms: PolicyTerms) -> str:
    """The same for the same terms, however they were written."""
    told = json.dumps(terms.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
