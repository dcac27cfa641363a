"""Callers drawn to be offered chat, and callers held out: the two arms by which an effect is measured."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from core.ids import LineId
from core.postgres import Tx
from core.queries import load
from ivr_bridge.line import Line
from ivr_bridge.reports.intervals import Mean
from ivr_bridge.reports.table import Question

SQL = load(Path(__file__).with_name("arms.sql"))

WINDOW_S = 24 * 3600
"""How long after their first call callers are followed, where the line says nothing of repeat calls."""
FEWEST = 30
"""Callers in each arm, below which a difference would be guesswork."""
MOST_UNKNOWN = 0.1
"""The part of callers whose call may lack its end; the arms lack different ones."""


class Status(StrEnum):
    """Whether a figure can be given."""

    MEASURED = "measured"
    NO_HOLD_OUT = "no_hold_out"
    NOT_ENOUGH = "not_enough"
    ENDS_NOT_TOLD = "ends_not_told"


@dataclass(frozen=True, slots=True)
class Arm:
    """Callers of one line, intent and arm."""

    line_id: LineId
    intent: str | None
    arm: str
    callers: int
    unknown: int
    answered: int
    repeated: int
    minutes: float
    minutes_squared: float


@dataclass(slots=True)
class Side:
    """One arm of a group of callers."""

    callers: int = 0
    unknown: int = 0
    """Neither an end nor an answer of their call was reported."""
    answered: int = 0
    """A person answered a call of theirs."""
    repeated: int = 0
    """They called again."""
    minutes: float = 0.0
    minutes_squared: float = 0.0

    def add(self, arm: Arm) -> None:
        """More callers of this arm."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(arm, each.name))

    @property
    def mean(self) -> Mean:
        """Voice minutes a caller."""
        return Mean(self.callers, self.minutes, self.minutes_squared)


@dataclass(slots=True)
class Pair:
    """Both arms of a group of callers."""

    offered: Side = field(default_factory=Side)
    held_out: Side = field(default_factory=Side)

    @property
    def callers(self) -> int:
        """Of both arms."""
        return self.offered.callers + self.held_out.callers

    def status(self, *, by_ends: bool = True) -> Status:
        """May a difference be told? `by_ends` when it rests on how calls ended."""
        if not self.held_out.callers:
            return Status.NO_HOLD_OUT
        if min(self.offered.callers, self.held_out.callers) < FEWEST:
            return Status.NOT_ENOUGH
        unknown = self.offered.unknown + self.held_out.unknown
        if by_ends and unknown > MOST_UNKNOWN * self.callers:
            return Status.ENDS_NOT_TOLD
        return Status.MEASURED


async def arms(tx: Tx, question: Question) -> list[Arm]:
    """What the rows say, line by line."""
    windows_s = [line.repeat_call_s or WINDOW_S for line in question.lines]
    rows = await tx.fetch(
        *SQL["arms"](
            workspace=tx.workspace_id,
            earliest=question.period.since - timedelta(seconds=max(windows_s, default=0)),
            since=question.period.since,
            until=question.period.until,
            lines=[line.line_id for line in question.lines],
            windows_s=windows_s,
        )
    )
    return [Arm(**row) for row in rows]


def by_line(lines: Sequence[Line], counted: Iterable[Arm]) -> Mapping[LineId, Pair]:
    """Every line, those without callers too."""
    pairs: dict[LineId, Pair] = {line.line_id: Pair() for line in lines}
    for arm in counted:
        _add(pairs[arm.line_id], arm)
    return pairs


def by_intent(counted: Iterable[Arm]) -> Mapping[tuple[LineId, str | None], Pair]:
    """By line and what the callers wanted, as far as the IVR told."""
    pairs: defaultdict[tuple[LineId, str | None], Pair] = defaultdict(Pair)
    for arm in counted:
        _add(pairs[arm.line_id, arm.intent], arm)
    return pairs


def _add(pair: Pair, arm: Arm) -> None:
    (pair.held_out if arm.arm == "hold_out" else pair.offered).add(arm)
