"""A workspace with a line, and a file that is taken into it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.clock import utc_now
from core.ids import WorkspaceId
from core.postgres import Database
from ivr_bridge.cdr.files import opened
from ivr_bridge.cdr.layouts import Format
from ivr_bridge.cdr.taking import Taking, Tally, Wanted
from ivr_bridge.lines import Lines, put_line
from tests.ivr_bridge.conftest import line_draft

MOSCOW = ZoneInfo("Europe/Moscow")
FILES = Path(__file__).parents[2] / "payloads" / "cdr"

Take = Callable[..., Awaitable[Tally]]


async def take_into(
    database: Database,
    workspace_id: WorkspaceId,
    path: Path,
    *,
    wanted: Format = Format.AUTO,
    mapped: dict[str, str] | None = None,
    encoding: str = "auto",
    **how: Any,
) -> Tally:
    """One run of the import."""
    with opened(path, encoding=encoding, wanted=wanted, mapped=mapped) as source:
        taking = Taking(
            database,
            Lines(database),
            utc_now,
            workspace_id,
            Wanted(**{"zone": MOSCOW, **how}),
        )
        return await taking.run(source, lambda _: None)


@pytest.fixture
async def take(database: Database, workspace_id: WorkspaceId, tmp_path: Path) -> Take:
    """Import a recorded file by its name, or a text."""
    async with database.workspace(workspace_id) as tx:
        await put_line(tx, line_draft())

    async def run(name: str = "", *, text: str | bytes = "", **how: Any) -> Tally:
        path = FILES / name
        if text:
            path = tmp_path / "calls"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return await take_into(database, workspace_id, path, **how)

    return run
