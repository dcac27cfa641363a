"""An operator at the desk, over the same REST and WebSocket that the page in the browser uses."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import aiohttp

from tests.product import PASSWORD, PEOPLE, Product

Json = dict[str, Any]
Found = TypeVar("Found")
PATIENCE_S = 30.0


class Refusal(Exception):
    """The service said no."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.problem = problem


class Desk:
    """What one operator's page holds, kept up to date by the live feed."""

    def __init__(self, product: Product, role: str, session: aiohttp.ClientSession) -> None:
        self._product = product
        self._session = session
        self.email = PEOPLE[role]
        self.me: Json = {}
        self.cursor: str | None = None
        self.welcome: Json = {}
        self.presence: Json = {}
        self.conversations: dict[str, Json] = {}
        self.messages: dict[str, dict[str, Json]] = {}
        self.reservations: dict[str, Json] = {}
        self.gone: dict[str, str] = {}
        self._changed = asyncio.Condition()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    # -- coming and going ------------------------------------------------------------------------

    async def sign_in(self) -> None:
        self.me = await self.ask("POST", "/v1/session", {"email": self.email, "password": PASSWORD})

    async def connect(self, since: str | None = None) -> None:
        """Open the live feed; without `since`, from a snapshot."""
        url = self._product.base_url.replace("http", "ws", 1) + "/v1/desk/live"
        origin = {"Origin": self._product.base_url}
        self._socket = await self._session.ws_connect(url, headers=origin)
        await self._socket.send_json({"type": "hello", "since": since})
        frame = await self._socket.receive_json(timeout=PATIENCE_S)
        while frame["type"] == "ping":
            await self._socket.send_json({"type": "pong"})
            frame = await self._socket.receive_json(timeout=PATIENCE_S)
        assert frame["type"] == "welcome", frame
        self.welcome = frame
        await self._take(frame)
        self._reading = asyncio.ensure_future(self._read(self._socket))

    async def disconnect(self) -> None:
        """The tab is closed."""
        if self._socket is not None:
            await self._socket.close()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        self._socket = self._reading = None

    async def declare(self, declared: str) -> None:
        self.presence = await self.ask("PUT", "/v1/operators/me/presence", {"declared": declared})

    # -- work ------------------------------------------------------------------------------------

    async def offered(self, *, seconds: float = PATIENCE_S) -> Json:
        """The reservation that is held out to this operator, once there is one."""
        return await self.until(
            lambda: next(iter(self.reservations.values()), None), seconds=seconds
        )

    async def accept(self, reservation: Json) -> Json:
        accepted = await self.ask("POST", f"/v1/reservations/{reservation['id']}/accept")
        self.conversations[accepted["id"]] = accepted
        return accepted

    async def decline(self, reservation: Json) -> None:
        await self.ask("POST", f"/v1/reservations/{reservation['id']}/decline", {})

    async def write(self, conversation: Json, text: str, **more: Any) -> Json:
        body = {"client_id": secrets.token_hex(8), "epoch": self._epoch(conversation), **more}
        if text:
            body["text"] = text
        return await self.ask("POST", f"/v1/conversations/{conversation['id']}/messages", body)

    async def upload(self, name: str, mime: str, content: bytes) -> Json:
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name, content_type=mime)
        return await self._answered("POST", "/v1/media", data=form)

    async def download(self, url: str) -> bytes:
        """A file, by the link that a message carries."""
        async with self._session.get(self._product.base_url + url) as response:
            assert response.status == 200, response.status
            return await response.read()

    async def read(self, conversation: Json, seq: int) -> None:
        await self.ask("POST", f"/v1/conversations/{conversation['id']}/read", {"seq": seq})

    async def close(self, conversation: Json, **more: Any) -> None:
        """Done: close it, and skip the wrap-up."""
        path = f"/v1/conversations/{conversation['id']}"
        closed = await self.ask(
            "POST", f"{path}/close", {"epoch": self._epoch(conversation), **more}
        )
        if closed.get("state") == "wrapup":
            await self.ask("POST", f"{path}/wrapup/end", {"epoch": closed["epoch"]})

    async def transcript(self, conversation: Json) -> list[Json]:
        page = await self.ask("GET", f"/v1/conversations/{conversation['id']}/messages?limit=100")
        items: list[Json] = page["items"]
        return items

    # -- what is seen ----------------------------------------------------------------------------

    async def sees(
        self, conversation: Json, met: Callable[[Json], bool], *, seconds: float = PATIENCE_S
    ) -> Json:
        """A message of this conversation, as soon as the live feed shows one as wished."""

        def look() -> Json | None:
            shown = self.messages.get(conversation["id"], {}).values()
            return next((message for message in shown if met(message)), None)

        return await self.until(look, seconds=seconds)

    async def shows(self, conversation: Json, *states: str, seconds: float = PATIENCE_S) -> Json:
        """This conversation, as soon as the live feed shows it in one of these states."""

        def look() -> Json | None:
            shown = self.conversations.get(conversation["id"])
            return shown if shown is not None and shown["state"] in states else None

        return await self.until(look, seconds=seconds)

    async def until(
        self, look: Callable[[], Found | None], *, seconds: float = PATIENCE_S
    ) -> Found:
        """Look now, then after everything the live feed tells."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                while (found := look()) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            raise AssertionError(
                f"waited {seconds} s in vain; {self.email} sees conversations"
                f" {[(c['id'], c['state']) for c in self.conversations.values()]},"
                f" reservations {list(self.reservations)}, presence {self.presence}"
            ) from None

    # -- inside ----------------------------------------------------------------------------------

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request as the page makes it; raises Refusal."""
        if method != "GET" and body is None:
            body = {}
        return await self._answered(method, path, json=body)

    async def _answered(self, method: str, path: str, **content: Any) -> Json:
        headers = {"Origin": self._product.base_url}
        url = self._product.base_url + path
        async with self._session.request(method, url, headers=headers, **content) as response:
            if response.status == 204:
                return {}
            answer: Json = await response.json(content_type=None)
            if response.status >= 400:
                raise Refusal(response.status, answer)
            return answer

    def _epoch(self, conversation: Json) -> int:
        known = self.conversations.get(conversation["id"], conversation)
        return max(int(known["epoch"]), int(conversation["epoch"]))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                break
            told = frame.json()
            if told["type"] == "ping":
                await socket.send_json({"type": "pong"})
            await self._take(told)

    async def _take(self, frame: Json) -> None:
        async with self._changed:
            self.cursor = frame.get("cursor", self.cursor)
            if frame["type"] == "welcome":
                self.presence = frame["presence"]
                if not frame["resumed"]:
                    self.conversations = {one["id"]: one for one in frame["conversations"]}
                    self.reservations = {one["id"]: one for one in frame["reservations"]}
            for item in frame.get("items", ()):
                self._apply(item)
            self._changed.notify_all()

    def _apply(self, item: Json) -> None:
        match item["kind"]:
            case "conversation":
                self.conversations[item["conversation"]["id"]] = item["conversation"]
            case "conversation_gone":
                self.conversations.pop(item["id"], None)
            case "message":
                shown = self.messages.setdefault(item["conversation_id"], {})
                shown[item["message"]["id"]] = item["message"]
            case "reservation":
                self.reservations[item["reservation"]["id"]] = item["reservation"]
            case "reservation_gone":
                self.reservations.pop(item["id"], None)
                self.gone[item["id"]] = item["reason"]
            case "presence":
                self.presence = item["presence"]


@asynccontextmanager
async def signed_in(product: Product, role: str) -> AsyncIterator[Desk]:
    """Somebody who reads pages and takes no work: a manager over reports."""
    jar = aiohttp.CookieJar(unsafe=True)  # the service stands on an address, not on a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        desk = Desk(product, role, session)
        await desk.sign_in()
        yield desk


@asynccontextmanager
async def at_the_desk(
    product: Product, role: str = "operator", *, declared: str = "online"
) -> AsyncIterator[Desk]:
    """An operator who sits down, works, and leaves."""
    async with signed_in(product, role) as desk:
        await desk.connect()
        await desk.declare(declared)
        try:
            yield desk
        finally:
            with suppress(Refusal, aiohttp.ClientError):
                await desk.declare("offline")
            await desk.disconnect()
