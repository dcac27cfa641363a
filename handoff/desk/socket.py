"""One desk's socket: says hello, hears frames, beats for its operator's presence, and ends in time."""

import asyncio
import json
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from prometheus_client import Counter, Gauge

from core.faults import NotFound, Unavailable
from core.ids import ConversationId, parse
from core.wake import Wake
from handoff.desk.asking import Desk
from handoff.desk.feed import Feed
from handoff.desk.subscriber import Ending, Subscriber

log = structlog.get_logger()

MOST_HEARD = 64 * 1024
HELLO_S = 10.0
PING_S = 15.0
SILENCE_S = 40.0
BEAT_S = 10.0
SEND_S = 10.0
GOODBYE_S = 1.0
"""How long the other side has to answer a close; a stop must not wait for a browser that is gone."""

OPEN = Gauge("ivr_bridge_desk_sockets", "Desks that are connected to this process")
ENDED = Counter("ivr_bridge_desk_sockets_ended_total", "Desks let go by us, by why", ["why"])

_PING = '{"type":"ping"}'
_SIGNED_OUT = '{"type":"signed_out"}'
_CODES = {
    Ending.SIGNED_OUT: WSCloseCode.POLICY_VIOLATION,
    Ending.SLOW: WSCloseCode.TRY_AGAIN_LATER,
    Ending.BROKEN: WSCloseCode.INTERNAL_ERROR,
    Ending.LEAVING: WSCloseCode.SERVICE_RESTART,
}


class Misspoken(Exception):
    """The other side sent something that is no frame of ours."""


def web_socket() -> web.WebSocketResponse:
    """Small frames in, pings of our own (a page cannot see the protocol's), and no compression: its
    state would cost more memory for each idle desk than its frames are worth.
    """
    return web.WebSocketResponse(max_msg_size=MOST_HEARD, timeout=GOODBYE_S, compress=False)


class DeskSocket:
    """From the first frame to the last."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        subscriber: Subscriber,
        feed: Feed,
        desk: Desk,
        wake: Wake,
        transport: asyncio.Transport | None,
    ) -> None:
        self._socket = socket
        self._subscriber = subscriber
        self._feed = feed
        self._desk = desk
        self._wake = wake
        self._transport = transport
        self._cursor: str | None = None
        self._looks_at: ConversationId | None = None
        self._heard_at = time.monotonic()

    async def run(self, *, leaving: bool) -> None:
        """Until either side ends it; whatever happens, the operator's presence hears of it."""
        if leaving:
            self._subscriber.let_go(Ending.LEAVING)
        with OPEN.track_inprogress():
            try:
                self._feed.attend(self._subscriber)
                await self._until_one_ends(self._work(), self._over())
                await self._end()
            except Misspoken:
                await self._close(WSCloseCode.POLICY_VIOLATION)
            except Unavailable:
                await self._close(WSCloseCode.TRY_AGAIN_LATER)
            finally:
                self._feed.leave(self._subscriber)
                await self._gone()

    async def _work(self) -> None:
        """From the hello on."""
        self._cursor = await self._hello()
        await self._connected()
        await self._until_one_ends(
            self._hear(), self._tell(), self._beat(), self._ping(), self._mind_session()
        )

    async def _over(self) -> None:
        """We let go of this desk, whatever it is in the middle of."""
        await self._subscriber.over.wait()

    async def _hello(self) -> str | None:
        """The cursor that the browser comes with."""
        try:
            async with asyncio.timeout(HELLO_S):
                message = await self._socket.receive()
        except TimeoutError:
            raise Misspoken from None
        if message.type is not WSMsgType.TEXT:
            raise Misspoken
        frame = _frame(message.data)
        since = frame.get("since")
        if frame.get("type") != "hello" or not (since is None or isinstance(since, str)):
            raise Misspoken
        return since

    async def _connected(self) -> None:
        """Say that a desk of theirs is there; a new lease looks at nothing yet."""
        await self._desk.operators.connected(
            self._feed.workspace_id, self._subscriber.person_id, self._subscriber.socket_id
        )
        self._looks_at = None

    async def _until_one_ends(self, *ways: Coroutine[Any, Any, None]) -> None:
        """Run all of them; the first to end ends the others, and a fault among them is raised."""
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _hear(self) -> None:
        """Frames of the browser."""
        async for message in self._socket:
            self._heard_at = time.monotonic()
            if message.type is not WSMsgType.TEXT:
                raise Misspoken
            frame = _frame(message.data)
            match frame.get("type"):
                case "viewing":
                    await self._look_at(frame.get("conversation_id"))
                case "pong":
                    pass
                case _:
                    raise Misspoken

    async def _look_at(self, conversation: object) -> None:
        conversation_id: ConversationId | None = None
        if isinstance(conversation, str):
            with suppress(NotFound):
                conversation_id = ConversationId(parse("cv", conversation))
        elif conversation is not None:
            raise Misspoken
        if conversation_id == self._looks_at:
            return
        self._looks_at = conversation_id
        # Who looks is nice to know, and not worth a desk when the database is away for a moment.
        with suppress(Unavailable):
            await self._desk.watchers.look(
                self._subscriber.sight, self._subscriber.socket_id, conversation_id
            )

    async def _tell(self) -> None:
        """Welcome first, and again whenever changes would not do; then what the feed has for us."""
        subscriber = self._subscriber
        while True:
            subscriber.something.clear()
            if subscriber.stale:
                cursor, self._cursor = self._cursor, None
                for frame in await self._feed.join(subscriber, cursor):
                    await self._send(frame)
                continue
            frame_ = subscriber.take()
            if frame_ is None:
                await subscriber.something.wait()
            else:
                await self._send(frame_)

    async def _send(self, frame: str) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(frame)
        except (TimeoutError, ConnectionError):
            self._subscriber.let_go(Ending.SLOW)

    async def _beat(self) -> None:
        """Keep the lease of this desk; one that was given up meanwhile connects again."""
        while True:
            await asyncio.sleep(BEAT_S)
            with suppress(Unavailable):
                alive = await self._desk.operators.heartbeat(
                    self._feed.workspace_id, self._subscriber.socket_id
                )
                if not alive:
                    await self._connected()

    async def _ping(self) -> None:
        """Notice a browser that went without a word."""
        while time.monotonic() - self._heard_at < SILENCE_S:
            await asyncio.sleep(PING_S)
            await self._send(_PING)

    async def _mind_session(self) -> None:
        """A hint that the session ended makes the guard look at once."""
        with self._wake.listening(f"session:{self._subscriber.session_id}") as ended:
            while True:
                if await ended.wait(3600):
                    self._feed.look_soon()

    async def _end(self) -> None:
        ending = self._subscriber.ending
        if ending is not None:
            ENDED.labels(ending.value).inc()
            log.info(
                "desk.let_go",
                why=ending.value,
                person_id=str(self._subscriber.person_id),
            )
        if ending is Ending.SIGNED_OUT:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._send(_SIGNED_OUT)
        await self._close(WSCloseCode.OK if ending is None else _CODES[ending])

    async def _gone(self) -> None:
        """Say that this desk is gone. Without a word its lease runs out, a little later."""
        socket_id = self._subscriber.socket_id
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                if self._subscriber.ending is Ending.LEAVING:
                    # The browser is back in a second, elsewhere: until then its operator is here,
                    # so that a restart takes nothing out of anybody's hands.
                    await self._desk.watchers.look(self._subscriber.sight, socket_id, None)
                else:
                    await self._desk.operators.disconnected(self._feed.workspace_id, socket_id)

    async def _close(self, code: WSCloseCode) -> None:
        """Say goodbye, but wait for nobody: what is not taken by then is thrown away."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self._socket.close(code=code)
                return
        if self._transport is not None:
            self._transport.abort()


def _frame(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Misspoken from None
    if not isinstance(frame, dict):
        raise Misspoken
    return frame
