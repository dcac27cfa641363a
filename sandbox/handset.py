"""A customer's phone in the hand of a test or a benchmark: calls, chats, and waiting for what they show."""

import asyncio
from collections.abc import Callable

import aiohttp

from sandbox.connection import Connection, SandboxError, digits
from sandbox.specs import Json

Message = Json
PATIENCE_S = 20.0


class Phone:
    """What a customer does with a phone."""

    def __init__(self, sandbox: Connection, number: str) -> None:
        self.number = number
        self._sandbox = sandbox
        self._base = f"/phone/api/numbers/{digits(number)}"

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


def _met(call: Json | None, met: Callable[[Json], bool]) -> Json | None:
    return call if call is not None and met(call) else None


def _messages(snapshot: Json, account: str) -> list[Message]:
    return next((chat["messages"] for chat in snapshot["chats"] if chat["account"] == account), [])
