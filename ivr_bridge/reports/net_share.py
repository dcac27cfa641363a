"""How many callers fewer a person had to answer because chat was offered: against the hold-out."""

from core.postgres import Tx
from ivr_bridge.reports.arms import Pair, Status, arms, by_line
from ivr_bridge.reports.intervals import Interval, difference_of_shares, together, wilson
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit, share

_COLUMNS = (
    Column("line", Unit.TEXT),
    Column("offered", Unit.CALLS),
    Column("held_out", Unit.CALLS),
    Column("answered_offered", Unit.SHARE),
    Column("answered_held_out", Unit.SHARE),
    Column("net", Unit.SHARE),
    Column("low", Unit.SHARE),
    Column("high", Unit.SHARE),
    Column("unknown", Unit.CALLS),
    Column("status", Unit.TEXT),
)


async def net_share(tx: Tx, question: Question) -> Table:
    """One row a line; their measured differences, weighed by callers, are the total."""
    pairs = by_line(question.lines, await arms(tx, question))
    rows = [{"line": question.labels[line_id], **figures(pair)} for line_id, pair in pairs.items()]
    return Table(_COLUMNS, rows, _total(list(pairs.values())))


def net(pair: Pair) -> Interval:
    """The held-out callers' share of answered ones, less that of the offered; neither arm is empty."""
    held_out = wilson(pair.held_out.answered, pair.held_out.callers)
    return difference_of_shares(held_out, wilson(pair.offered.answered, pair.offered.callers))


def figures(pair: Pair) -> Row:
    """A line's figures; no difference where it cannot be told."""
    status = pair.status()
    found = net(pair) if status is Status.MEASURED else None
    return {
        "offered": pair.offered.callers,
        "held_out": pair.held_out.callers,
        "answered_offered": share(pair.offered.answered, pair.offered.callers),
        "answered_held_out": share(pair.held_out.answered, pair.held_out.callers),
        **bounds(found),
        "unknown": pair.offered.unknown + pair.held_out.unknown,
        "status": status.value,
    }


def bounds(found: Interval | None, name: str = "net") -> Row:
    """A figure and its interval, or the empty places of both."""
    if found is None:
        return {name: None, "low": None, "high": None}
    return {name: found.value, "low": found.low, "high": found.high}


def _total(pairs: list[Pair]) -> Row:
    measured = [pair for pair in pairs if pair.status() is Status.MEASURED]
    callers = sum(pair.callers for pair in measured)
    found = (
        together([(pair.callers / callers, net(pair)) for pair in measured]) if callers else None
    )
    return {
        "offered": sum(pair.offered.callers for pair in pairs),
        "held_out": sum(pair.held_out.callers for pair in pairs),
        **bounds(found),
        "unknown": sum(pair.offered.unknown + pair.held_out.unknown for pair in pairs),
        "measured_lines": len(measured),
    }
