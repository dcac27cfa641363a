"""The whole way over real HTTP: an IVR, this room, the rooms below it, and the sandbox as the network."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from core.access import Workspaces
from core.access.keys import Keys
from core.clock import utc_now
from core.entrance import KEYS
from core.events import Events
from core.http import PUBLIC_ORIGIN
from core.ids import WorkspaceId
from core.jobs import Band, Handler, Worker
from core.outgoing.courier import open_courier
from core.outgoing.deliveries import Outgoing
from core.postgres import Database
from core.problems import traced
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from core.wake import Wake
from handoff import jobs as handoff_jobs
from handoff.conversation.inbound import Inbound
from ivr_bridge import aftermath, api, handlers
from ivr_bridge.admission import Admission
from ivr_bridge.aftermath import Aftermath
from ivr_bridge.again import Again
from ivr_bridge.asking import Bridge
from ivr_bridge.astray import still_answered
from ivr_bridge.deflections import Deflections
from ivr_bridge.dialects.secrets import LineSecrets
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents
from ivr_bridge.explanation import Explanations
from ivr_bridge.explanation import api as explanation_api
from ivr_bridge.explanation.api import EXPLANATIONS
from ivr_bridge.guard.guard import make_guard
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines, all_lines, put_line
from ivr_bridge.means import Means
from ivr_bridge.offering import UsualOffers
from ivr_bridge.readiness import Readiness
from ivr_bridge.reception import Reception
from ivr_bridge.returns import api as returns_api
from ivr_bridge.returns import following
from ivr_bridge.returns.api import RETURNS, Returns
from ivr_bridge.returns.following import Following
from ivr_bridge.shared import Shared, open_shared
from ivr_bridge.shares import Shares
from messaging import api as messaging_api
from messaging.accounts import Accounts
from messaging.channel import Channel
from messaging.channels.sms import Sms
from messaging.channels.whatsapp.adapter import WhatsApp
from messaging.files import Files
from messaging.intake import open_intake
from messaging.media import Library
from messaging.pacing import Pacing, pacing_redis
from messaging.webhooks import Webhooks
from messaging.work import handlers as messaging_handlers
from sandbox.client import SandboxClient
from sandbox.server import start
from tests.ivr_bridge.furniture import (
    furnish,
    line_draft,
    sms_account,
    whatsapp_account,
)
from tests.ivr_bridge.ivr import CALLER, KEY, LINE, Ivr, Told

__all__ = ["CALLER", "KEY", "LINE", "House", "Told", "line_draft"]


@dataclass
class House:
    """Everything that runs, and a look into the database."""

    database: Database
    workspace_id: WorkspaceId
    ivr: Ivr
    network: SandboxClient
    deflections: Deflections
    means: Means
    shares: Shares
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
async def shared(database_url: str, wake: Wake) -> AsyncIterator[Shared]:
    """The connections that callers share, opened as the product opens them."""
    async with open_shared(database_url, size=2, hint=wake.hint) as opened:
        yield opened


@pytest.fixture
async def house(
    database: Database,
    shared: Shared,
    workspace_id: WorkspaceId,
    wake: Wake,
    redis_url: str,
    tmp_path: Any,
) -> AsyncIterator[House]:
    sealer = Sealer("a secret key of the tests, long enough")
    network = await start()
    redis = pacing_redis(redis_url)
    async with aiohttp.ClientSession() as session, SandboxClient(network.url) as client:
        await furnish(database, workspace_id, sealer, network.url)
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
        secrets, shares = LineSecrets(database, sealer), Shares(300)
        library = Library(database, Files(f"file://{tmp_path}/files"), sealer, utc_now)
        async with (
            open_intake(database, events, pacing) as intake,
            deflections.running(),
            open_courier(utc_now) as courier,
        ):
            app = web.Application(middlewares=[traced, still_answered])
            app[KEYS] = Keys(database, sealer, utc_now)
            app[PUBLIC_ORIGIN] = "http://127.0.0.1"
            app[messaging_api.WEBHOOKS] = Webhooks(Workspaces(database), accounts, channels, intake)
            app[handlers.RECEPTION] = Reception(
                Workspaces(database), lines, secrets, utc_now, shares
            )
            app[handlers.BRIDGE] = Bridge(
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
            await client.register(whatsapp_account(f"{url}/webhooks/demo/whatsapp"))
            await client.register(sms_account(f"{url}/webhooks/demo/sms"))
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
                    shares=shares,
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
