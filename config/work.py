"""The worker: every band of jobs in one TaskGroup. One loop dies, the process dies, and is restarted."""

import asyncio

import structlog
from aiohttp import web

from config.rooms import rooms
from config.running import STOP_S, WORK_METRICS, listening, operations_app, stop_on_signal
from config.settings import Settings
from config.wiring import bands
from core import health
from core.jobs import Worker
from core.sizes import counted

log = structlog.get_logger()

_CLOSE_S = 4.0
"""For handing back what is in hand, and for closing connections."""


async def work(settings: Settings) -> None:
    """Do jobs until SIGTERM, then finish those in hand."""
    stop = stop_on_signal()
    async with (
        rooms(settings, application="work", pool_size=settings.pools.work) as opened,
        counted(opened.database),
    ):
        app = web.Application()
        app[health.DATABASE] = opened.database
        app[health.READINESS] = health.Readiness()
        worker = Worker(opened.database, opened.wake)
        metrics = settings.metrics_listen or WORK_METRICS
        async with listening(operations_app(app), metrics, "METRICS_LISTEN", finish_s=1):
            log.info("work.started", metrics=metrics)
            try:
                async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as loops:
                    loops.create_task(health.watch_event_loop(stop))
                    loops.create_task(worker.take_back(stop))
                    worked = bands(opened)
                    loops.create_task(worker.measure([band.name for band in worked], stop))
                    for band in worked:
                        loops.create_task(worker.run(band, stop))
                    await stop.wait()
                    app[health.READINESS].leave()
                    # What is not finished then is handed back, or comes back with its lease.
                    limit.reschedule(asyncio.get_running_loop().time() + STOP_S - _CLOSE_S)
                    log.info("work.leaving")
            except TimeoutError:
                log.warning("work.cut_short")
    log.info("work.stopped")
