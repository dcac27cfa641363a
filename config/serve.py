"""The web process: HTTP API, webhooks, desk and pages. It runs no jobs."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from aiohttp import web

from config.running import (
    SERVE_METRICS,
    STOP_S,
    listening,
    named,
    operations_app,
    stop_on_signal,
)
from config.settings import Settings, address
from config.wiring import fastagi_server, web_app
from core import health
from ivr_bridge.dialects.fastagi.server import FastAgi

log = structlog.get_logger()

# Objects made before the oldest are looked through for cycles; requests make few, and callers wait.
_COLLECT_AFTER = 20_000
# The longest thing a request may wait for is an IVR's deadline of 12 s.
_FINISH_S = 13.0
_CLOSE_S = 3.0
"""For closing connections, when a database that hangs answers none of them."""
# Long enough for a load balancer that asks every second to hear that we are leaving.
_LEAVE_S = 2.0


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in hand within 20 s."""
    stop = stop_on_signal()
    limit = asyncio.timeout(None)
    try:
        async with limit:
            await _serve(settings, stop, limit)
    except TimeoutError:
        if not limit.expired():
            raise
        log.warning("serve.cut_short")
    log.info("serve.stopped")


async def _serve(settings: Settings, stop: asyncio.Event, limit: asyncio.Timeout) -> None:
    async with web_app(settings) as app:
        metrics = settings.metrics_listen or SERVE_METRICS
        watching = asyncio.ensure_future(health.watch_event_loop(stop))
        try:
            async with (
                listening(operations_app(app), metrics, "METRICS_LISTEN", finish_s=1),
                _fastagi(app, settings) as fastagi,
                listening(app, settings.listen, "LISTEN", finish_s=_FINISH_S),
            ):
                _settle_down()
                log.info("serve.started", listen=settings.listen, metrics=metrics)
                await stop.wait()
                # What is not finished then is left to its lease, as after a kill.
                limit.reschedule(asyncio.get_running_loop().time() + STOP_S - _CLOSE_S)
                app[health.READINESS].leave()
                log.info("serve.leaving")
                await asyncio.sleep(min(_LEAVE_S, STOP_S))
                # Its calls finish beside those over HTTP, not after them.
                if fastagi is not None:
                    fastagi.leave()
        finally:
            # Also where it could not begin: an address that is taken leaves nobody to set it.
            stop.set()
            await watching


@asynccontextmanager
async def _fastagi(app: web.Application, settings: Settings) -> AsyncIterator[FastAgi | None]:
    """The port for Asterisk's AGI(), when there is to be one."""
    if settings.fastagi_listen is None:
        yield None
        return
    fastagi = fastagi_server(app, settings)
    host, port = address(settings.fastagi_listen)
    async with AsyncExitStack() as opened:
        with named("FASTAGI_LISTEN", settings.fastagi_listen):
            await opened.enter_async_context(fastagi.listening(host, port))
        log.info("serve.fastagi", listen=settings.fastagi_listen)
        yield fastagi


def _settle_down() -> None:
    """What stands now stands until the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
