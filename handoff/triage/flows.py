"""Published flows: frozen under their content's hash, and remembered once they were read."""

from collections import OrderedDict
from datetime import datetime
from pathlib import Path

from core.ids import PersonId, WorkspaceId
from core.postgres import Tx
from core.queries import load
from handoff.triage.flow import Flow
from handoff.triage.reading import parse

SQL = load(Path(__file__).with_name("triage.sql"))

NO_FLOW = "none"
"""The name under which a conversation stands in a workspace without any flow: people take it."""

_REMEMBERED = 64


async def publish(
    tx: Tx, flow: Flow, *, at: datetime, by: PersonId | None = None, default: bool = False
) -> str:
    """Freeze this flow and begin new conversations with it; answers its version."""
    names = {"workspace": tx.workspace_id, "flow": flow.flow}
    await tx.execute(
        *SQL["put_version"](version=flow.version, content=flow.canonical(), at=at, by=by, **names)
    )
    await tx.execute(*SQL["unrecall"](version=flow.version, **names))
    await tx.execute(*SQL["choose_version"](version=flow.version, **names))
    if default:
        await tx.execute(*SQL["forget_default"](**names))
        await tx.execute(*SQL["set_default"](**names))
    return flow.version


async def recall(tx: Tx, flow: str, version: str, *, at: datetime) -> None:
    """This version does harm: whoever is in it goes to people."""
    await tx.execute(*SQL["recall"](workspace=tx.workspace_id, flow=flow, version=version, at=at))


async def default_flow(tx: Tx) -> str:
    """The flow that greets those who were not invited."""
    name: str | None = await tx.fetchval(*SQL["default_flow"](workspace=tx.workspace_id))
    return name or NO_FLOW


class Flows:
    """The versions that conversations are pinned to; they never change, so they are kept."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[WorkspaceId, str, str], Flow] = OrderedDict()

    async def pinned(self, tx: Tx, flow: str | None, version: str | None) -> Flow | None:
        """This version, or None when it does not exist or was recalled."""
        if flow is None or version is None:
            return None
        names = {"workspace": tx.workspace_id, "flow": flow, "version": version}
        if await tx.fetchval(*SQL["recalled"](**names)) is not False:
            return None
        key = (tx.workspace_id, flow, version)
        if key not in self._read:
            self._read[key] = parse(await tx.fetchval(*SQL["content"](**names)))
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]
