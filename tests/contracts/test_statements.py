"""Every named statement is prepared against the migrated schema and fits what it fills."""

import dataclasses
import importlib
import re
from pathlib import Path

import asyncpg
import pytest

from core.queries import Statement, load

ROOT = Path(__file__).parents[2]
ROOMS = ["core", "messaging", "handoff", "ivr_bridge"]
STATEMENTS: list[tuple[Path, Statement]] = [
    (path, statement)
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.sql"))
    for statement in load(path).values()
]


@pytest.fixture
async def owner(database_url):
    conn = await asyncpg.connect(database_url)
    yield conn
    await conn.close()


async def test_every_statement_prepares_and_fills_its_type(owner):
    """One database for all of them: preparing changes nothing."""
    wrong = []
    for path, statement in STATEMENTS:
        where = f"{path.relative_to(ROOT)}:{statement.name}"
        try:
            prepared = await owner.prepare(statement.text)
        except asyncpg.PostgresError as error:
            wrong.append(f"{where}: {error}")
            continue
        if statement.fills is not None:
            columns = [attribute.name for attribute in prepared.get_attributes()]
            wanted = _fields(statement)
            if set(columns) != set(wanted) or len(columns) != len(wanted):
                wrong.append(f"{where}: columns {columns} do not fill {wanted}")
    assert not wrong, "\n".join(wrong)
    assert STATEMENTS


def test_a_room_names_only_its_own_schema_and_those_below_it():
    for path, statement in STATEMENTS:
        room = path.relative_to(ROOT).parts[0]
        allowed = set(ROOMS[: ROOMS.index(room) + 1])
        named = set(re.findall(r"\b(core|messaging|handoff|ivr_bridge)\.\w+", statement.text))
        assert named <= allowed, f"{path}: {statement.name} names {named - allowed}"


def _fields(statement: Statement) -> list[str]:
    assert statement.fills is not None
    module, _, name = statement.fills.partition(":")
    filled = getattr(importlib.import_module(module), name)
    return [field.name for field in dataclasses.fields(filled)]
