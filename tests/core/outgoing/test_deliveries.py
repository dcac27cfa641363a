"""News is a row of its transaction, and arrives at least once under one id."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from core.clock import utc_now
from core.events import Events
from core.ids import WorkspaceId
from core.jobs import Band, Worker
from core.outgoing import EndpointDraft, EndpointUnknown, put_endpoints, resume, tell
from core.outgoing.courier import open_courier
from core.outgoing.deliveries import AGAIN_AFTER_S, Outgoing
from core.outgoing.endpoints import BAND
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import PhoneNumber
from core.wake import Wake
from tests.fakes.crm import NEXT_SECRET, SECRET, Crm, crm
from tests.fakes.provider import provider

CALLER = PhoneNumber("+79161230001")


@dataclass
class Office:
    """A workspace with an endpoint, and hands that deliver when told to."""

    database: Database
    workspace_id: WorkspaceId
    wake: Wake
    sealer: Sealer
    outgoing: Outgoing
    crm: Crm

    async def endpoints(self, *drafts: EndpointDraft) -> None:
        async with self.database.workspace(self.workspace_id) as tx:
            await put_endpoints(tx, self.sealer, drafts)

    def draft(self, **changed: Any) -> EndpointDraft:
        values: dict[str, Any] = {
            "name": "crm",
            "url": self.crm.url,
            "events": ["deflection.replied"],
            "secret": SECRET,
            "private": True,
        }
        return EndpointDraft(**{**values, **changed})

    async def tell(self, type_: str = "deflection.replied", **more: Any) -> int:
        async with self.database.workspace(self.workspace_id) as tx:
            return await tell(tx, type_, {"deflection_id": "d_1"}, **more)

    async def work(self, *, hurry: bool = False) -> None:
        """Do what is due, one job after the other."""
        if hurry:
            await self.run("UPDATE core.webhook_delivery SET due_at = now() WHERE state='waiting'")
            await self.run("UPDATE core.job SET due_at = now() WHERE state = 'ready'")
        worker = Worker(self.database, self.wake)
        band = Band(BAND, 1, self.outgoing.handlers()[BAND])
        for _ in range(10):
            free = asyncio.Semaphore(1)
            jobs = await worker._claim(band, list(band.handlers), free)
            if not jobs:
                return
            for job in jobs:
                await worker._do(band, job, free)

    async def run(self, query: str, *args: object) -> list[Any]:
        async with self.database.workspace(self.workspace_id) as tx:
            return list(await tx.fetch(query, *args))

    async def states(self) -> list[str]:
        rows = await self.run("SELECT state FROM core.webhook_delivery ORDER BY created_at")
        return [row["state"] for row in rows]


@pytest.fixture
async def office(database: Database, workspace_id: WorkspaceId, wake: Wake):
    sealer = Sealer("a secret key of the tests, long enough")
    async with crm() as system, open_courier(utc_now) as courier:
        made = Office(
            database,
            workspace_id,
            wake,
            sealer,
            Outgoing(database, sealer, courier, Events()),
            system,
        )
        await made.endpoints(made.draft())
        yield made


async def test_what_is_told_arrives_signed_once_and_without_the_number(office: Office):
    assert await office.tell(key="d_1", caller=CALLER) == 1
    assert await office.tell(key="d_1", caller=CALLER) == 0  # the same event, told again
    assert await office.tell("deflection.failed") == 0  # nobody asked for it
    await office.work()
    (event,) = office.crm.taken
    assert event["type"] == "deflection.replied"
    assert event["data"] == {"deflection_id": "d_1"}
    assert event["timestamp"].endswith("Z")
    assert office.crm.rejected == 0
    assert await office.states() == ["delivered"]


async def test_nothing_is_told_when_the_transaction_breaks(office: Office):
    async def break_off() -> None:
        async with office.database.workspace(office.workspace_id) as tx:
            await tell(tx, "deflection.replied", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    await office.work()
    assert office.crm.attempts == []


async def test_the_number_goes_to_who_asks_and_to_whom_it_is_meant_for(office: Office):
    await office.endpoints(
        office.draft(),
        office.draft(name="asks", include_caller=True),
        office.draft(name="dialler", events=[]),
    )
    assert await office.tell(caller=CALLER, meant_for="dialler") == 3
    await office.work()
    callers = sorted(str(event["data"].get("caller")) for event in office.crm.taken)
    assert callers == [CALLER.e164, CALLER.e164, "None"]


async def test_a_receiver_that_was_down_gets_everything_when_it_is_back(office: Office):
    office.crm.status = 503
    for number in range(12):
        await office.tell(key=str(number))
    await office.work()
    assert len(office.crm.attempts) == 12
    assert set(await office.states()) == {"waiting"}
    office.crm.status = 204
    await office.tell(key="fresh")
    # The fresh one comes through, and the others need not wait out their time.
    await office.work()
    assert set(await office.states()) == {"delivered"}
    assert len(office.crm.taken) == 13
    first = office.crm.attempts[0]["id"]
    assert sum(event["id"] == first for event in office.crm.attempts) == 2


async def test_after_about_a_day_it_is_given_up_and_can_be_sent_again(office: Office):
    assert 20 * 3600 < sum(AGAIN_AFTER_S) < 28 * 3600
    office.crm.status = 500
    await office.tell()
    for _ in range(len(AGAIN_AFTER_S) + 1):
        await office.work(hurry=True)
    assert await office.states() == ["given_up"]
    assert len(office.crm.attempts) == len(AGAIN_AFTER_S) + 1
    office.crm.status = 200
    async with office.database.workspace(office.workspace_id) as tx:
        assert await resume(tx, "crm", also_given_up=True) == 1
    await office.work()
    assert await office.states() == ["delivered"]
    async with office.database.workspace(office.workspace_id) as tx:
        with pytest.raises(EndpointUnknown):
            await resume(tx, "nobody")


async def test_an_endpoint_that_fails_for_a_day_rests_until_somebody_looks(office: Office):
    office.crm.status = 500
    for number in range(10):
        await office.tell(key=str(number))
    await office.work()
    await office.run(
        "UPDATE core.webhook_endpoint SET failing_since = now() - interval '25 hours' RETURNING 1"
    )
    await office.work(hurry=True)
    tried = len(office.crm.attempts)
    (row,) = await office.run("SELECT paused_reason FROM core.webhook_endpoint")
    assert row["paused_reason"] == "failing"
    await office.tell(key="while paused")
    await office.work(hurry=True)
    assert len(office.crm.attempts) == tried
    office.crm.status = 200
    async with office.database.workspace(office.workspace_id) as tx:
        await resume(tx, "crm")
    await office.work()
    assert set(await office.states()) == {"delivered"}


async def test_an_endpoint_that_is_gone_rests_at_once_and_a_redirect_is_not_followed(
    office: Office,
):
    office.crm.status = 302
    await office.tell()
    await office.work()
    assert await office.states() == ["waiting"]
    office.crm.status = 410
    await office.work(hurry=True)
    (row,) = await office.run("SELECT paused_reason FROM core.webhook_endpoint")
    assert row["paused_reason"] == "gone"


async def test_a_silent_receiver_delays_no_other(office: Office, monkeypatch):
    monkeypatch.setattr("core.outgoing.courier.TIMEOUT_S", 0.2)
    async with provider() as silent:
        silent.fall_silent()
        await office.endpoints(office.draft(), office.draft(name="slow", url=silent.url))
        await office.tell(key="1")
        await office.work()
        rows = await office.run(
            "SELECT e.name, d.state, d.last_error FROM core.webhook_delivery d"
            " JOIN core.webhook_endpoint e USING (workspace_id, endpoint_id) ORDER BY e.name"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("crm", "delivered", None),
        ("slow", "waiting", "timeout"),
    ]


async def test_an_address_of_our_own_net_is_not_connected_to(office: Office):
    port = office.crm.url.split(":")[2]
    await office.endpoints(
        office.draft(name="digits", private=False),
        office.draft(name="name", private=False, url=f"http://localhost:{port}"),
    )
    await office.tell()
    await office.work()
    rows = await office.run("SELECT last_error FROM core.webhook_delivery")
    assert {row["last_error"] for row in rows} == {"address_forbidden"}
    assert office.crm.attempts == []


async def test_secrets_change_without_a_gap_and_are_never_readable(office: Office):
    await office.endpoints(office.draft(secret=NEXT_SECRET, secret_previous=SECRET))
    await office.tell(key="1")
    await office.work()
    office.crm.secret = NEXT_SECRET
    await office.tell(key="2")
    await office.work()
    assert len(office.crm.taken) == 2
    (row,) = await office.run("SELECT sealed, version FROM core.webhook_endpoint")
    assert SECRET.encode() not in row["sealed"]
    await office.endpoints(office.draft(secret=NEXT_SECRET, secret_previous=SECRET))
    assert (await office.run("SELECT version FROM core.webhook_endpoint"))[0]["version"] == 2
    await office.endpoints()
    assert await office.states() == []


async def test_what_arrived_is_not_kept_and_what_did_not_is_sent_again_whole(office: Office):
    await office.endpoints(office.draft(include_caller=True))
    office.crm.status = 500
    await office.tell(key="1", caller=CALLER)
    await office.work()
    (row,) = await office.run("SELECT state, body FROM core.webhook_delivery")
    assert row["state"] == "waiting"
    assert CALLER.e164 in row["body"]
    office.crm.status = 200
    await office.work(hurry=True)
    (row,) = await office.run("SELECT state, body FROM core.webhook_delivery")
    assert (row["state"], row["body"]) == ("delivered", "")
    assert [event["data"]["caller"] for event in office.crm.taken] == [CALLER.e164]
    await office.tell(key="1", caller=CALLER)
    await office.work(hurry=True)
    assert len(office.crm.taken) == 1, "it is still known that this was told"


async def test_old_news_is_forgotten_and_a_lost_job_is_made_again(office: Office):
    await office.tell(key="1")
    await office.work()
    await office.run("UPDATE core.webhook_delivery SET settled_at = now() - interval '4 days'")
    await office.tell(key="2")
    await office.run("DELETE FROM core.job WHERE kind = 'core.webhook_pump'")
    await office.work(hurry=True)
    assert await office.states() == ["delivered"]
    assert len(office.crm.taken) == 2
