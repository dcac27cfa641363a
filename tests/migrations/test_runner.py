"""Each file once, in order, whole or not at all, and one runner at a time."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from migrations.runner import DatabaseAhead, MigrationChanged, known, migrate
from tests.conftest import Servers


@pytest.fixture
async def empty(servers: Servers) -> AsyncIterator[str]:
    """A database that no migration has touched."""
    name = f"empty_{secrets.token_hex(4)}"
    server = await asyncpg.connect(servers.database_url)
    await server.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
    parts = urlsplit(servers.database_url)
    yield urlunsplit(parts._replace(path=f"/{name}"))
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "0001_shop", "CREATE TABLE toy (name text)")
    write(tmp_path, "0002_toys", "INSERT INTO toy VALUES ('bear')")
    return tmp_path


def write(folder: Path, name: str, sql: str) -> None:
    (folder / f"{name}.sql").write_text(sql)


async def toys(database_url: str) -> list[str]:
    conn = await asyncpg.connect(database_url)
    try:
        return [row["name"] for row in await conn.fetch("SELECT name FROM toy ORDER BY name")]
    finally:
        await conn.close()


async def test_each_file_is_applied_once_and_in_order(empty: str, folder: Path):
    said: list[str] = []
    assert await migrate(empty, folder=folder, report=said.append) == ["0001_shop", "0002_toys"]
    assert said == ["migrating 0001_shop", "migrating 0002_toys"]
    assert await migrate(empty, folder=folder) == []
    write(folder, "0003_more", "INSERT INTO toy VALUES ('car')")
    assert await migrate(empty, folder=folder) == ["0003_more"]
    assert await toys(empty) == ["bear", "car"]


async def test_a_file_that_fails_leaves_nothing_and_the_next_run_begins_with_it(
    empty: str, folder: Path
):
    write(folder, "0003_more", "INSERT INTO toy VALUES ('car'); SELECT 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, folder=folder)
    assert await toys(empty) == ["bear"]
    write(folder, "0003_more", "INSERT INTO toy VALUES ('car')")
    assert await migrate(empty, folder=folder) == ["0003_more"]


async def test_two_runners_at_once_apply_each_file_once(empty: str, folder: Path):
    write(folder, "0003_slow", "SELECT pg_sleep(0.2); INSERT INTO toy VALUES ('car')")
    done = await asyncio.gather(*(migrate(empty, folder=folder) for _ in range(3)))
    assert sorted(map(len, done)) == [0, 0, 3]
    assert await toys(empty) == ["bear", "car"]


async def test_a_runner_waits_for_another_one_and_not_for_ever(
    empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("migrations.runner.PATIENCE_S", 0.2)
    other = await asyncpg.connect(empty)
    try:
        await other.execute("SELECT pg_advisory_lock($1)", 0x1B71D6E)
        with pytest.raises(asyncpg.QueryCanceledError):
            await asyncio.wait_for(migrate(empty, folder=folder), 10)
    finally:
        await other.close()
    assert await migrate(empty, folder=folder) == ["0001_shop", "0002_toys"]


async def test_a_file_that_was_edited_and_one_that_is_not_known_are_named(empty: str, folder: Path):
    await migrate(empty, folder=folder)
    text = (folder / "0002_toys.sql").read_text()
    write(folder, "0002_toys", text + " -- harmless")
    write(folder, "0003_more", "INSERT INTO toy VALUES ('car')")
    with pytest.raises(MigrationChanged, match="0002_toys"):
        await migrate(empty, folder=folder)
    write(folder, "0002_toys", text)
    (folder / "0001_shop.sql").unlink()
    with pytest.raises(DatabaseAhead, match="0001_shop"):
        await migrate(empty, folder=folder)
    assert await toys(empty) == ["bear"]


async def test_what_cannot_run_in_a_transaction_may_say_so(empty: str, folder: Path):
    write(
        folder,
        "0003_found",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY toy_name ON toy (name);\n"
        "CREATE INDEX CONCURRENTLY toy_upper ON toy (upper(name));\n",
    )
    assert (await migrate(empty, folder=folder))[-1] == "0003_found"


def test_the_houses_own_files_have_a_number_each():
    numbers = [migration.name[:4] for migration in known()]
    assert len(set(numbers)) == len(numbers) > 10
