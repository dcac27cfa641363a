"""The desk's live connection: the address, and the feeds behind all desks of this process."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import structlog
from aiohttp import web

from core.access import Right
from core.clock import Clock
from core.faults import Forbidden, RateLimited, Refused, Unauthorized
from core.http import Access, Endpoint, same_origin, signed_in
from core.ids import MediaId, PersonId, WorkspaceId, new_id
from core.postgres import Database
from core.wake import Wake
from handoff.desk.asking import DESK, MediaLink
from handoff.desk.feed import Feed
from handoff.desk.sight import sight_of
from handoff.desk.socket import DeskSocket, web_socket
from handoff.desk.subscriber import Ending, Subscriber

log = structlog.get_logger()


MOST_DESKS = 30
"""Of one person in one process: more tabs than anybody looks at."""


class TooManyDesks(RateLimited, code="too_many_desks"):
    """You have too many desks open: close some."""


class UpgradeNeeded(Refused, status=426, code="upgrade_needed"):
    """This address speaks WebSocket: connect with an upgrade."""


@dataclass(slots=True, eq=False)
class _Running:
    """A feed, its tasks, and how many desks need it."""

    feed: Feed
    tasks: Sequence["asyncio.Task[None]"] = ()
    desks: int = 0


class Live:
    """The feeds of this process: one per workspace, for as long as any of its desks is connected."""

    def __init__(self, database: Database, wake: Wake, clock: Clock, media_link: MediaLink) -> None:
        self.wake = wake
        self.leaving = False
        self._database = database
        self._clock = clock
        self._media_link = media_link
        self._running: dict[WorkspaceId, _Running] = {}
        self._desks_of: Counter[PersonId] = Counter()

    @contextmanager
    def seat(self, person_id: PersonId) -> Iterator[None]:
        """Room for one more desk of this person; raises TooManyDesks."""
        if self._desks_of[person_id] >= MOST_DESKS:
            raise TooManyDesks
        self._desks_of[person_id] += 1
        try:
            yield
        finally:
            self._desks_of[person_id] -= 1
            if not self._desks_of[person_id]:
                del self._desks_of[person_id]

    @asynccontextmanager
    async def feed(self, workspace_id: WorkspaceId) -> AsyncIterator[Feed]:
        """This workspace's feed, begun with its first desk and ended after its last."""
        running = self._running.get(workspace_id) or self._begin(workspace_id)
        running.desks += 1
        try:
            yield running.feed
        finally:
            running.desks -= 1
            if running.desks == 0:
                await self._end(running)

    def leave(self) -> None:
        """This process stops: every browser is told to come back, to another one."""
        self.leaving = True
        for running in self._running.values():
            running.feed.let_go(Ending.LEAVING)

    async def close(self) -> None:
        """End every feed that still runs."""
        for running in list(self._running.values()):
            await self._end(running)

    def _begin(self, workspace_id: WorkspaceId) -> _Running:
        feed = Feed(workspace_id, self._database, self.wake, self._clock, self._links(workspace_id))
        running = _Running(feed)
        running.tasks = [
            asyncio.ensure_future(self._keep(running, loop)) for loop in (feed.run(), feed.guard())
        ]
        self._running[workspace_id] = running
        return running

    async def _end(self, running: _Running) -> None:
        self._forget(running)
        for task in running.tasks:
            task.cancel()
        await asyncio.gather(*running.tasks, return_exceptions=True)

    async def _keep(self, running: _Running, loop: Coroutine[None, None, None]) -> None:
        """A defect in a feed costs its desks a reconnection, and never the process its calls."""
        try:
            await loop
        except Exception:
            log.exception("desk.feed_failed", workspace_id=running.feed.workspace_id)
            self._forget(running)
            running.feed.let_go(Ending.BROKEN)

    def _forget(self, running: _Running) -> None:
        """The next desk gets a feed of its own."""
        if self._running.get(running.feed.workspace_id) is running:
            del self._running[running.feed.workspace_id]

    def _links(self, workspace_id: WorkspaceId) -> Callable[[MediaId], str]:
        return lambda media_id: self._media_link(workspace_id, media_id)


LIVE = web.AppKey("LIVE", Live)


@asynccontextmanager
async def running(app: web.Application, wake: Wake) -> AsyncIterator[None]:
    """Stand ready for desks of this application, whose `DESK` is set already."""

    async def leave(leaving: web.Application) -> None:
        """Before the server waits for its requests to finish: a socket is one that never does."""
        leaving[LIVE].leave()

    desk = app[DESK]
    live = app[LIVE] = Live(desk.database, wake, desk.clock, desk.media_link)
    app.on_shutdown.append(leave)
    try:
        yield
    finally:
        live.leave()
        await live.close()


async def connect(request: web.Request) -> web.StreamResponse:
    """A desk's live connection, until either side ends it."""
    # Browsers send cookies with a WebSocket from any page, and ask no leave first.
    same_origin(request)
    socket = web_socket()
    if not socket.can_prepare(request).ok:
        raise UpgradeNeeded
    desk, live, who = request.app[DESK], request.app[LIVE], signed_in(request)
    with live.seat(who.person.person_id):
        async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
            sight = await sight_of(tx, who)
        subscriber = Subscriber(new_id(), who.session_id, who.person.person_id, sight)
        await socket.prepare(request)
        async with live.feed(who.workspace_id) as feed:
            connection = DeskSocket(socket, subscriber, feed, desk, live.wake, request.transport)
            await connection.run(leaving=live.leaving)
    return socket


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/desk/live",
        handler=connect,
        summary="The desk's live connection (WebSocket)",
        access=Access.PERSON,
        right=Right.DESK,
        status=101,
        faults=(Unauthorized, Forbidden, UpgradeNeeded, TooManyDesks),
    ),
)
