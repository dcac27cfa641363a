"""The whole way over real HTTP: an IVR, this room, the rooms below it, and the sandbox as the network."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from core.access import Workspaces
from core.access.keys import Keys, put_key
from core.clock import utc_now
from core.events import Events
from core.http import KEYS, PUBLIC_ORIGIN, traced
from core.ids import DeflectionId, WorkspaceId, parse
from core.jobs import Band, Handler, Worker
from core.outgoing.courier import open_courier
from core.outgoing.deliveries import Outgoing
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from core.wake import Wake
from handoff import jobs as handoff_jobs
from handoff.conversation.inbound import Inbound
from handoff.routing.queues import QueueDraft, put_queue
from ivr_bridge import aftermath, api
from ivr_bridge.admission import Admission
from ivr_bridge.aftermath import Aftermath
from ivr_bridge.again import Again
from ivr_bridge.asking import Bridge
from ivr_bridge.deflections import Deflections
from ivr_bridge.dialects.secrets import LineSecrets
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents
from ivr_bridge.explanation import Explanations
from ivr_bridge.explanation import api as explanation_api
from ivr_bridge.explanation.api import EXPLANATIONS
from ivr_bridge.guard.guard import make_guard
from ivr_bridge.line import Consent, Line, LineDraft, OpeningUse
from ivr_bridge.lines import Lines, all_lines, put_line
from ivr_bridge.means import Means
from ivr_bridge.offering import UsualOffers
from ivr_bridge.readiness import Readiness
from ivr_bridge.reception import Reception
from ivr_bridge.returns import api as returns_api
from ivr_bridge.returns import following
from ivr_bridge.returns.api import RETURNS, Returns
from ivr_bridge.returns.following import Following
from ivr_bridge.shared import open_shared
from messaging import api as messaging_api
from messaging.accounts import AccountDraft, Accounts, put_account
from messaging.channel import Channel
from messaging.channels.sms import Provider, Sms
from messaging.channels.whatsapp.adapter import WhatsApp
from messaging.files import Files
from messaging.intake import open_intake
from messaging.media import Library
from messaging.pacing import Pacing, pacing_redis
from messaging.templates import TemplateDraft, put_template
from messaging.webhooks import Webhooks
from messaging.work import handlers as messaging_handlers
from sandbox.client import SandboxClient
from sandbox.server import start
from sandbox.specs import AccountSpec, TemplateSpec

KEY = "ib_the-key-of-the-tests-0001"
LINE = "+78002500000"
CALLER = "+79005550101"
PHONE_NUMBER_ID = "100000000000001"
BODY = "Здравствуйте! Вы звонили нам на {{1}}."
BUTTONS = ["Продолжить", "Это не я"]
SECRETS = {"access_token": "t0ken", "app_secret": "s3cret", "verify_token": "v3rify"}


SMS_PROVIDER = Provider.model_validate(
    {
        "send": {
            "path": "/sms/sms/messages",
            "headers": {"Authorization": f"Bearer {SECRETS['access_token']}"},
            "json": {"to": "{to}", "text": "{text}", "reference": "{id}"},
        },
        "refused": {"codes": {"unknown_subscriber": "not_on_channel", "throttled": "transient"}},
        "webhook": {
            "signature": {"header": "X-Sms-Signature", "secret": SECRETS["app_secret"]},
            "codes": {"unknown_subscriber": "not_on_channel"},
        },
    }
)


def line_draft(**changed: Any) -> LineDraft:
    """The line of the tests: a `sent` with a short quiet is enough."""
    values: dict[str, Any] = {
        "name": "main",
        "title": "Toyshop",
        "numbers": [LINE],
        "country": "RU",
        "account": "whatsapp",
        "flow": "toyshop",
        "queue": "orders",
        "callback_queue": "callbacks",
        "opening": {"ru": OpeningUse("call_to_chat", ("{line_number}",))},
        "consent": Consent("dtmf", "wa-1", "Press 1 to continue on WhatsApp."),
        "grace_ms": 100,
    }
    return LineDraft(**{**values, **changed})


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
        return await self._ask("POST", path, sent, headers)

    async def get(self, path: str, **headers: str) -> "Told":
        return await self._ask("GET", path, None, headers)

    async def deflect(self, call_id: str = "call-1", caller: str = CALLER, **more: Any) -> "Told":
        body = {"call_id": call_id, "caller": caller, "line": LINE, **more}
        return await self.post("/v1/deflections", body)

    async def eligible(self, call_id: str = "call-1", caller: str = CALLER, **more: Any) -> "Told":
        body = {"call_id": call_id, "caller": caller, "line": LINE, **more}
        return await self.post("/v1/eligibility", body)

    async def event(self, event: str, call_id: str = "call-1", **more: Any) -> "Told":
        body = {"call_id": call_id, "line": LINE, "event": event, "caller": CALLER, **more}
        return await self.post("/v1/calls/events", body)

    async def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
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


@dataclass
class House:
    """Everything that runs, and a look into the database."""

    database: Database
    workspace_id: WorkspaceId
    ivr: Ivr
    network: SandboxClient
    deflections: Deflections
    means: Means
    bands: dict[str, dict[str, Handler]]
    wake: Wake
    sealer: Sealer
    fresh: list[Any] = field(default_factory=list)

    async def change_line(self, **changed: Any) -> None:
        """The line is different from now on."""
        async with self.database.workspace(self.workspace_id) as tx:
            await put_line(tx, line_draft(**changed))
        self.forget()

    def forget(self) -> None:
        """What processes remember for a moment is looked up anew."""
        for remembered in self.fresh:
            remembered.clear()

    async def line(self) -> Line:
        """The line as it is now."""
        async with self.database.workspace(self.workspace_id) as tx:
            return (await all_lines(tx))[0]

    async def work(self, *names: str, hurry: bool = False) -> int:
        """Do what is due in these bands (all, when none is named), one job after the other."""
        if hurry:
            async with self.database.workspace(self.workspace_id) as tx:
                await tx.execute("UPDATE core.job SET due_at = now() WHERE state = 'ready'")
        worker = Worker(self.database, self.wake)
        done = 0
        for name in names or tuple(self.bands):
            band = Band(name, 1, self.bands[name])
            for _ in range(50):
                free = asyncio.Semaphore(1)
                jobs = await worker._claim(band, list(band.handlers), free)
                if not jobs:
                    break
                for job in jobs:
                    await worker._do(band, job, free)
                    done += 1
        return done

    async def value(self, query: str, *args: object) -> Any:
        async with self.database.workspace(self.workspace_id) as tx:
            return await tx.fetchval(query, *args)

    async def rows(self, query: str, *args: object) -> list[asyncpg.Record]:
        async with self.database.workspace(self.workspace_id) as tx:
            return list(await tx.fetch(query, *args))

    async def facts(self) -> set[str]:
        """Every fact about every deflection."""
        return {row["fact"] for row in await self.rows("SELECT fact FROM ivr_bridge.fact")}


@pytest.fixture
async def shared(database_url: str, wake: Wake) -> AsyncIterator[Database]:
    """The connections that callers share, opened as the product opens them."""
    async with open_shared(database_url, size=3, hint=wake.hint) as opened:
        yield opened


@pytest.fixture
async def house(
    database: Database,
    shared: Database,
    workspace_id: WorkspaceId,
    wake: Wake,
    redis_url: str,
    tmp_path: Any,
) -> AsyncIterator[House]:
    sealer = Sealer("a secret key of the tests, long enough")
    network = await start()
    redis = pacing_redis(redis_url)
    async with aiohttp.ClientSession() as session, SandboxClient(network.url) as client:
        await _furnish(database, workspace_id, sealer, network.url)
        events = Events()
        aftermath.subscribe(events)
        following.subscribe(events)
        accounts = Accounts(database, sealer, fresh_s=0.0)
        channels: dict[ChannelKind, Channel] = {
            ChannelKind.WHATSAPP: WhatsApp(session),
            ChannelKind.SMS: Sms(session),
        }
        pacing = Pacing(channels, redis)
        readiness, lines = Readiness(database, accounts), Lines(database)
        guard = make_guard(database, pacing, shared)
        means = Means(
            database=database,
            shared=shared,
            wake=wake,
            events=events,
            readiness=readiness,
            guard=guard,
            admission=Admission(pacing),
            channels=channels,
            clock=utc_now,
        )
        # A machine that is busy with other tests is no database that hangs.
        deflections = Deflections(means, begin_within_s=10)
        secrets = LineSecrets(database, sealer)
        library = Library(
            database, Files(f"file://{tmp_path}/files"), sealer, accounts, channels, utc_now
        )
        async with (
            open_intake(database, events, pacing) as intake,
            deflections.running(),
            open_courier(utc_now) as courier,
        ):
            app = web.Application(middlewares=[traced])
            app[KEYS] = Keys(database, sealer, utc_now)
            app[PUBLIC_ORIGIN] = "http://127.0.0.1"
            app[messaging_api.WEBHOOKS] = Webhooks(Workspaces(database), accounts, channels, intake)
            app[api.RECEPTION] = Reception(Workspaces(database), lines, secrets, utc_now)
            app[api.BRIDGE] = Bridge(
                lines=lines,
                deflections=deflections,
                eligibility=Eligibility(database, readiness, guard, utc_now, UsualOffers(shared)),
                events=CallEvents(database, lines, utc_now),
            )
            app[EXPLANATIONS] = Explanations(database, lines)
            app.add_routes(
                [
                    endpoint.route
                    for endpoint in (
                        *api.ENDPOINTS,
                        *explanation_api.ENDPOINTS,
                        *returns_api.ENDPOINTS,
                        *messaging_api.ENDPOINTS,
                    )
                ]
            )
            app[RETURNS] = Returns(database, lines, events, utc_now)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
            await site.start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            await client.register(_account(f"{url}/webhooks/demo/whatsapp"))
            await client.register(_sms_account(f"{url}/webhooks/demo/sms"))
            bands: dict[str, dict[str, Handler]] = {}
            for room in (
                messaging_handlers(
                    database=database,
                    channels=channels,
                    accounts=accounts,
                    pacing=pacing,
                    library=library,
                    events=events,
                    clock=utc_now,
                    inbound=Inbound(events, utc_now),
                ),
                handoff_jobs.handlers(database, events, utc_now),
                Aftermath(database, utc_now, "http://127.0.0.1").handlers(),
                Following(database, events, utc_now).handlers(),
                Again(database, utc_now).handlers(),
                Outgoing(database, sealer, courier, events).handlers(),
            ):
                for band, kinds in room.items():
                    bands.setdefault(band, {}).update(kinds)
            try:
                yield House(
                    database=database,
                    workspace_id=workspace_id,
                    ivr=Ivr(url, session),
                    network=client,
                    deflections=deflections,
                    means=means,
                    bands=bands,
                    wake=wake,
                    sealer=sealer,
                    fresh=[
                        lines._remembered,
                        readiness._remembered._known,
                        readiness._calls._known,
                        secrets._remembered,
                        guard.standings._remembered._known,
                    ],
                )
            finally:
                await runner.cleanup()
        await redis.aclose()
        await network.stop()


async def _furnish(
    database: Database, workspace_id: WorkspaceId, sealer: Sealer, network: str
) -> None:
    """Two queues, an account with its template, a line and its key."""
    async with database.workspace(workspace_id) as tx:
        await put_queue(tx, QueueDraft("orders", "Orders", default=True))
        await put_queue(tx, QueueDraft("callbacks", "Call back"))
        account_id = await put_account(
            tx,
            sealer,
            AccountDraft(
                name="whatsapp",
                kind=ChannelKind.WHATSAPP,
                base_url=network,
                external_id=PHONE_NUMBER_ID,
                settings={"waba_id": "200000000000001", "messages_per_second": "1000"},
                secrets=SECRETS,
            ),
        )
        await put_account(
            tx,
            sealer,
            AccountDraft(
                name="sms",
                kind=ChannelKind.SMS,
                base_url=network,
                external_id="Toyshop",
                settings={"messages_per_second": "1000"},
                secrets={"provider": SMS_PROVIDER.stored()},
            ),
        )
        await put_template(
            tx,
            TemplateDraft(
                account_id=account_id,
                name="call_to_chat",
                language="ru",
                body=BODY,
                parameters=("1",),
                buttons=tuple(BUTTONS),
                ttl_s=3600,
            ),
        )
        await put_line(tx, line_draft())
        await put_key(tx, name="line", key=KEY, scopes=["ivr"])


def _account(webhook_url: str) -> AccountSpec:
    return AccountSpec(
        phone_number_id=PHONE_NUMBER_ID,
        waba_id="200000000000001",
        display_number="+74951230000",
        token=SECRETS["access_token"],
        app_secret=SECRETS["app_secret"],
        verify_token=SECRETS["verify_token"],
        webhook_url=webhook_url,
        mps=0,
        pair_rate=False,
        batch_linger_ms=0,
        templates=[
            TemplateSpec(
                name="call_to_chat",
                language="ru",
                components=[
                    {"type": "BODY", "text": BODY},
                    {
                        "type": "BUTTONS",
                        "buttons": [{"type": "QUICK_REPLY", "text": text} for text in BUTTONS],
                    },
                ],
            )
        ],
    )


def _sms_account(webhook_url: str) -> AccountSpec:
    return AccountSpec(
        kind="sms",
        phone_number_id="sms",
        display_number="Toyshop",
        token=SECRETS["access_token"],
        app_secret=SECRETS["app_secret"],
        webhook_url=webhook_url,
        batch_linger_ms=0,
    )
