"""Buried jobs, looked at and replayed by the operations engineer."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from config.rooms import rooms
from config.settings import Settings
from core.access import audit
from core.jobs.store import SQL


async def buried(settings: Settings, workspace: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """What was given up in this workspace, newest first."""
    async with rooms(settings, application="jobs", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(workspace)
        async with opened.database.workspace(workspace_id, read_only=True) as tx:
            rows = await tx.fetch(*SQL["buried"](workspace=workspace_id, size=limit))
    return [dict(row) for row in rows]


async def replay(settings: Settings, workspace: str, kind: str | None, job_id: UUID | None) -> int:
    """Let these run again; how many there were."""
    async with rooms(settings, application="jobs", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(workspace)
        async with opened.database.workspace(workspace_id) as tx:
            rows = await tx.fetch(*SQL["replay"](workspace=workspace_id, job_id=job_id, kind=kind))
            await audit.note(
                tx,
                action="jobs.replayed",
                actor_kind="command",
                actor_id=None,
                facts={"kind": kind, "count": len(rows)},
            )
    return len(rows)
