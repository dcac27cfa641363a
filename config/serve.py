"""The web process: HTTP API, webhooks, desk and pages. It runs no jobs."""

import asyncio
import gc

import structlog

from config.running import STOP_S, listening, operations_app, stop_on_signal
from config.settings import Settings
from config.wiring import web_app
from core import health

log = structlog.get_logger()

# Objects made before the oldest are looked through for cycles; requests make few, and callers wait.
_COLLECT_AFTER = 20_000
# The longest thing a request may wait for is an IVR's deadline of 12 s.
_FINISH_S = 13.0
# Long enough for a load balancer that asks every second to hear that we are leaving.
_LEAVE_S = 2.0


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM, then finish what is in hand within 20 s."""
    stop = stop_on_signal()
    async with web_app(settings) as app:
        watching = asyncio.ensure_future(health.watch_event_loop(stop))
        try:
            async with (
                listening(operations_app(app), settings.metrics_listen, finish_s=1),
                listening(app, settings.listen, finish_s=_FINISH_S),
            ):
                _settle_down()
                log.info("serve.started", listen=settings.listen, metrics=settings.metrics_listen)
                await stop.wait()
                app[health.READINESS].leave()
                log.info("serve.leaving")
                await asyncio.sleep(min(_LEAVE_S, STOP_S))
        finally:
            await watching
    log.info("serve.stopped")


def _settle_down() -> None:
    """What stands now stands until the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
