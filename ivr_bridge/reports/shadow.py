"""A candidate policy beside the live one: where they agree, and what would change."""

from dataclasses import dataclass
from pathlib import Path

from core.ids import LineId
from core.postgres import Tx
from core.queries import load
from ivr_bridge.policy.recorded import fingerprint
from ivr_bridge.reports.table import Column, Question, Row, Table, Unit, share

SQL = load(Path(__file__).with_name("shadow.sql"))

_COLUMNS = (
    Column("line", Unit.TEXT),
    Column("live", Unit.TEXT),
    Column("candidate", Unit.TEXT),
    Column("agrees", Unit.YES_NO),
    Column("answers", Unit.CALLS),
    Column("share", Unit.SHARE),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Answers of one line to which both said the same pair of reasons."""

    line_id: LineId
    live: str
    candidate: str
    answers: int


async def shadow(tx: Tx, question: Question) -> Table:
    """One row a line and pair of reasons, of candidates as they stand now; `ok` is an offer."""
    beside = [
        (line.line_id, fingerprint(line.terms.shadow))
        for line in question.lines
        if line.terms.shadow is not None
    ]
    rows = await tx.fetch(
        *SQL["shadow"](
            workspace=tx.workspace_id,
            since=question.period.since,
            until=question.period.until,
            lines=[line_id for line_id, _ in beside],
            policies=[policy for _, policy in beside],
        )
    )
    pairs = [Pair(**row) for row in rows]
    of_line = {
        line_id: sum(pair.answers for pair in pairs if pair.line_id == line_id)
        for line_id, _ in beside
    }
    order = {line_id: place for place, (line_id, _) in enumerate(beside)}
    ordered = sorted(pairs, key=lambda pair: (order[pair.line_id], pair.live != pair.candidate))
    return Table(
        _COLUMNS,
        [_row(pair, question.labels[pair.line_id], of_line[pair.line_id]) for pair in ordered],
        _total(pairs),
    )


def _row(pair: Pair, line: str, answers: int) -> Row:
    return {
        "line": line,
        "live": pair.live,
        "candidate": pair.candidate,
        "agrees": pair.live == pair.candidate,
        "answers": pair.answers,
        "share": share(pair.answers, answers),
    }


def _total(pairs: list[Pair]) -> Row:
    answers = sum(pair.answers for pair in pairs)
    agreeing = sum(pair.answers for pair in pairs if pair.live == pair.candidate)
    return {"answers": answers, "share": share(agreeing, answers)}
