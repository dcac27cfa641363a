"""A web process that serves reports, a past to report, and somebody who may ask."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from core.access import Keys, People, SignIns
from core.access.keys import put_key
from core.clock import utc_now
from core.entrance import KEYS
from core.http import PUBLIC_ORIGIN, SIGN_INS
from core.postgres import Database
from core.problems import traced
from core.sealing import Sealer
from ivr_bridge.reports import api
from ivr_bridge.reports.api import REPORTS, Reports
from tests.ivr_bridge.reports.chronicle import MINUTE, Chronicle, chronicle

SEALER = Sealer("a secret key of the tests, long enough")
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
PASSWORD = "a password of tests"
DAY = "from=2026-01-10&to=2026-01-10"
NAMES = ["voice-to-chat", "deflection-funnel", "deflections"]


@dataclass
class Service:
    """One web process that serves reports, and ways to ask it."""

    url: str
    http: aiohttp.ClientSession
    app: web.Application
    database: Database
    people: People

    async def get(
        self, path: str, *, cookie: str | None = None, key: str | None = None, **headers: str
    ) -> aiohttp.ClientResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie is not None:
            told["Cookie"] = f"session={cookie}"
        if key is not None:
            told["Authorization"] = f"Bearer {key}"
        return await self.http.get(self.url + path, headers=told)

    async def json(self, path: str, **more: Any) -> Any:
        answer = await self.get(path, **more)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def refused(self, path: str, **more: Any) -> Any:
        answer = await self.get(path, **more)
        assert answer.content_type == "application/problem+json"
        return await answer.json()

    async def person(self, past: Chronicle, *roles: str, rights: tuple[str, ...] = ()) -> str:
        """The cookie of a person with these roles."""
        email = f"{'-'.join(roles + rights)}@w{past.workspace_id}.example"
        async with self.database.workspace(past.workspace_id) as tx:
            await self.people.put(
                tx, email=email, name="Anna", roles=roles, rights=rights, password=PASSWORD
            )
        token, _ = await self.app[SIGN_INS].open(email, PASSWORD, None)
        return token

    async def key(self, past: Chronicle, *scopes: str, lines: tuple[str, ...] = ()) -> str:
        """A key with these scopes."""
        key = f"ib_{past.workspace_id}-{'-'.join(scopes + lines)}-of-the-tests"
        async with self.database.workspace(past.workspace_id) as tx:
            await put_key(tx, name="crm", key=key, scopes=scopes, lines=lines)
        return key


@pytest.fixture
async def service(database: Database, clock: Any) -> AsyncIterator[Service]:
    clock.now = NOW
    people = People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    app = web.Application(middlewares=[traced])
    app[PUBLIC_ORIGIN] = "http://127.0.0.1"
    app[KEYS] = Keys(database, SEALER, utc_now)
    app[SIGN_INS] = SignIns(database, people, lambda: datetime.now(UTC))
    app[REPORTS] = Reports(database, clock, at_once=2)
    app.add_routes([endpoint.route for endpoint in api.ENDPOINTS])
    jar = aiohttp.DummyCookieJar()
    async with TestServer(app) as server, aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Service(str(server.make_url("")).rstrip("/"), http, app, database, people)


@pytest.fixture
async def past(database: Database) -> Chronicle:
    """Two lines; on the first, a call that moved to chat, on the second one that did not."""
    past = await chronicle(database, "shop", lines=("main", "spare"), callers=2)
    began = datetime(2026, 1, 10, 9, tzinfo=UTC)
    call_id = f"={past.callers[0].phone}-1"
    moved = await past.call(began, call_id=call_id, events=[("ended", began)])
    await past.attempt(moved, began)
    await past.wrote(began + MINUTE)
    stayed = await past.call(began, line=1, caller=1, call_id="pbx-2")
    await past.attempt(
        stayed, began + MINUTE, caller=1, outcome="continue", reason="channel_quota", message=False
    )
    return past


@pytest.fixture
async def manager(service: Service, past: Chronicle) -> str:
    return await service.person(past, "manager")


def text_of(body: bytes) -> str:
    """Everything in a file that could be read."""
    if not body.startswith(b"PK"):
        return body.decode()
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return "".join(book.read(name).decode() for name in book.namelist())
