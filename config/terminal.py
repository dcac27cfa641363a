"""What every command at the terminal begins with."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import uvloop

from config.settings import Settings
from core.telemetry import set_up_logging


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """Tell a story from beginning to end, on a loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(story)


def settings() -> Settings:
    """The environment's, with logging set up by them."""
    read = Settings.read()
    set_up_logging(read.logging.level)
    return read
