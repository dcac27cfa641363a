"""What every long-running process does: listen, notice signals, stop in time."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from config.settings import address
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


@asynccontextmanager
async def listening(
    app: web.Application, listen: str, *, finish_s: float
) -> AsyncIterator[web.AppRunner]:
    """Serve this application; at the end, stop accepting and give requests `finish_s` to finish."""
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=finish_s, handle_signals=False, keepalive_timeout=75
    )
    await runner.setup()
    try:
        host, port = address(listen)
        site = web.TCPSite(runner, host, port, backlog=1024, reuse_address=True)
        await site.start()
        yield runner
    finally:
        await runner.cleanup()


def operations_app(app: web.Application) -> web.Application:
    """Probes and figures, on a port that the public does not reach."""
    operations = web.Application()
    operations[health.DATABASE] = app[health.DATABASE]
    operations[health.READINESS] = app[health.READINESS]
    operations.add_routes([*health.probes(), web.get("/metrics", health.metrics)])
    return operations
