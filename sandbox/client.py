"""The sandbox from a test or a benchmark: set it up, judge by it, and be a customer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aiohttp

from sandbox.specs import AccountSpec, Behaviour, Config, Json, LineSpec, Manner

Message = Json
PATIENCE_S = 10.0


class SandboxError(Exception):
    """The sandbox refused a request; the message is its answer."""


class SandboxClient:
    """Control and judge."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    # -- set up ------------------------------------------------------------------------------

    async def configure(self, config: Config) -> None:
        """Add and replace accounts, lines, numbers and the default."""
        await self.ask("PUT", "/sandbox/config", config.model_dump(exclude_unset=True))

    async def register(self, *accounts: AccountSpec, lines: tuple[LineSpec, ...] = ()) -> None:
        """Add or replace accounts and lines."""
        await self.configure(Config(accounts=list(accounts), lines=list(lines)))

    async def behave(self, number: str, behaviour: Behaviour | str, **more: Any) -> Json:
        """Tell a number how to behave; `more` are the fields beside it, such as `sent_ms`."""
        body = {"behaviour": str(behaviour), **more}
        return await self.ask("PUT", f"/sandbox/numbers/{_digits(number)}", body)

    async def online(self, number: str, online: bool) -> Json:  # noqa: FBT001 - reads well
        """Switch a phone on or off."""
        return await self.ask("PUT", f"/sandbox/numbers/{_digits(number)}", {"online": online})

    async def default(self, manner: Manner) -> None:
        """How numbers behave that nobody named."""
        await self.ask("PUT", "/sandbox/default", manner.model_dump())

    async def reset(self) -> None:
        """Begin anew; accounts, lines and the default stay."""
        await self.ask("POST", "/sandbox/reset")

    async def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        await self.ask("POST", "/sandbox/clock", {"advance_s": seconds})

    # -- judge -------------------------------------------------------------------------------

    async def wire(
        self,
        to: str | None = None,
        *,
        since: int = 0,
        kind: str | None = None,
        limit: int = 1000,
        wait_ms: int = 0,
    ) -> list[Json]:
        """Requests that reached the wire; with `wait_ms`, waits for the first."""
        query: dict[str, Any] = {"since": since, "limit": limit, "wait_ms": wait_ms}
        query |= {name: value for name, value in (("to", to), ("kind", kind)) if value}
        found: list[Json] = (await self.ask("GET", "/sandbox/wire", query=query))["requests"]
        return found

    async def openings(self, number: str) -> int:
        """How many opening messages left the product for this number."""
        return len(await self.wire(number, kind="opening", limit=100_000))

    async def counts(self, kind: str = "opening") -> dict[str, int]:
        """Openings (or other kinds) by number, exact also after the ring has turned over."""
        query = {"kind": kind}
        counts: dict[str, int] = (await self.ask("GET", "/sandbox/wire/counts", query=query))[
            "counts"
        ]
        return counts

    async def counters(self) -> Json:
        """What the network did in all."""
        return await self.ask("GET", "/sandbox/counters")

    async def webhooks(self) -> Json:
        """How webhook delivery stands."""
        return await self.ask("GET", "/sandbox/webhooks")

    # -- set off -----------------------------------------------------------------------------

    async def status(
        self,
        status: str,
        *,
        to: str | None = None,
        wamid: str | None = None,
        code: int | None = None,
        copies: int = 1,
    ) -> None:
        """Send one status now, for a wamid or for the last message to a number."""
        body = {"status": status, "to": to, "wamid": wamid, "code": code, "copies": copies}
        await self.ask("POST", "/sandbox/statuses", body)

    async def event(self, account: str, value: Json, *, copies: int = 1) -> None:
        """Send any webhook value."""
        body = {"account": account, "value": value, "copies": copies}
        await self.ask("POST", "/sandbox/events", body)

    async def inbound(self, account: str, sender: str, message: Json, *, copies: int = 1) -> str:
        """A customer's message of any type; returns its wamid."""
        body = {"account": account, "from": sender, "message": message, "copies": copies}
        return str((await self.ask("POST", "/sandbox/inbound", body))["id"])

    async def release(self, to: str | None = None) -> int:
        """Let held requests go on."""
        return int((await self.ask("POST", "/sandbox/release", {"to": to}))["released"])

    async def verify(self, account: str) -> Json:
        """Do the webhook handshake."""
        return await self.ask("POST", "/sandbox/webhooks/verify", {"account": account})

    async def pause(self) -> None:
        """Stop delivering webhooks."""
        await self.ask("POST", "/sandbox/webhooks/pause")

    async def resume(self) -> None:
        """Deliver again."""
        await self.ask("POST", "/sandbox/webhooks/resume")

    async def flush(self) -> int:
        """Retry at once; returns how many updates are left undelivered."""
        return int((await self.ask("POST", "/sandbox/webhooks/flush"))["undelivered"])

    # -- transport ---------------------------------------------------------------------------

    def phone(self, number: str) -> "Phone":
        """A customer's phone."""
        return Phone(self, number)

    async def ask(
        self, method: str, path: str, body: Json | None = None, query: Json | None = None
    ) -> Json:
        """One request to the sandbox."""
        async with self._open().request(method, self.url + path, json=body, params=query) as reply:
            answer: Json = await reply.json()
            if reply.status != 200:  # noqa: PLR2004
                raise SandboxError(f"{method} {path}: {reply.status} {answer}")
            return answer

    async def send_form(self, path: str, form: aiohttp.FormData) -> Json:
        """One multipart request."""
        async with self._open().post(self.url + path, data=form) as reply:
            answer: Json = await reply.json()
            if reply.status != 200:  # noqa: PLR2004
                raise SandboxError(f"POST {path}: {reply.status} {answer}")
            return answer

    @asynccontextmanager
    async def live(self, number: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The phone's live feed."""
        query = {"number": _digits(number)}
        async with self._open().ws_connect(self.url + "/phone/live", params=query) as socket:
            yield socket

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise SandboxError("use `async with SandboxClient(url) as sandbox`")
        return self._session


class Phone:
    """What a customer does with a phone."""

    def __init__(self, sandbox: SandboxClient, number: str) -> None:
        self.number = number
        self._sandbox = sandbox
        self._base = f"/phone/api/numbers/{_digits(number)}"

    # -- calls -------------------------------------------------------------------------------

    async def dial(self, line: str, language: str | None = None, *, withheld: bool = False) -> Json:
        """Call a line; returns the call as it stands."""
        body = {"line": line, "language": language, "withheld": withheld}
        return await self._sandbox.ask("POST", f"{self._base}/calls", body)

    async def press(self, digit: str) -> Json:
        """Press a key."""
        return await self._sandbox.ask("POST", f"{self._base}/calls/current/keys", {"digit": digit})

    async def hang_up(self) -> Json:
        """Leave the call."""
        return await self._sandbox.ask("POST", f"{self._base}/calls/current/hangup")

    async def call(self) -> Json | None:
        """The current call, or the last one."""
        found: Json | None = (await self._snapshot())["call"]
        return found

    async def wait_for_call(self, met: Callable[[Json], bool], seconds: float = PATIENCE_S) -> Json:
        """Wait until the call is as wished, for example `lambda call: call["awaiting_key"]`."""
        return await self._wait(lambda snapshot: _met(snapshot["call"], met), seconds)

    # -- chats -------------------------------------------------------------------------------

    async def open_chat(self, account: str, *, open_: bool = True) -> None:
        """Look at a chat: what arrived gets read, and what arrives."""
        await self._sandbox.ask("POST", f"{self._base}/chats/{account}/open", {"open": open_})

    async def write(self, account: str, text: str, reply_to: str | None = None) -> str:
        """Send a text; returns its wamid."""
        return await self._write(account, {"text": text, "reply_to": reply_to})

    async def tap(self, account: str, button: str, message_id: str | None = None) -> str:
        """Tap a button or list row by its id or its title, on the latest message that has it."""
        for message in reversed(await self.messages(account)):
            if message_id not in {None, message["id"]} or message["mine"]:
                continue
            rows = [
                row
                for part in (message.get("list") or {}).get("sections", [])
                for row in part["rows"]
            ]
            for one in (*message.get("buttons", []), *rows):
                if button in {one.get("id"), one.get("title")} and one.get("id"):
                    return await self._write(
                        account, {"tap": one["id"], "message_id": message["id"]}
                    )
        raise SandboxError(f"no message on this phone has the button {button!r}")

    async def react(self, account: str, message_id: str, emoji: str) -> str:
        """React to a message; an empty emoji takes the reaction back."""
        return await self._write(account, {"reaction": emoji, "message_id": message_id})

    async def send_file(
        self, account: str, name: str, mime: str, content: bytes, caption: str = ""
    ) -> str:
        """Send a picture or a file."""
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("caption", caption)
        form.add_field("file", content, filename=name, content_type=mime)
        path = f"{self._base}/chats/{account}/files"
        return str((await self._sandbox.send_form(path, form))["id"])

    async def messages(self, account: str) -> list[Message]:
        """What the chat shows, oldest first."""
        return _messages(await self._snapshot(), account)

    async def wait_for(
        self,
        account: str,
        met: Callable[[Message], bool] = lambda message: not message["mine"],
        seconds: float = PATIENCE_S,
    ) -> Message:
        """Wait until the chat shows a message as wished; the latest such message."""

        def found(snapshot: Json) -> Message | None:
            return next((m for m in reversed(_messages(snapshot, account)) if met(m)), None)

        return await self._wait(found, seconds)

    async def online(self, online: bool) -> Json:  # noqa: FBT001 - reads well
        """Switch the phone on or off."""
        return await self._sandbox.ask("PUT", self._base, {"online": online})

    # -- inside ------------------------------------------------------------------------------

    async def _write(self, account: str, body: Json) -> str:
        path = f"{self._base}/chats/{account}/messages"
        return str((await self._sandbox.ask("POST", path, body))["id"])

    async def _snapshot(self) -> Json:
        return await self._sandbox.ask("GET", self._base)

    async def _wait(self, find: Callable[[Json], Json | None], seconds: float) -> Json:
        """Look once, then again after every change that the phone's feed tells."""
        try:
            async with asyncio.timeout(seconds), self._sandbox.live(self.number) as feed:
                while (found := find(await self._snapshot())) is None:
                    await feed.receive_json()
                return found
        except TimeoutError:
            raise SandboxError(
                f"waited {seconds} s in vain; the phone shows {await self._snapshot()}"
            ) from None


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter.isdigit())


def _met(call: Json | None, met: Callable[[Json], bool]) -> Json | None:
    return call if call is not None and met(call) else None


def _messages(snapshot: Json, account: str) -> list[Message]:
    return next((chat["messages"] for chat in snapshot["chats"] if chat["account"] == account), [])
