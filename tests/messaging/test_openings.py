"""The opening: one statement, one post, and every order of answer and report."""

import asyncio

import pytest

from core.ids import WorkspaceId
from core.postgres import Database
from core.vocabulary import PhoneNumber
from messaging import contacts, deliveries, openings, reachability
from messaging.channel import AddressKind, Failure, FailureClass, ReportedStatus
from messaging.delivery import Status
from messaging.openings import Lost, Opening, OpeningDraft, Posted, Refused
from messaging.reachability import Reach
from tests.locks import until_waited_for
from tests.messaging.conftest import CALLER, NOW, OPENING, report

NOT_THERE = Failure(FailureClass.NOT_ON_CHANNEL, "131026")
POSTED = Posted("wamid.1", {AddressKind.WA_ID: "79161234567"})


@pytest.fixture
async def opening(database: Database, workspace_id: WorkspaceId, whatsapp) -> Opening:
    async with database.workspace(workspace_id) as tx:
        return await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))


async def statuses(database: Database, workspace_id: WorkspaceId) -> list[str]:
    async with database.workspace(workspace_id) as tx:
        rows = await tx.fetch("SELECT status FROM messaging.delivery ORDER BY recorded_at, status")
    return [row["status"] for row in rows]


async def test_a_first_call_makes_contact_number_thread_and_message_at_once(
    database, workspace_id, whatsapp, opening
):
    async with database.workspace(workspace_id) as tx:
        found = await contacts.contact_for_phone(tx, CALLER)
        state = await openings.state(tx, opening.message_id)
        known = await openings.look_up(tx, CALLER, whatsapp, NOW)
    assert (found.contact_id, found.address_id) == (opening.contact_id, opening.address_id)
    assert state.status is Status.SENDING
    assert (known.contact_id, known.thread_id) == (opening.contact_id, opening.thread_id)
    assert known.evidence.state is Reach.UNKNOWN
    assert not known.opted_out


async def test_a_second_call_finds_the_same_people(database, workspace_id, whatsapp, opening):
    async with database.workspace(workspace_id) as tx:
        again = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))
        assert await tx.fetchval("SELECT count(*) FROM messaging.contact") == 1
    assert again.thread_id == opening.thread_id
    assert again.message_id != opening.message_id


async def test_two_first_calls_at_once_make_one_contact(database, workspace_id, whatsapp):
    async def call() -> Opening:
        async with database.workspace(workspace_id) as tx:
            return await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))

    made = await asyncio.gather(*(call() for _ in range(8)))
    assert len({each.contact_id for each in made}) == 1
    assert len({each.thread_id for each in made}) == 1
    async with database.workspace(workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM messaging.contact") == 1
        assert await tx.fetchval("SELECT count(*) FROM messaging.address") == 1


async def test_someone_who_wrote_before_is_found_by_the_number_they_call_from(
    database, workspace_id, whatsapp
):
    async with database.workspace(workspace_id) as tx:
        # Brazil: the wa_id of an old number lacks the ninth digit that is dialled today.
        wrote = await contacts.contact_for_sender(
            tx, whatsapp.kind, {AddressKind.WA_ID: "552198765432"}, "Ana"
        )
        called = await openings.prepare(
            tx, OpeningDraft(PhoneNumber("+5521998765432"), whatsapp, OPENING)
        )
    assert called.contact_id == wrote.contact_id


async def test_an_accepted_opening_knows_its_provider_id_and_the_wa_id(
    database, workspace_id, opening, heard
):
    async with database.workspace(workspace_id) as tx:
        state = await openings.record(tx, heard.events, opening, POSTED, NOW)
        addresses = await contacts.addresses_of(tx, opening.contact_id, opening.letter.channel)
    assert state.status is Status.ACCEPTED
    assert addresses[AddressKind.WA_ID] == "79161234567"
    assert await statuses(database, workspace_id) == ["sending", "accepted"]


async def test_a_refused_opening_is_failed_and_the_number_known_for_it(
    database, workspace_id, opening, heard
):
    async with database.workspace(workspace_id) as tx:
        state = await openings.record(tx, heard.events, opening, Refused(NOT_THERE), NOW)
        evidence = await reachability.look(tx, CALLER, opening.letter.channel, NOW)
    assert state.failure == NOT_THERE
    assert state.status is Status.SENDING
    assert evidence.state is Reach.UNREACHABLE
    assert heard.named("opening.failed") == [
        {
            "message_id": str(opening.message_id),
            "thread_id": str(opening.thread_id),
            "failure_class": "not_on_channel",
            "code": "131026",
        }
    ]


async def test_a_lost_reply_is_settled_by_a_status_that_carries_our_id(
    database, workspace_id, whatsapp, opening, heard
):
    async with database.workspace(workspace_id) as tx:
        lost = await openings.record(tx, heard.events, opening, Lost(), NOW)
    assert lost.status is Status.UNKNOWN
    async with database.workspace(workspace_id) as tx:
        told = report(ReportedStatus.SENT, message_id=opening.message_id, provider_id="wamid.9")
        await deliveries.apply(tx, heard.events, whatsapp, [told])
        state = await openings.state(tx, opening.message_id)
        provider_id = await tx.fetchval("SELECT provider_id FROM messaging.message")
    assert state.status is Status.SENT
    assert provider_id == "wamid.9"
    assert state.sent_for_s is not None


async def test_a_status_may_come_before_the_answer(
    database, workspace_id, whatsapp, opening, heard
):
    async with database.workspace(workspace_id) as tx:
        told = report(ReportedStatus.DELIVERED, message_id=opening.message_id)
        await deliveries.apply(tx, heard.events, whatsapp, [told])
    async with database.workspace(workspace_id) as tx:
        state = await openings.record(tx, heard.events, opening, POSTED, NOW)
    assert state.status is Status.DELIVERED


async def test_a_status_without_our_id_waits_for_the_answer_that_teaches_the_providers(
    database, workspace_id, whatsapp, opening, heard
):
    async with database.workspace(workspace_id) as tx:
        early = [
            report(ReportedStatus.SENT),
            report(ReportedStatus.FAILED, failure=NOT_THERE),
        ]
        await deliveries.apply(tx, heard.events, whatsapp, early)
        assert await tx.fetchval("SELECT count(*) FROM messaging.unmatched_status") == 2
    async with database.workspace(workspace_id) as tx:
        state = await openings.record(tx, heard.events, opening, POSTED, NOW)
        assert await tx.fetchval("SELECT count(*) FROM messaging.unmatched_status") == 0
        again = await openings.state(tx, opening.message_id)
    assert state.status is Status.SENT
    assert state.failure == NOT_THERE
    assert again.standing == state.standing
    assert len(heard.named("opening.failed")) == 1


async def test_a_status_that_missed_the_answer_by_a_hair_is_settled_by_a_job(
    database, workspace_id, whatsapp, opening, heard
):
    """Both transactions open at once: neither sees the other's row."""
    async with database.workspace(workspace_id) as reporting:
        await deliveries.apply(reporting, heard.events, whatsapp, [report(ReportedStatus.SENT)])
        async with database.workspace(workspace_id) as answering:
            state = await openings.record(answering, heard.events, opening, POSTED, NOW)
        assert state.status is Status.ACCEPTED
    async with database.workspace(workspace_id) as tx:
        payload = await tx.fetchval(
            "DELETE FROM core.job WHERE kind = $1 RETURNING payload", deliveries.SETTLE_JOB
        )
        await deliveries.settle(tx, heard.events, payload)
        assert await tx.fetchval("SELECT count(*) FROM messaging.unmatched_status") == 0
        assert (await openings.state(tx, opening.message_id)).status is Status.SENT


async def test_only_a_lease_that_ran_out_makes_it_unknown(database, workspace_id, whatsapp):
    async with database.workspace(workspace_id) as tx:
        held = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING, lease_s=60))
        gone = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING, lease_s=-1))
    async with database.workspace(workspace_id) as tx:
        assert not await openings.expire(tx, held.message_id)
        assert await openings.expire(tx, gone.message_id)
        assert not await openings.expire(tx, gone.message_id)
        assert (await openings.state(tx, gone.message_id)).status is Status.UNKNOWN


async def test_a_late_answer_is_still_the_truth(database, workspace_id, whatsapp, heard):
    async with database.workspace(workspace_id) as tx:
        gone = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING, lease_s=-1))
        await openings.expire(tx, gone.message_id)
        state = await openings.record(tx, heard.events, gone, POSTED, NOW)
    assert state.status is Status.ACCEPTED


async def test_a_decision_and_a_report_take_turns(database, workspace_id, whatsapp, opening, heard):
    """Whoever decides under the lock decides on what is committed, and the report comes after."""
    order: list[str] = []

    async def fail() -> None:
        async with database.workspace(workspace_id) as tx:
            told = report(ReportedStatus.FAILED, message_id=opening.message_id, failure=NOT_THERE)
            await deliveries.apply(tx, heard.events, whatsapp, [told])
            order.append("reported")

    async with database.workspace(workspace_id) as tx:
        state = await openings.state(tx, opening.message_id, lock=True)
        failing = asyncio.ensure_future(fail())
        await until_waited_for(tx)
        assert state.failure is None
        order.append("decided")
    await failing
    assert order == ["decided", "reported"]


async def test_a_client_key_stands_for_one_message_of_a_thread(database, workspace_id, whatsapp):
    async with database.workspace(workspace_id) as tx:
        await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING, client_key="d_1"))
    with pytest.raises(Exception, match="message_client_key"):
        async with database.workspace(workspace_id) as tx:
            await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING, client_key="d_1"))
