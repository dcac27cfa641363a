"""The desk over real HTTP and WebSockets: a server, and people who sign in at it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher

from core.access import Keys, People, SignIns
from core.clock import utc_now
from core.entrance import KEYS
from core.http import PUBLIC_ORIGIN, SIGN_INS
from core.ids import PersonId, WorkspaceId, public
from core.problems import traced
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from handoff.desk import api, live, sign_in
from handoff.desk.asking import DESK, Desk
from handoff.desk.watching import Watchers
from handoff.routing.queues import put_members
from messaging.channels.whatsapp import CAPABILITIES

ORIGIN = "http://desk.test"
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """One person's browser, signed in."""

    http: aiohttp.ClientSession
    url: str
    person_id: PersonId
    me: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return public("pe", self.person_id)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        headers = {"Origin": ORIGIN, **more.pop("headers", {})}
        async with self.http.request(
            method, self.url + path, json=body, headers=headers, **more
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def get(self, path: str, **more: Any) -> Any:
        status, told = await self.ask("GET", path, **more)
        assert status == 200, (status, told)
        return told

    async def post(self, path: str, body: Any = None, expect: int = 200) -> Any:
        status, told = await self.ask("POST", path, {} if body is None else body)
        assert status == expect, (status, told)
        return told

    def connect(self, **more: Any):
        return self.http.ws_connect(
            self.url + "/v1/desk/live", headers={"Origin": ORIGIN}, max_msg_size=0, **more
        )

    async def hello(self, since: str | None = None, **more: Any) -> Any:
        socket = await self.connect(**more)
        await socket.send_json({"type": "hello", "since": since})
        return socket


@dataclass
class DeskServer:
    """The service's desk, for one house."""

    house: Any
    people: People
    url: str
    app: web.Application
    opened: AsyncExitStack

    async def person(
        self,
        name: str = "olga",
        *,
        roles: tuple[str, ...] = ("operator",),
        rights: tuple[str, ...] = (),
        serves: bool = True,
        workspace_id: WorkspaceId | None = None,
    ) -> PersonId:
        house = self.house
        async with house.database.workspace(workspace_id or house.workspace_id) as tx:
            person_id = await self.people.put(
                tx,
                email=f"{name}@example.org",
                name=name.title(),
                roles=roles,
                rights=rights,
                password=PASSWORD,
            )
        if serves and workspace_id is None:
            await house.operators.presence(house.workspace_id, person_id)
            rows = await house.owner.fetch(
                "SELECT operator_id FROM handoff.queue_member WHERE queue_id = $1", house.queue_id
            )
            async with house.database.workspace(house.workspace_id) as tx:
                await put_members(
                    tx, house.queue_id, [*(row["operator_id"] for row in rows), person_id]
                )
        return person_id

    async def browser(self, person_id: PersonId, name: str = "olga") -> Browser:
        http = await self.opened.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        )
        browser = Browser(http, self.url, person_id)
        browser.me = await browser.post(
            "/v1/session", {"email": f"{name}@example.org", "password": PASSWORD}
        )
        return browser

    async def signed_in(self, name: str = "olga", **more: Any) -> Browser:
        return await self.browser(await self.person(name, **more), name)


@asynccontextmanager
async def serving(house: Any, wake: Any, clock: Any) -> AsyncIterator[DeskServer]:
    """One web process of the desk."""
    people = People(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    app = web.Application(middlewares=[traced])
    app[PUBLIC_ORIGIN] = ORIGIN
    app[KEYS] = Keys(house.database, Sealer("a secret key of the tests, long enough"), utc_now)
    app[SIGN_INS] = SignIns(house.database, people, clock)
    app[DESK] = Desk(
        database=house.database,
        clock=clock,
        conversations=house.conversations,
        operators=house.operators,
        watchers=Watchers(house.database, clock),
        capabilities={ChannelKind.WHATSAPP: CAPABILITIES},
        media_link=lambda workspace_id, media_id: f"/media/{workspace_id}-{public('md', media_id)}",
    )
    for endpoint in (*sign_in.ENDPOINTS, *api.ENDPOINTS, *live.ENDPOINTS):
        app.router.add_routes([endpoint.route])
    async with AsyncExitStack() as opened, live.running(app, wake), TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        yield DeskServer(house, people, url, app, opened)
        await opened.aclose()


@pytest.fixture
async def desk(house: Any, wake: Any, clock: Any) -> AsyncIterator[DeskServer]:
    async with serving(house, wake, clock) as served:
        yield served


@pytest.fixture
def serve(house: Any, wake: Any, clock: Any) -> Any:
    """Start web processes, each with hints of its own if wanted."""
    return lambda hints=None: serving(house, hints or wake, clock)


@pytest.fixture
async def olga(desk: DeskServer) -> AsyncIterator[Browser]:
    """An operator at her desk, taking work."""
    browser = await desk.signed_in("olga")
    connection = await browser.hello()
    await connection.receive_json()
    await browser.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    yield browser
    await connection.close()


@pytest.fixture
async def held(desk: DeskServer, olga: Browser) -> Any:
    """What she has just accepted, as she sees it."""
    await desk.house.queued()
    (held_out,) = await desk.house.offered(olga.person_id)
    return await olga.post(f"/v1/reservations/{public('rs', held_out.reservation_id)}/accept")
