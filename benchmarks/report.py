"""What was measured: rows for programs, a table for people."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `ratio` is to the floor; `goal` is of the ratio where there is one, else of the value."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None


_HEADINGS = ("", "value", "unit", "floor", "ratio", "goal", "")


def table(rows: Sequence[Row]) -> str:
    """Aligned columns; figures to the right."""
    cells = [_HEADINGS, *[_cells(row) for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in {0, 2, 5, 6} else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        _figure(row.value),
        row.unit,
        "" if row.floor is None else _figure(row.floor),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        row.goal or "",
        "" if row.met is None else "met" if row.met else "missed",
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
