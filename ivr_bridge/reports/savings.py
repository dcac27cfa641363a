"""What moving callers to chat saved: voice minutes against the hold-out, in money where costs are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.access.workspaces import workspace
from core.ids import LineId
from core.postgres import Tx
from core.queries import load
from ivr_bridge.reports.arms import Pair, Status, arms, by_line
from ivr_bridge.reports.intervals import Interval, difference_of_means, together
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit

SQL = load(Path(__file__).with_name("savings.sql"))

_COLUMNS = (
    Column("line", Unit.TEXT),
    Column("callers", Unit.CALLS),
    Column("minutes", Unit.AMOUNT),
    Column("minutes_low", Unit.AMOUNT),
    Column("minutes_high", Unit.AMOUNT),
    Column("messages", Unit.CALLS),
    Column("saved", Unit.AMOUNT),
    Column("low", Unit.AMOUNT),
    Column("high", Unit.AMOUNT),
    Column("currency", Unit.TEXT),
    Column("status", Unit.TEXT),
)


class Costs(BaseModel):
    """What a minute on the line and a message cost, as the workspace file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice_minute: float = Field(ge=0, le=1_000_000)
    message: float = Field(0, ge=0, le=1_000_000)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


@dataclass(frozen=True, slots=True)
class Sent:
    """Openings of one line."""

    line_id: LineId
    messages: int


async def savings(tx: Tx, question: Question) -> Table:
    """One row a line, and all measured lines together."""
    told = (await workspace(tx)).settings.get("costs")
    costs = None if told is None else Costs.model_validate(told)
    pairs = by_line(question.lines, await arms(tx, question))
    rows = await tx.fetch(
        *SQL["openings_sent"](
            workspace=tx.workspace_id,
            since=question.period.since,
            until=question.period.until,
            lines=[line.line_id for line in question.lines],
        )
    )
    sent = {each.line_id: each.messages for each in (Sent(**row) for row in rows)}
    lines = [
        {
            "line": question.labels[line_id],
            "callers": pair.offered.callers,
            **_figures(_saved(pair), sent.get(line_id, 0), costs),
            "status": pair.status().value,
        }
        for line_id, pair in pairs.items()
    ]
    return Table(_COLUMNS, lines, _total(pairs, sent, costs))


def _saved(pair: Pair) -> Interval | None:
    """Minutes that the offered callers would have spent on the line, had nothing been offered them."""
    if pair.status() is not Status.MEASURED:
        return None
    return difference_of_means(pair.held_out.mean, pair.offered.mean).times(pair.offered.callers)


def _figures(saved: Interval | None, messages: int, costs: Costs | None) -> Row:
    money = None
    if saved is not None and costs is not None:
        money = saved.times(costs.voice_minute).less(messages * costs.message)
    return {
        "minutes": None if saved is None else saved.value,
        "minutes_low": None if saved is None else saved.low,
        "minutes_high": None if saved is None else saved.high,
        "messages": messages,
        "saved": None if money is None else money.value,
        "low": None if money is None else money.low,
        "high": None if money is None else money.high,
        "currency": None if costs is None else costs.currency,
    }


def _total(pairs: Mapping[LineId, Pair], sent: Mapping[LineId, int], costs: Costs | None) -> Row:
    measured = {line_id: saved for line_id, pair in pairs.items() if (saved := _saved(pair))}
    whole = together([(1.0, saved) for saved in measured.values()]) if measured else None
    return {
        "callers": sum(pairs[line_id].offered.callers for line_id in measured),
        **_figures(whole, sum(sent.get(line_id, 0) for line_id in measured), costs),
        "measured_lines": len(measured),
    }
