"""Who calls again within the line's window: callers who were offered chat beside those held out."""

from core.postgres import Tx
from ivr_bridge.reports.arms import Pair, Status, arms, by_intent
from ivr_bridge.reports.intervals import difference_of_shares, wilson
from ivr_bridge.reports.net_share import bounds
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit, share

_COLUMNS = (
    Column("line", Unit.TEXT),
    Column("intent", Unit.TEXT),
    Column("offered", Unit.CALLS),
    Column("repeated_offered", Unit.SHARE),
    Column("held_out", Unit.CALLS),
    Column("repeated_held_out", Unit.SHARE),
    Column("more", Unit.SHARE),
    Column("low", Unit.SHARE),
    Column("high", Unit.SHARE),
    Column("status", Unit.TEXT),
)


async def repeat_calls(tx: Tx, question: Question) -> Table:
    """One row a line and intent, the most callers first; a positive difference means more calls."""
    pairs = by_intent(await arms(tx, question))
    order = {line.line_id: place for place, line in enumerate(question.lines)}
    ranked = sorted(
        pairs.items(), key=lambda each: (order[each[0][0]], -each[1].callers, each[0][1] or "")
    )
    rows = [
        {"line": question.labels[line_id], "intent": intent, **figures(pair)}
        for (line_id, intent), pair in ranked
    ]
    return Table(_COLUMNS, rows, _total([pair for _, pair in ranked]))


def figures(pair: Pair) -> Row:
    """Both arms' shares, and how far apart they are."""
    status = pair.status(by_ends=False)
    found = None
    if status is Status.MEASURED:
        offered = wilson(pair.offered.repeated, pair.offered.callers)
        held_out = wilson(pair.held_out.repeated, pair.held_out.callers)
        found = difference_of_shares(offered, held_out)
    return {
        "offered": pair.offered.callers,
        "repeated_offered": share(pair.offered.repeated, pair.offered.callers),
        "held_out": pair.held_out.callers,
        "repeated_held_out": share(pair.held_out.repeated, pair.held_out.callers),
        **bounds(found, "more"),
        "status": status.value,
    }


def _total(pairs: list[Pair]) -> Row:
    return {
        "offered": sum(pair.offered.callers for pair in pairs),
        "held_out": sum(pair.held_out.callers for pair in pairs),
    }
