"""What every long-running process does: listen, notice signals, stop in time."""

import asyncio
import errno
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from aiohttp import web

from config.settings import SettingsMissing, address
from core import health

log = structlog.get_logger()

STOP_S = 20.0
"""All of stopping, from the signal to the exit: orchestrators kill after 30 s."""


def stop_on_signal() -> asyncio.Event:
    """Set by SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


SERVE_METRICS, WORK_METRICS = "127.0.0.1:9180", "127.0.0.1:9181"


@asynccontextmanager
async def listening(
    app: web.Application, listen: str, setting: str, *, finish_s: float
) -> AsyncIterator[web.AppRunner]:
    """Serve this application; at the end, stop accepting and give requests `finish_s` to finish.

    Raises SettingsMissing, naming the setting, where the address cannot be had.
    """
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=finish_s, handle_signals=False, keepalive_timeout=75
    )
    await runner.setup()
    try:
        host, port = address(listen)
        site = web.TCPSite(runner, host, port, backlog=1024, reuse_address=True)
        with named(setting, listen):
            await site.start()
        yield runner
    finally:
        await runner.cleanup()


@contextmanager
def named(setting: str, listen: str) -> Iterator[None]:
    """An address that is taken, or not this machine's, is told by the setting that gave it."""
    try:
        yield
    except OSError as refused:
        why = (
            "is taken"
            if refused.errno == errno.EADDRINUSE
            else f"cannot be had: {refused.strerror}"
        )
        raise SettingsMissing(f"{listen} {why}; set {setting} to another address.") from refused


def operations_app(app: web.Application) -> web.Application:
    """Probes and figures, on a port that the public does not reach."""
    operations = web.Application()
    operations[health.DATABASE] = app[health.DATABASE]
    operations[health.READINESS] = app[health.READINESS]
    operations.add_routes([*health.probes(), web.get("/metrics", health.metrics)])
    return operations
