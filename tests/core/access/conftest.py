"""A service that takes keys."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from core.access import Keys
from core.access import keys as keys_module
from core.access.issuing import (
    KeyWish,
    NewKey,
    issue,
    rotate,
)
from core.entrance import KEYS, TRUSTED_PROXIES, client_address, key_holder, read_limited
from core.http import Access, Endpoint, answer
from core.ids import WorkspaceId
from core.postgres import Database
from core.problems import traced
from core.sealing import Sealer
from tests.signed import BODY

SEALER = Sealer("a secret key of the tests, long enough")


async def taken(request: web.Request) -> web.Response:
    raw = await read_limited(request, 1024)
    return answer({"key": key_holder(request).name, "bytes": len(raw)})


async def where(request: web.Request) -> web.Response:
    return answer({"from": str(client_address(request))})


ENDPOINTS = (
    Endpoint("POST", "/calls", taken, "Calls", Access.KEY, scope="ivr"),
    Endpoint("GET", "/where", where, "Where from", Access.PUBLIC),
)


@dataclass
class Door:
    """A service that takes keys, and everything a client of it needs."""

    client: TestClient[Any, Any]
    database: Database
    workspace_id: WorkspaceId
    clock: Any

    async def issue(self, **wished: Any) -> NewKey:
        wish = KeyWish(**{"name": "pbx", "scopes": ["ivr"], **wished})
        async with self.database.workspace(self.workspace_id) as tx:
            return await issue(tx, SEALER, wish)

    async def rotate(self, hours: float, name: str = "pbx") -> NewKey:
        async with self.database.workspace(self.workspace_id) as tx:
            return await rotate(tx, SEALER, name, keep=timedelta(hours=hours))

    async def knock(
        self, headers: Mapping[str, str] | None = None, *, body: bytes = BODY, path: str = "/calls"
    ) -> tuple[int, dict[str, Any]]:
        response = await self.client.post(path, data=body, headers=headers or {})
        return response.status, json.loads(await response.read())

    async def bearer(self, key: str | None) -> int:
        status, _ = await self.knock({"Authorization": f"Bearer {key}"})
        return status


@pytest.fixture
async def door(aiohttp_client, database, workspace_id, clock, monkeypatch):
    monkeypatch.setattr(keys_module, "_REMEMBERED_S", 0.0)
    return await make_door(aiohttp_client, database, workspace_id, clock)


async def make_door(
    aiohttp_client: Any,
    database: Database,
    workspace_id: WorkspaceId,
    clock: Any,
    *,
    proxies: Sequence[str] = (),
) -> Door:
    app = web.Application(middlewares=[traced])
    app[KEYS] = Keys(database, SEALER, clock)
    app[TRUSTED_PROXIES] = [ip_network(proxy) for proxy in proxies]
    app.add_routes([endpoint.route for endpoint in ENDPOINTS])
    return Door(await aiohttp_client(app), database, workspace_id, clock)
