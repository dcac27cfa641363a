"""An IVR with a key, and what it is told."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import aiohttp

from core.ids import DeflectionId, parse

KEY = "ib_the-key-of-the-tests-0001"
LINE = "+78002500000"
CALLER = "+79005550101"


@dataclass(slots=True)
class Ivr:
    """An IVR with a key, and what it was told."""

    url: str
    session: aiohttp.ClientSession
    key: str | None = KEY

    async def post(
        self, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> "Told":
        """Ask, as an IVR does."""
        sent = json.dumps(body).encode() if raw is None else raw
        return await self.ask("POST", path, sent, headers)

    async def get(self, path: str, **headers: str) -> "Told":
        return await self.ask("GET", path, None, headers)

    async def deflect(self, call_id: str = "call-1", caller: str = CALLER, **more: Any) -> "Told":
        body = {"call_id": call_id, "caller": caller, "line": LINE, **more}
        return await self.post("/v1/deflections", body)

    async def eligible(self, call_id: str = "call-1", caller: str = CALLER, **more: Any) -> "Told":
        body = {"call_id": call_id, "caller": caller, "line": LINE, **more}
        return await self.post("/v1/eligibility", body)

    async def event(self, event: str, call_id: str = "call-1", **more: Any) -> "Told":
        body = {"call_id": call_id, "line": LINE, "event": event, "caller": CALLER, **more}
        return await self.post("/v1/calls/events", body)

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> "Told":
        began = asyncio.get_running_loop().time()
        told = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method, self.url + path, data=body, headers=told, allow_redirects=False
        ) as answer:
            content = await answer.read()
            took = asyncio.get_running_loop().time() - began
            return Told(answer.status, dict(answer.headers), content, took)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def action(self) -> str:
        return str(self.json["action"])

    @property
    def reason(self) -> str:
        return str(self.json["reason"])

    @property
    def deflection_id(self) -> DeflectionId:
        return DeflectionId(parse("d", self.json["deflection_id"]))
