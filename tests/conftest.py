"""Real servers for every test: a PostgreSQL database cloned from a migrated template, and Valkey."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from config.embedded import throwaway
from core.access.workspaces import Workspace, Workspaces, put_workspace
from core.ids import WorkspaceId
from core.postgres import Database, open_database
from core.wake import Wake, open_wake
from migrations.runner import migrate
from tests.order import ByWhatTheyShare, rank


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share a running product stay with one worker."""
    return ByWhatTheyShare(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=lambda item: rank(item.path, config.rootpath))


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of the servers that tests run against."""

    database_url: str
    redis_url: str


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """DATABASE_URL and REDIS_URL when they are set, otherwise a throw-away pair."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield Servers(database_url, redis_url)
        return
    with throwaway() as pair:
        yield Servers(pair.database_url, pair.redis_url)


@pytest.fixture(scope="session")
def template(servers: Servers) -> Iterator[str]:
    """The name of a database that has every migration and no rows."""
    name = f"template_{secrets.token_hex(4)}"
    asyncio.run(_make_template(servers.database_url, name))
    yield name
    asyncio.run(_drop(servers.database_url, name))


@pytest.fixture
async def database_url(servers: Servers, template: str) -> AsyncIterator[str]:
    """A migrated database of this test's own."""
    async with fresh_database(servers, template) as url:
        yield url


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The Redis-protocol server. Hints carry ids of this test only, so it is shared."""
    return servers.redis_url


@pytest.fixture
async def wake(redis_url: str) -> AsyncIterator[Wake]:
    """Hints, over the real server."""
    async with open_wake(redis_url) as opened:
        yield opened


@pytest.fixture
async def database(database_url: str, wake: Wake) -> AsyncIterator[Database]:
    """The database as the service sees it: under its role, hints going out after commits."""
    async with open_database(database_url, application="test", size=12, hint=wake.hint) as opened:
        yield opened


@pytest.fixture
async def workspace_id(database: Database) -> WorkspaceId:
    """A workspace called `demo`."""
    return await make_workspace(database, "demo")


@pytest.fixture
async def other_workspace_id(database: Database, workspace_id: WorkspaceId) -> WorkspaceId:
    """A second tenant, for tests of what must not cross."""
    del workspace_id
    return await make_workspace(database, "other")


class SettableClock:
    """A clock that stands where it was set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SettableClock:
    """Time in the test's hands."""
    return SettableClock()


@asynccontextmanager
async def fresh_database(servers: Servers, template: str) -> AsyncIterator[str]:
    """The address of a migrated database that nobody else uses, gone afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    await _administer(
        servers.database_url,
        f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy',
    )
    try:
        yield _renamed(servers.database_url, name)
    finally:
        await _drop(servers.database_url, name)


async def make_workspace(database: Database, name: str) -> WorkspaceId:
    """A workspace with nothing in it."""
    workspace_id = await Workspaces(database).reserve_number(name)
    async with database.workspace(workspace_id) as tx:
        await put_workspace(
            tx, Workspace(workspace_id, name, name.title(), "Europe/Moscow", ["ru", "en"], {})
        )
    return workspace_id


async def _make_template(server: str, name: str) -> None:
    await _administer(server, f'CREATE DATABASE "{name}"')
    await migrate(_renamed(server, name))


async def _drop(server: str, name: str) -> None:
    """Drop it, whoever is still connected; autovacuum may not be ended by us, but leaves by itself."""
    for patience_s in (0.1, 0.5, 2.0):
        try:
            await _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        except asyncpg.InsufficientPrivilegeError:
            await asyncio.sleep(patience_s)
        else:
            return


async def _administer(server: str, statement: str) -> None:
    conn = await asyncpg.connect(server)
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


def _renamed(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))
