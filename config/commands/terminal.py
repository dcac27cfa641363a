"""What every command at the terminal begins with."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvloop
from rich.console import Console

from config.settings import Settings
from core.telemetry import set_up_logging

if TYPE_CHECKING:
    from config.rooms import Rooms
    from core.postgres import Tx

SAY = Console(stderr=True, highlight=False)
"""For whoever watches; what a program reads goes to standard output."""
OUT = Console(highlight=False, soft_wrap=True)
"""For tables: a line that is cut in a pipe has lost what it was asked for."""


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """Tell a story from beginning to end, on a loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(story)


def settings() -> Settings:
    """The environment's, with logging set up by them."""
    read = Settings.read()
    set_up_logging(read.logging.level)
    return read


@asynccontextmanager
async def in_workspace(
    name: str, *, application: str, read_only: bool = False
) -> AsyncIterator[tuple["Rooms", "Tx"]]:
    """One transaction in the workspace of this name, and what else the command may need."""
    # Imported here: it brings every room along, and `--help` should be quick.
    from config.rooms import rooms

    async with rooms(settings(), application=application, pool_size=2) as opened:
        number = await opened.workspaces.number(name)
        async with opened.database.workspace(number, read_only=read_only) as tx:
            yield opened, tx
