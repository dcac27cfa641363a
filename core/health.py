"""Am I alive, am I ready, what do I measure: for orchestrators and Prometheus."""

import asyncio
import time

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from core.postgres import Database

DATABASE = web.AppKey("DATABASE", Database)

_CHECK_S = 0.5
LOOP_LAG = Gauge("ivr_bridge_event_loop_lag_seconds", "How late the event loop last was")


class Readiness:
    """Whether new requests should come here."""

    def __init__(self) -> None:
        self._leaving = False

    @property
    def leaving(self) -> bool:
        """The process was told to stop and finishes what it has."""
        return self._leaving

    def leave(self) -> None:
        """From now on `/readyz` says no, so that the load balancer looks elsewhere."""
        self._leaving = True


READINESS = web.AppKey("READINESS", Readiness)


async def livez(request: web.Request) -> web.Response:
    """The process answers; nothing else is asked, so that a slow database restarts nobody."""
    del request
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """The process takes work and the database answers."""
    if request.app[READINESS].leaving:
        return web.json_response({"status": "leaving"}, status=503)
    if not await request.app[DATABASE].answers(timeout_s=_CHECK_S):
        return web.json_response({"status": "database_unavailable"}, status=503)
    return web.json_response({"status": "ok"})


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    del request
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def probes() -> list[web.RouteDef]:
    """Routes that belong on the operations port, and the two probes on the public one."""
    return [web.get("/livez", livez), web.get("/readyz", readyz)]


async def watch_event_loop(stop: asyncio.Event, *, every_s: float = 1.0) -> None:
    """Measure how late the loop is; a blocked loop is the first sign of overload."""
    while not stop.is_set():
        began = time.monotonic()
        try:
            async with asyncio.timeout(every_s):
                await stop.wait()
        except TimeoutError:
            LOOP_LAG.set(max(0.0, time.monotonic() - began - every_s))
