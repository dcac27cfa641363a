"""An account to speak through, and the events that follow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from core.access import Workspaces
from core.events import Events
from core.ids import MessageId, ThreadId, WorkspaceId
from core.jobs import Band, Handler, NewJob, Worker
from core.postgres import Database, Tx
from core.problems import traced
from core.sealing import Sealer
from core.vocabulary import ChannelKind, PhoneNumber
from core.wake import Wake
from messaging import contacts, threads
from messaging.accounts import AccountDraft, Accounts, account, put_account
from messaging.api import ENDPOINTS, LIBRARY, WEBHOOKS
from messaging.channel import (
    Account,
    AddressKind,
    Channel,
    Failure,
    ReportedStatus,
    StatusReport,
)
from messaging.channels.whatsapp.adapter import WhatsApp
from messaging.content import Content, ContentType, TemplateUse
from messaging.files import Files
from messaging.inbox import Received
from messaging.intake import Intake, open_intake
from messaging.media import Library
from messaging.pacing import Pacing, pacing_redis
from messaging.webhooks import Webhooks
from messaging.work import handlers
from tests.conftest import SettableClock
from tests.fakes import cloud_api
from tests.fakes.provider import Provider, provider

CALLER = PhoneNumber("+79161234567")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)

OPENING = Content(
    ContentType.TEMPLATE,
    text="Hello! You have just called us.",
    template=TemplateUse("call_to_chat", "en", ("+78002500000",), ("c:1", "n:1"), 3600),
)


def draft(name: str = "whatsapp", **changed: Any) -> AccountDraft:
    """A WhatsApp account whose credentials are words."""
    values: dict[str, Any] = {
        "name": name,
        "kind": ChannelKind.WHATSAPP,
        "base_url": "http://127.0.0.1:1",
        "external_id": "100000000000001",
        "settings": {"waba_id": "200000000000001"},
        "secrets": {"access_token": "t0ken", "app_secret": "s3cret", "verify_token": "v3rify"},
    }
    return AccountDraft(**{**values, **changed})


def report(
    status: ReportedStatus,
    *,
    message_id: MessageId | None = None,
    provider_id: str = "wamid.1",
    at: datetime = NOW,
    failure: Failure | None = None,
) -> StatusReport:
    """One status as an adapter gives it."""
    return StatusReport(
        f"s:{provider_id}:{status}", status, at, provider_id, message_id, {}, failure, None
    )


@pytest.fixture
def sealer() -> Sealer:
    return Sealer("a secret key of the tests, long enough")


@pytest.fixture
async def whatsapp(database: Database, workspace_id: WorkspaceId, sealer: Sealer) -> Account:
    """The workspace's WhatsApp account."""
    async with database.workspace(workspace_id) as tx:
        account_id = await put_account(tx, sealer, draft())
        return await account(tx, sealer, account_id)


@dataclass
class Heard:
    """Every event that was published, as the jobs it caused would see it."""

    events: Events = field(default_factory=Events)
    facts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("opening.failed", "message.failed", "message.watched"):
            self.events.subscribe(name, self._listener(name))

    def named(self, name: str) -> list[dict[str, Any]]:
        """The facts of one kind of event."""
        return [facts for event, facts in self.facts if event == name]

    def _listener(self, name: str) -> Any:
        def hear(facts: Any) -> NewJob | None:
            self.facts.append((name, dict(facts)))
            return None

        return hear


@pytest.fixture
def heard() -> Heard:
    return Heard()


@dataclass
class House:
    """This room as wiring builds it, over real servers and a pretended provider."""

    database: Database
    workspace_id: WorkspaceId
    account: Account
    provider: Provider
    channels: dict[ChannelKind, Channel]
    accounts: Accounts
    pacing: Pacing
    intake: Intake
    library: Library
    heard: Heard
    wake: Wake
    clock: SettableClock
    received: list[Received] = field(default_factory=list)
    broken_by: str | None = None
    """A customer's words that break the room above."""

    async def inbound(self, tx: Tx, received: Received) -> None:
        if self.broken_by is not None and received.content.text == self.broken_by:
            raise RuntimeError("the room above does not understand this")
        self.received.append(received)

    def bands(self) -> dict[str, dict[str, Handler]]:
        return handlers(
            database=self.database,
            channels=self.channels,
            accounts=self.accounts,
            pacing=self.pacing,
            library=self.library,
            events=self.heard.events,
            clock=self.clock,
            inbound=self.inbound,
        )

    async def work(self, name: str, *, limit: int = 100) -> int:
        """Do what is due in a band, one job after the other; how many were done."""
        worker = Worker(self.database, self.wake)
        band = Band(name, 1, self.bands()[name])
        done = 0
        while done < limit:
            free = asyncio.Semaphore(1)
            jobs = await worker._claim(band, list(band.handlers), free)
            if not jobs:
                return done
            for job in jobs:
                await worker._do(band, job, free)
                done += 1
        return done

    async def hurry(self) -> None:
        """Whatever waits for its time is due now."""
        async with self.database.workspace(self.workspace_id) as tx:
            await tx.execute("UPDATE core.job SET due_at = now() WHERE state = 'ready'")

    async def rows(self, query: str, *args: object) -> list[Any]:
        async with self.database.workspace(self.workspace_id) as tx:
            return await tx.fetch(query, *args)

    async def value(self, query: str, *args: object) -> Any:
        async with self.database.workspace(self.workspace_id) as tx:
            return await tx.fetchval(query, *args)


@pytest.fixture
async def house(
    database: Database,
    workspace_id: WorkspaceId,
    sealer: Sealer,
    heard: Heard,
    wake: Wake,
    clock: SettableClock,
    redis_url: str,
    tmp_path: Path,
) -> AsyncIterator[House]:
    async with (
        provider() as fake,
        aiohttp.ClientSession() as session,
        pacing_redis(redis_url) as redis,
    ):
        wanted = draft(
            base_url=fake.url,
            external_id=cloud_api.PHONE_NUMBER_ID,
            settings={"waba_id": cloud_api.WABA_ID},
        )
        async with database.workspace(workspace_id) as tx:
            await put_account(tx, sealer, wanted)
            spoken = await account(tx, sealer, wanted.name)
        channels: dict[ChannelKind, Channel] = {ChannelKind.WHATSAPP: WhatsApp(session)}
        accounts = Accounts(database, sealer)
        pacing = Pacing(channels, redis)
        files = Files(f"file://{tmp_path}/files")
        library = Library(database, files, sealer, clock)
        async with open_intake(database, heard.events, pacing) as intake:
            yield House(
                database=database,
                workspace_id=workspace_id,
                account=spoken,
                provider=fake,
                channels=channels,
                accounts=accounts,
                pacing=pacing,
                intake=intake,
                library=library,
                heard=heard,
                wake=wake,
                clock=clock,
            )


@pytest.fixture
async def thread_id(house: House) -> ThreadId:
    """A customer who wrote just now."""
    async with house.database.workspace(house.workspace_id) as tx:
        who = await contacts.contact_for_sender(
            tx, house.account.kind, {AddressKind.WA_ID: "79005550101"}, "Anna"
        )
        made = await threads.thread_for(tx, who.contact_id, house.account.id)
        await threads.note_inbound(tx, made, at=house.clock(), window_s=24 * 3600)
    return made


@pytest.fixture
async def client(house: House, aiohttp_client):
    """Whoever posts webhooks to us."""
    app = web.Application(middlewares=[traced])
    app[WEBHOOKS] = Webhooks(
        Workspaces(house.database), house.accounts, house.channels, house.intake
    )
    app[LIBRARY] = house.library
    app.add_routes(endpoint.route for endpoint in ENDPOINTS)
    return await aiohttp_client(app)
