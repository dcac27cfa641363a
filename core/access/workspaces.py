"""Tenants: nothing crosses from one to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core.access.sql import SQL
from core.faults import NotFound
from core.ids import WorkspaceId
from core.postgres import Database, Tx


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant and what all its rooms share."""

    workspace_id: WorkspaceId
    name: str
    title: str
    timezone: str
    languages: Sequence[str]
    settings: Mapping[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        """Where its days begin and end."""
        return ZoneInfo(self.timezone)


class WorkspaceUnknown(NotFound, code="workspace_unknown"):
    """There is no workspace with this name."""


class Workspaces:
    """Find workspaces by name; numbers never change, so they are remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers: dict[str, WorkspaceId] = {}

    async def number(self, name: str) -> WorkspaceId:
        """The number behind a name; raises WorkspaceUnknown."""
        if name not in self._numbers:
            if "\x00" in name:  # PostgreSQL's text knows none
                raise WorkspaceUnknown
            async with self._database.directory() as tx:
                found = await tx.fetchval(*SQL["find_workspace"](name=name))
            if found is None:
                raise WorkspaceUnknown
            self._numbers[name] = WorkspaceId(found)
        return self._numbers[name]

    async def everyone(self) -> Sequence[tuple[WorkspaceId, str]]:
        """Number and name of every workspace."""
        async with self._database.directory() as tx:
            rows = await tx.fetch(*SQL["all_workspaces"]())
        return [(WorkspaceId(row["workspace_id"]), row["name"]) for row in rows]

    async def reserve_number(self, name: str) -> WorkspaceId:
        """The number of this workspace, or a fresh one when it is about to be made."""
        try:
            return await self.number(name)
        except WorkspaceUnknown:
            async with self._database.workspace(WorkspaceId(0)) as tx:
                return WorkspaceId(await tx.fetchval(*SQL["next_workspace"]()))


async def workspace(tx: Tx) -> Workspace:
    """The workspace whose transaction this is."""
    row = await tx.fetchrow(*SQL["workspace"](workspace=tx.workspace_id))
    if row is None:
        raise WorkspaceUnknown
    return Workspace(**row)


async def put_workspace(tx: Tx, wanted: Workspace) -> None:
    """Make it so, whether or not it exists."""
    await tx.execute(
        *SQL["put_workspace"](
            workspace=wanted.workspace_id,
            name=wanted.name,
            title=wanted.title,
            timezone=wanted.timezone,
            languages=list(wanted.languages),
            settings=dict(wanted.settings),
        )
    )
