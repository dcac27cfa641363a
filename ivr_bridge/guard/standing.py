"""What holds for all lines of a workspace: its budget, what has been taken, what is paused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from core.ids import LineId, WorkspaceId
from core.postgres import Database
from ivr_bridge.guard.sql import SQL
from ivr_bridge.guard.terms import BudgetTerms, WorkspaceBudget
from ivr_bridge.line import Line
from ivr_bridge.remembered import Remembered

SHARED = "all"
"""The scope of the budget that all lines share."""

_NO_CAP = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StandingRow:
    """What the statement says."""

    budget: Mapping[str, Any] | None
    taken: Sequence[Mapping[str, Any]] | None
    pauses: Sequence[Mapping[str, str]] | None


@dataclass(frozen=True, slots=True)
class Cap:
    """One budget that a line's openings are taken from."""

    scope: str
    hour: int
    day: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The workspace at this moment."""

    budget: WorkspaceBudget
    taken: Mapping[str, tuple[int, int]]
    pauses: frozenset[tuple[str, str]]

    def paused(self, line: Line, account: str) -> str | None:
        """Which pause, if any, keeps this line from sending on this account."""
        for kind, subject in (("all", ""), ("channel", account), ("line", line.name)):
            if (kind, subject) in self.pauses:
                return kind
        return None

    def rests(self, account: str) -> bool:
        """Is this channel paused?"""
        return ("channel", account) in self.pauses

    def caps(self, line_id: LineId, terms: BudgetTerms) -> Sequence[Cap]:
        """Every budget that holds for a line; the reserve is not there for everybody."""
        found = []
        if terms.hour is not None or terms.day is not None:
            found.append(_cap(str(line_id), terms.hour, terms.day))
        shared = self.budget
        if shared.hour is not None or shared.day is not None:
            part = 1.0 if terms.reserved else 1 - shared.reserve_percent / 100
            found.append(
                _cap(
                    SHARED,
                    None if shared.hour is None else floor(shared.hour * part),
                    None if shared.day is None else floor(shared.day * part),
                )
            )
        return found

    def left(self, line_id: LineId, terms: BudgetTerms) -> bool | None:
        """Is there a place left, as far as was known a moment ago? None without a budget."""
        caps = self.caps(line_id, terms)
        if not caps:
            return None
        return all(
            self.taken.get(cap.scope, (0, 0))[0] < cap.hour
            and self.taken.get(cap.scope, (0, 0))[1] < cap.day
            for cap in caps
        )


class Standings:
    """Look at a workspace; answers are at most a second old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered = Remembered(self._look, fresh_s=1.0)

    async def of(self, workspace_id: WorkspaceId) -> Standing:
        """How it stands."""
        return await self._remembered.get(workspace_id)

    async def _look(self, workspace_id: WorkspaceId) -> Standing:
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            row = await tx.fetchrow(*SQL["standing"](workspace=workspace_id))
        assert row is not None, "lines stand in a workspace"  # noqa: S101
        return standing(StandingRow(**row))


def standing(row: StandingRow) -> Standing:
    """The row in our own words."""
    return Standing(
        budget=WorkspaceBudget.model_validate(row.budget or {}, extra="ignore"),
        taken={each["scope"]: (each["hour"], each["day"]) for each in row.taken or ()},
        pauses=frozenset((each["kind"], each["subject"]) for each in row.pauses or ()),
    )


def _cap(scope: str, hour: int | None, day: int | None) -> Cap:
    return Cap(scope, _NO_CAP if hour is None else hour, _NO_CAP if day is None else day)
