"""Several rooms' statements as one round trip: each room keeps its own SQL, the caller waits once.

    OPEN = Woven(
        "SELECT contact_id FROM opening",
        opening=Strand(openings.SQL["prepare"]),
        chat=Strand(conversation.SQL["begin"], thread="(SELECT thread_id FROM opening)"),
    )
    row = await database.alone(workspace_id, *OPEN(opening={…}, chat={…}))

Every strand becomes a part of one WITH, under its own name; a parameter may be given by another
strand's rows instead of a value. In such an expression, and in the ending, `{}` stands for the value
itself and `{opening.phones}` for the value of another strand. PostgreSQL runs all strands on one
snapshot, and all of them or none. Strands for many rows at once are told which of them to leave out
by `only_where`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.queries import Statement

_SHARED = "workspace"
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_PLACE = re.compile(r"\$(\d+)")
_OTHERS = re.compile(r"\{(\w+)\.(\w+)\}")
_PART = re.compile(r"\s*(\w+)\s+AS\s+(?:MATERIALIZED\s+)?\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True, init=False)
class Strand:
    """A statement, and which of its parameters other strands give."""

    statement: Statement
    given: Mapping[str, str]

    def __init__(self, statement: Statement, **given: str) -> None:
        if unknown := given.keys() - set(statement.parameters):
            raise ValueError(f"{statement.name} has no parameters {sorted(unknown)}")
        object.__setattr__(self, "statement", statement)
        object.__setattr__(self, "given", given)


def only_where(done: str, keys: str) -> str:
    """Ids in their order, but NULL where the row of the same place in `keys` was not `done`."""
    return (
        "(SELECT array_agg(CASE WHEN done.id IS NOT NULL THEN asked.id END ORDER BY asked.place)"
        f" FROM unnest({{{keys}}}::uuid[], {{}}::uuid[]) WITH ORDINALITY AS asked (key, id, place)"
        f" LEFT JOIN ({done}) AS done (id) ON done.id = asked.key)"
    )


class Woven:
    """One statement made of several; called with each strand's values by name."""

    def __init__(self, ending: str, **strands: Strand) -> None:
        self._places: dict[tuple[str, str], int] = {}
        parts = [part for name, strand in strands.items() for part in self._parts(name, strand)]
        self.text = "WITH " + ",\n".join(parts) + "\n" + self._with_others(ending)

    def __call__(self, **values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The text and its arguments. Values that another strand gives are not read."""
        return (self.text, *[values[strand][parameter] for strand, parameter in self._places])

    def _parts(self, name: str, strand: Strand) -> list[str]:
        def fill(place: re.Match[str]) -> str:
            parameter = strand.statement.parameters[int(place[1]) - 1]
            given = self._with_others(strand.given.get(parameter, "{}"))
            return given.replace("{}", self._place(name, parameter)) if "{}" in given else given

        inner, main = _split(strand.statement.text)
        names = [part for part, _ in inner]
        told = [*inner, ("", main)]
        return [
            f"{_own(name, part) if part else name} AS (\n{_PLACE.sub(fill, _renamed(text, name, names))})"
            for part, text in told
        ]

    def _with_others(self, expression: str) -> str:
        return _OTHERS.sub(lambda other: self._place(other[1], other[2]), expression)

    def _place(self, strand: str, parameter: str) -> str:
        """Where a value goes; the workspace is the same for all."""
        if parameter == _SHARED:
            strand = next((held for held, of in self._places if of == _SHARED), strand)
        places = self._places
        return f"${places.setdefault((strand, parameter), len(places) + 1)}"


def _split(text: str) -> tuple[list[tuple[str, str]], str]:
    """The parts of a WITH, and the statement after them."""
    parts: list[tuple[str, str]] = []
    if not text.upper().startswith("WITH "):
        return parts, text
    position = len("WITH")
    while (opening := _PART.match(text, position)) is not None:
        end = _closing(text, opening.end())
        parts.append((opening[1], text[opening.end() : end]))
        position = end + 1
        if not text[position:].lstrip().startswith(","):
            break
        position = text.index(",", position) + 1
    return parts, text[position:].strip()


def _closing(text: str, position: int) -> int:
    """Where the bracket that was opened before this position is closed."""
    quoted = [literal.span() for literal in _LITERAL.finditer(text)]
    depth = 1
    for at in range(position, len(text)):
        if any(first <= at < last for first, last in quoted):
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ValueError("a bracket is never closed")


def _renamed(text: str, strand: str, names: list[str]) -> str:
    """The same with every part of this strand under its own name; columns and literals stay."""
    if not names:
        return text
    # After AS stands a column's or a table's new name, after a dot a column.
    part = re.compile(rf"(?<![\w.])(?<!\bAS )({'|'.join(names)})(?!\w)")
    pieces, position = [], 0
    for literal in _LITERAL.finditer(text):
        pieces += [part.sub(lambda m: _own(strand, m[1]), text[position : literal.start()])]
        pieces += [literal[0]]
        position = literal.end()
    pieces.append(part.sub(lambda m: _own(strand, m[1]), text[position:]))
    return "".join(pieces)


def _own(strand: str, part: str) -> str:
    return f"{strand}_{part}"
