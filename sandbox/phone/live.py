"""`/phone/live`: what a phone shows, and every change of it, over a WebSocket."""

import asyncio

from aiohttp import WSMsgType, web

from sandbox import numbers
from sandbox.http import foreign
from sandbox.network import Network
from sandbox.phone.chats import Chats
from sandbox.phone.exchange import Exchange
from sandbox.specs import Json

HEARTBEAT_S = 20.0


class Live:
    """The open pages."""

    def __init__(self, network: Network, chats: Chats, exchange: Exchange) -> None:
        self._network, self._chats, self._exchange = network, chats, exchange
        self._sockets: set[web.WebSocketResponse] = set()

    def snapshot(self, key: str) -> Json:
        """Everything a phone shows."""
        call = self._exchange.current(key)
        return {
            "phone": self._network.person(key).shown(),
            "chats": self._chats.of(key),
            "call": call.shown() if call else None,
        }

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """A snapshot, then every change; leaving closes the chats that were open."""
        if foreign(request):
            return web.json_response({"error": "another site's page may not ask"}, status=403)
        key = numbers.key(request.query.get("number", ""))
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            with self._chats.feed.listen(key) as news:
                await self._show(socket, key, news)
        finally:
            self._sockets.discard(socket)
            self._look_away(key)
        return socket

    async def close(self) -> None:
        """Close all pages' sockets."""
        for socket in list(self._sockets):
            await socket.close(code=1001)

    async def _show(
        self, socket: web.WebSocketResponse, key: str, news: asyncio.Queue[Json | None]
    ) -> None:
        await socket.send_json({"type": "snapshot", **self.snapshot(key)})
        pushing = asyncio.get_running_loop().create_task(_push(socket, news))
        try:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    def _look_away(self, key: str) -> None:
        if not self._chats.feed.watched(key):
            for chat in self._chats.all():
                if chat.person == key and chat.open and chat.while_shown:
                    self._chats.open(key, chat.account, open_=False)


async def _push(socket: web.WebSocketResponse, news: "asyncio.Queue[Json | None]") -> None:
    while (event := await news.get()) is not None:
        await socket.send_json(event)
    await socket.close(code=1013)
