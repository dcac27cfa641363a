"""A policy is tried on recorded calls: the same rules, asked again about what was seen then. Reads only."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.ids import CallRef, LineId, WorkspaceId
from core.postgres import Database
from core.queries import load
from ivr_bridge.line import Line
from ivr_bridge.outcome import Reason
from ivr_bridge.policy import PolicyTerms
from ivr_bridge.policy.recorded import NotEnough, decide, remembered
from ivr_bridge.reports.periods import Period

SQL = load(Path(__file__).with_name("replay.sql"))

_PAGE = 1000
_NOBODY = UUID(int=0)

_WHATEVER_THE_POLICY = frozenset(
    {Reason.LINE_DISABLED, Reason.CALLER_WITHHELD, Reason.INVALID_NUMBER, Reason.OPTED_OUT}
)
"""Refusals that come before every rule a line may word: no policy would have answered otherwise."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One recorded answer before an offer."""

    first_seen_at: datetime
    call_ref: CallRef
    eligibility_id: UUID
    line_id: LineId
    caller: str | None
    reason: str
    seen: Mapping[str, Any] | None


@dataclass(slots=True)
class Changes:
    """What another policy would have answered to the calls of a line."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(answered, would have answered): reasons; `ok` is an offer."""
    missing: Counter[str] = field(default_factory=Counter)
    """Answers that cannot be decided again, by what was not recorded."""

    def add(self, other: "Changes") -> None:
        """Both together."""
        self.pairs.update(other.pairs)
        self.missing.update(other.missing)

    def document(self) -> dict[str, Any]:
        """For people and programs; the parts of `decided` add up to it."""
        pairs, ok = self.pairs, Reason.OK.value
        refused = {new: n for (old, new), n in pairs.items() if old == ok != new}
        offered = {old: n for (old, new), n in pairs.items() if old != ok == new}
        others = {
            f"{old} -> {new}": n for (old, new), n in pairs.items() if ok not in {old, new} and old != new
        }  # fmt: skip
        return {
            "answers": pairs.total() + self.missing.total(),
            "decided": pairs.total(),
            "offers_before": sum(n for (old, _), n in pairs.items() if old == ok),
            "offers_after": sum(n for (_, new), n in pairs.items() if new == ok),
            "unchanged": sum(n for (old, new), n in pairs.items() if old == new),
            "newly_refused": _most_first(refused),
            "newly_offered": _most_first(offered),
            "refused_otherwise": _most_first(others),
            "not_enough_recorded": _most_first(self.missing),
        }


@dataclass(slots=True)
class Replayed:
    """The whole replay."""

    by_line: dict[str, Changes]
    unasked: int = 0
    """Calls for which nobody asked before an offer: no policy of ours decided about them."""

    def document(self) -> dict[str, Any]:
        """Line by line, and all together."""
        total = Changes()
        for changes in self.by_line.values():
            total.add(changes)
        return {
            "lines": [
                {"line": name, **changes.document()} for name, changes in self.by_line.items()
            ],
            "total": total.document(),
            "calls_that_never_asked": self.unasked,
        }


async def replay(
    database: Database,
    workspace_id: WorkspaceId,
    lines: Mapping[LineId, Line],
    candidates: Mapping[LineId, PolicyTerms],
    period: Period,
    report: Callable[[int, int], None],
) -> Replayed:
    """Decide every recorded answer of the period again; `report` is told how many of how many."""
    chosen = [lines[line_id] for line_id in candidates]
    result = Replayed({line.name: Changes() for line in chosen})
    wanted = {
        "workspace": workspace_id,
        "since": period.since,
        "until": period.until,
        "lines": list(candidates),
    }
    async with database.workspace(workspace_id, read_only=True) as tx:
        row = await tx.fetchrow(*SQL["answers_to_replay"](**wanted))
    answers, result.unasked = (0, 0) if row is None else (row["answers"], row["unasked"])
    done = 0
    async for page in _pages(database, workspace_id, wanted):
        for each in page:
            line = lines[each.line_id]
            changes = result.by_line[line.name]
            try:
                after = _again(each, candidates[each.line_id], line)
            except NotEnough as lacking:
                changes.missing[lacking.missing] += 1
            else:
                changes.pairs[each.reason, after.value] += 1
        done += len(page)
        report(done, answers)
    return result


def _again(answered: Answered, terms: PolicyTerms, line: Line) -> Reason:
    """What these terms answer to the same circumstances; raises NotEnough."""
    if answered.seen is None and answered.reason in _WHATEVER_THE_POLICY:
        return Reason(answered.reason)
    ruling = decide(
        remembered(answered.seen), terms, draw_key=line.draw_key, caller=answered.caller
    )
    return ruling.refused or Reason.OK


async def _pages(
    database: Database, workspace_id: WorkspaceId, wanted: Mapping[str, Any]
) -> AsyncIterator[Sequence[Answered]]:
    """A thousand at a time, each in a transaction of its own: a long replay holds nothing up."""
    after = {"at": wanted["since"], "call": _NOBODY, "answer": _NOBODY}
    while True:
        async with database.workspace(workspace_id, read_only=True) as tx:
            rows = await tx.fetch(*SQL["next_answers"](**wanted, **after, size=_PAGE))
        page = [Answered(**row) for row in rows]
        if page:
            yield page
        if len(page) < _PAGE:
            return
        last = page[-1]
        # Its moment bounds the search as well, so that no page reads what was read before.
        wanted = {**wanted, "since": last.first_seen_at}
        after = {"at": last.first_seen_at, "call": last.call_ref, "answer": last.eligibility_id}


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
