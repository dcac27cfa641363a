"""A small contact centre: a customer, a team, a bot, and time in the test's hands."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from core.ids import (
    WorkspaceId,
)
from core.postgres import Database
from tests.handoff.house import FLOW, House, make_house

__all__ = ["FLOW", "House", "make_house", "owned"]


@pytest.fixture
async def owner(database_url: str, workspace_id: WorkspaceId) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own into the workspace, for looking and for mishaps."""
    conn = await owned(database_url, workspace_id)
    yield conn
    await conn.close()


async def owned(database_url: str, workspace_id: WorkspaceId) -> asyncpg.Connection:
    conn = await asyncpg.connect(database_url)
    await conn.execute(
        f"SET ROLE ivr_bridge_service; SET ivr_bridge.workspace = {int(workspace_id)}"
    )
    await conn.set_type_codec(
        "jsonb",
        encoder=json.dumps,
        decoder=json.loads,
        schema="pg_catalog",
        format="text",
    )
    return conn


@pytest.fixture
async def house(
    database: Database, workspace_id: WorkspaceId, clock: Any, owner: asyncpg.Connection
) -> House:
    """A contact centre with a queue, a published flow and a customer."""
    return await make_house(database, workspace_id, clock, owner)
