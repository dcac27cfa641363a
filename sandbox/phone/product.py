"""The IVR's side of the product's HTTP API: events, eligibility, deflection, long poll."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox.specs import Json, LineSpec

EVENT_TIMEOUT_S = 5.0
SLACK_S = 0.5
POLL_MS = 3000
POLL_TOTAL_S = 20.0


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request and what came of it, as the telephony engineer wants to see it."""

    method: str
    path: str
    request: Json | None
    status: int | None
    reply: Any
    elapsed_ms: int
    began: float = 0.0
    error: str | None = None

    @property
    def action(self) -> str:
        """The product's word; anything that is not a clear answer means `continue`."""
        if self.status != 200 or not isinstance(self.reply, dict):  # noqa: PLR2004
            return "continue"
        word = self.reply.get("action")
        return word if word in {"offer", "hangup", "poll"} else "continue"

    @property
    def why(self) -> str | None:
        """The product's reason, its fault, or that nothing came; None when it gave none."""
        if self.error is not None:
            return "no_answer"
        told = self.field("reason") or self.field("code")
        return told if isinstance(told, str) else None

    def field(self, name: str) -> Any:
        """A field of the reply, if there is a reply."""
        return self.reply.get(name) if isinstance(self.reply, dict) else None

    def shown(self) -> Json:
        """The exchange as JSON; the key is never part of it."""
        return {
            "method": self.method,
            "path": self.path,
            "request": self.request,
            "status": self.status,
            "reply": self.reply,
            "elapsed_ms": self.elapsed_ms,
            "error": self.error,
        }


class Product:
    """Speaks for one line."""

    def __init__(self, line: LineSpec, session: aiohttp.ClientSession) -> None:
        self._line, self._session = line, session

    async def event(self, body: Json) -> Exchanged:
        """Tell what happened to the call."""
        return await self._ask("POST", "/v1/calls/events", body, EVENT_TIMEOUT_S)

    async def eligibility(self, body: Json) -> Exchanged:
        """May we offer?"""
        return await self._ask("POST", "/v1/eligibility", body, self._patience())

    async def deflect(self, body: Json) -> Exchanged:
        """Move the caller."""
        return await self._ask("POST", "/v1/deflections", body, self._patience())

    async def poll(self, deflection: str) -> Exchanged:
        """Ask again until there is a decision or the caller has waited long enough."""
        until = time.monotonic() + POLL_TOTAL_S
        path = f"/v1/deflections/{deflection}?wait_ms={POLL_MS}"
        while True:
            answer = await self._ask("GET", path, None, POLL_MS / 1000 + SLACK_S)
            if answer.action != "poll" or time.monotonic() > until:
                return answer
            pause = answer.field("poll_after_ms")
            await asyncio.sleep((pause if isinstance(pause, int) else 200) / 1000)

    def _patience(self) -> float:
        return self._line.deadline_ms / 1000 + SLACK_S

    async def _ask(self, method: str, path: str, body: Json | None, seconds: float) -> Exchanged:
        began = time.monotonic()
        status: int | None = None
        reply: Any = None
        error: str | None = None
        try:
            async with self._session.request(
                method,
                self._line.base_url.rstrip("/") + path,
                json=body,
                headers={"Authorization": f"Bearer {self._line.key}"},
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as answer:
                status = answer.status
                reply = _json(await answer.text())
        except TimeoutError:
            status, error = None, f"no answer within {seconds:.1f} s"
        except (aiohttp.ClientError, ValueError) as broken:
            status, error = None, f"{type(broken).__name__}: {broken}"
        elapsed = round((time.monotonic() - began) * 1000)
        return Exchanged(method, path, body, status, reply, elapsed, began, error)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text[:2000]
