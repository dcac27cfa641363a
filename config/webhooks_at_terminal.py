"""Webhooks to a company's own systems, looked at and set going again by the operations engineer."""

from collections.abc import Mapping, Sequence
from typing import Any

from config.rooms import rooms
from config.settings import Settings
from core import outgoing
from core.access import audit
from core.outgoing.sql import SQL


async def standing(settings: Settings, workspace: str) -> Sequence[Mapping[str, Any]]:
    """Every endpoint of this workspace and how it does."""
    async with rooms(settings, application="webhooks", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(workspace)
        async with opened.database.workspace(workspace_id, read_only=True) as tx:
            rows = await tx.fetch(*SQL["standing"](workspace=workspace_id))
    return [dict(row) for row in rows]


async def resume(settings: Settings, workspace: str, name: str, *, given_up: bool) -> int:
    """Try an endpoint again; how many given-up deliveries live anew."""
    async with rooms(settings, application="webhooks", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(workspace)
        async with opened.database.workspace(workspace_id) as tx:
            revived = await outgoing.resume(tx, name, also_given_up=given_up)
            await audit.note(
                tx,
                action="webhook.resumed",
                actor_kind="command",
                actor_id=None,
                subject=name,
                facts={"revived": revived},
            )
    return revived
