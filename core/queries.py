"""Named SQL: one .sql file beside its owner, each statement captioned, parameters by keyword.

    -- name: reserve_next -> handoff.routing.store:Reservation
    -- The conversation this queue owes next.
    SELECT … WHERE workspace_id = :workspace

`SQL["reserve_next"](workspace=…)` gives the text and positional arguments for asyncpg. The part
after `->` names the dataclass that the columns fill; a contract test prepares every statement
against the migrated schema and compares.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = re.compile(r"^-- name: (?P<name>\w+)(?: -> (?P<fills>[\w.]+:\w+))?\s*$")
_PARAMETER = re.compile(r"(?<![:\w]):(?P<name>[a-z_]\w*)")
_LITERAL = re.compile(r"'(?:[^']|'')*'|--[^\n]*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One checked call to the database."""

    name: str
    caption: str
    text: str
    parameters: tuple[str, ...]
    fills: str | None

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """The text and its arguments, to be spread into a connection's method."""
        if len(values) != len(self.parameters):
            raise TypeError(f"{self.name} takes {self.parameters}, not {tuple(values)}")
        return (self.text, *[values[name] for name in self.parameters])


def load(path: Path) -> Mapping[str, Statement]:
    """Read the statements of one file; a nameless or uncaptioned one is a mistake worth stopping for."""
    statements: dict[str, Statement] = {}
    name: str | None = None
    fills: str | None = None
    lines: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), "-- name: _end"]:
        heading = _NAME.match(line)
        if heading is None:
            lines.append(line)
            continue
        if name is not None:
            if name in statements:
                raise ValueError(f"{path}: {name} stands twice")
            statements[name] = _statement(path, name, fills, lines)
        name, fills, lines = heading["name"], heading["fills"], []
    return statements


def _statement(path: Path, name: str, fills: str | None, lines: list[str]) -> Statement:
    caption = []
    body = list(lines)
    while body and body[0].startswith("--"):
        caption.append(body.pop(0)[2:].strip())
    if not caption:
        raise ValueError(f"{path}: {name} has no caption")
    parameters: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match["name"] not in parameters:
            parameters.append(match["name"])
        return f"${parameters.index(match['name']) + 1}"

    source = "\n".join(body).strip().rstrip(";")
    pieces = []
    position = 0
    for literal in _LITERAL.finditer(source):
        pieces.append(_PARAMETER.sub(number, source[position : literal.start()]))
        # Comments go, literals stay as they are: neither holds parameters.
        pieces.append("" if literal[0].startswith("--") else literal[0])
        position = literal.end()
    pieces.append(_PARAMETER.sub(number, source[position:]))
    return Statement(name, " ".join(caption), "".join(pieces), tuple(parameters), fills)
