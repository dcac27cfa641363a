"""A reply ends sent, failed or visibly unknown, and never goes out twice by itself."""

import asyncio

import pytest

from core.ids import MessageId
from core.jobs import LeaseLost
from core.jobs.store import Job
from core.jobs.worker import Snooze
from messaging import outbox, receipts
from messaging.content import Content, ContentType, Option
from messaging.outbox import Author, NotUncertain, WindowClosed
from messaging.sender import LEASE_S, Sender
from tests.fakes import cloud_api
from tests.messaging.conftest import House
from tests.messaging.replies import put, state


async def job_of(house: House) -> Job:
    """The send job as a worker would have it in hands."""
    (row,) = await house.rows(
        "UPDATE core.job SET state = 'running', fence = fence + 1, attempt = attempt + 1, key = NULL,"
        " leased_until = now() + interval '25 s' WHERE kind = 'messaging.send' RETURNING workspace_id,"
        " job_id, kind, lane, payload, attempt, fence, created_at"
    )
    return Job(**row)


def sender_of(house: House, **more) -> Sender:
    return Sender(
        house.database,
        house.channels,
        house.accounts,
        house.pacing,
        house.library,
        house.heard.events,
        house.clock,
        **more,
    )


async def test_a_reply_is_posted_and_known_by_its_providers_id(house, thread_id):
    house.provider.answer(cloud_api.accepted())
    message_id = await put(house, thread_id)
    assert await state(house, message_id) == ("queued", None)
    assert await house.work("send") == 1
    assert await state(house, message_id) == ("accepted", None)
    (request,) = house.provider.heard
    assert request.json["text"]["body"] == "Hello!"
    assert request.json["biz_opaque_callback_data"] == str(message_id)
    assert await house.value("SELECT count(*) FROM core.job WHERE kind = 'messaging.send'") == 0


async def test_replies_of_a_thread_go_out_in_order(house, thread_id):
    for number in range(5):
        house.provider.answer(
            {**cloud_api.accepted(), "messages": [{"id": f"wamid.{number}"}]},
        )
        await put(house, thread_id, Content(ContentType.TEXT, text=str(number)))
    await house.work("send")
    assert [each.json["text"]["body"] for each in house.provider.heard] == ["0", "1", "2", "3", "4"]


async def test_a_passing_refusal_is_tried_again_later(house, thread_id):
    house.provider.answer(cloud_api.error(130429), status=400)
    house.provider.answer(cloud_api.accepted())
    message_id = await put(house, thread_id)
    await house.work("send")
    assert await state(house, message_id) == ("queued", None)
    assert await house.work("send") == 0  # not due yet
    await house.hurry()
    await house.work("send")
    assert await state(house, message_id) == ("accepted", None)
    rows = await house.rows(
        "SELECT status, attempt FROM messaging.delivery ORDER BY recorded_at, attempt, status"
    )
    assert {tuple(row) for row in rows} == {
        ("queued", 0),
        ("sending", 1),
        ("put_back", 1),
        ("sending", 2),
        ("accepted", 0),
    }


async def test_an_outage_has_an_end(house, thread_id):
    house.provider.answer(cloud_api.error(131000), status=500)
    message_id = await put(house, thread_id)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.message SET at = at - interval '7 hours'")
    await house.work("send")
    assert await state(house, message_id) == ("sending", "131000")
    assert house.heard.named("message.failed")[0]["message_id"] == str(message_id)


async def test_a_final_refusal_fails_the_message(house, thread_id):
    house.provider.answer(cloud_api.error(131047), status=400)
    message_id = await put(house, thread_id)
    house.clock.advance(0.001)  # the customer wrote before that, and the database is later still
    await house.work("send")
    assert await state(house, message_id) == ("sending", "131047")
    assert house.heard.named("message.failed") == [
        {
            "message_id": str(message_id),
            "thread_id": str(thread_id),
            "failure_class": "window_closed",
            "code": "131047",
        }
    ]
    assert await house.value("SELECT count(*) FROM core.job WHERE kind = 'messaging.send'") == 0
    with pytest.raises(WindowClosed):
        await put(house, thread_id)


async def test_a_broken_connection_is_visibly_unknown_and_never_sent_again(house, thread_id):
    house.provider.hang_up()
    message_id = await put(house, thread_id, watch=True)
    await house.work("send")
    assert await state(house, message_id) == ("unknown", None)
    await house.hurry()
    assert await house.work("send") == 0
    assert len(house.provider.heard) == 1
    assert house.heard.named("message.watched") == [
        {"message_id": str(message_id), "status": "unknown"}
    ]


async def test_what_is_unknown_may_be_said_anew_by_a_person(house, thread_id):
    house.provider.hang_up()
    house.provider.answer(cloud_api.accepted())
    lost = await put(house, thread_id)
    await house.work("send")
    async with house.database.workspace(house.workspace_id) as tx:
        anew = await outbox.again(tx, message_id=lost, author=Author("operator"))
    await house.work("send")
    assert await state(house, anew) == ("accepted", None)
    with pytest.raises(NotUncertain):
        async with house.database.workspace(house.workspace_id) as tx:
            await outbox.again(tx, message_id=anew, author=Author("operator"))


async def test_a_dead_senders_message_becomes_unknown_when_its_lease_has_run_out(house, thread_id):
    message_id = await put(house, thread_id)
    job = await job_of(house)
    sender = sender_of(house)
    assert await sender._claim(job) is not None  # and then the process dies
    with pytest.raises(Snooze) as snooze:
        await sender.send(job)
    assert 0 < snooze.value.delay_s <= LEASE_S + 1
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.message SET leased_until = now() - interval '1 s'")
    await sender.send(job)
    assert await state(house, message_id) == ("unknown", None)
    assert house.provider.heard == []


async def test_a_paused_senders_record_is_refused(house, thread_id):
    """It was given up while it stood still; what it writes afterwards must not count."""
    told = house.provider.fall_silent()
    message_id = await put(house, thread_id)
    job = await job_of(house)
    sending = asyncio.ensure_future(sender_of(house).send(job))
    await house.provider.has_heard()
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.message SET leased_until = now() - interval '1 s'")
    await sender_of(house).send(job)
    assert await state(house, message_id) == ("unknown", None)
    told.set()
    with pytest.raises(LeaseLost):
        await sending
    assert await state(house, message_id) == ("unknown", None)


async def test_a_sender_that_wakes_too_late_does_not_post(house, thread_id):
    moments = iter([0.0, 60.0])
    message_id = await put(house, thread_id)
    with pytest.raises(Snooze):
        await sender_of(house, seconds=lambda: next(moments)).send(await job_of(house))
    assert house.provider.heard == []
    assert await state(house, message_id) == ("queued", None)


async def test_a_reply_waits_for_its_turn(house, thread_id):
    slow = dict(house.account.settings) | {"messages_per_second": "1"}
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.account SET settings = $1, version = 2", slow)
    for number in range(2):
        house.provider.answer({**cloud_api.accepted(), "messages": [{"id": f"wamid.{number}"}]})
        await put(house, thread_id)
    await house.work("send")
    assert len(house.provider.heard) == 1
    (waiting,) = await house.rows(
        "SELECT attempt, due_at > now() AS later FROM core.job WHERE kind = 'messaging.send'"
    )
    assert (waiting["attempt"], waiting["later"]) == (0, True)


async def test_buttons_answer_to_a_message(house, thread_id):
    house.provider.answer(cloud_api.accepted())
    async with house.database.workspace(house.workspace_id) as tx:
        asked = MessageId(
            await tx.fetchval(
                "INSERT INTO messaging.message (workspace_id, message_id, thread_id, account_id,"
                " direction, author_kind, purpose, type, content, provider_id, status) VALUES"
                " ($1, gen_random_uuid(), $2, $3, 'in', 'customer', 'message', 'text', '{}',"
                " 'wamid.Q', 'received') RETURNING message_id",
                house.workspace_id,
                thread_id,
                house.account.id,
            )
        )
    menu = Content(
        ContentType.BUTTONS,
        text="What about?",
        options=(Option("o", "Order"), Option("h", "Human")),
    )
    await put(house, thread_id, menu, reply_to=asked)
    await house.work("send")
    (request,) = house.provider.heard
    assert request.json["context"] == {"message_id": "wamid.Q"}
    buttons = request.json["interactive"]["action"]["buttons"]
    assert [each["reply"]["id"] for each in buttons] == ["o", "h"]


async def test_ticks_are_shown_once_and_nothing_depends_on_them(house, thread_id):
    async with house.database.workspace(house.workspace_id) as tx:
        read = await tx.fetchval(
            "INSERT INTO messaging.message (workspace_id, message_id, thread_id, account_id,"
            " direction, author_kind, purpose, type, content, provider_id, status) VALUES"
            " ($1, gen_random_uuid(), $2, $3, 'in', 'customer', 'message', 'text', '{}',"
            " 'wamid.Q', 'received') RETURNING message_id",
            house.workspace_id,
            thread_id,
            house.account.id,
        )
        for _ in range(3):
            await receipts.mark_read(tx, thread_id=thread_id, message_id=read)
    house.provider.answer(cloud_api.error(131000), status=500)
    await house.work("send")
    (request,) = house.provider.heard
    assert request.json == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.Q",
    }
    assert (
        await house.value("SELECT count(*) FROM core.job WHERE kind = 'messaging.mark_read'") == 0
    )


async def test_losing_redis_loses_no_reply(house, thread_id):
    from messaging.pacing import Pacing, pacing_redis

    async with pacing_redis("redis://127.0.0.1:1") as nowhere:
        house.pacing = Pacing(house.channels, nowhere)
        house.provider.answer(cloud_api.accepted())
        message_id = await put(house, thread_id)
        await house.work("send")
    assert await state(house, message_id) == ("accepted", None)


async def test_the_providers_word_about_opting_out_counts(house, thread_id):
    house.provider.answer(cloud_api.error(131050), status=400)
    await put(house, thread_id)
    await house.work("send")
    assert await house.value("SELECT reason FROM messaging.opt_out") == "provider:131050"


async def test_a_stopped_account_rests(house, thread_id):
    from messaging import openings
    from tests.messaging.conftest import CALLER

    house.provider.answer(cloud_api.error(131031), status=400)
    await put(house, thread_id)
    await house.work("send")
    async with house.database.workspace(house.workspace_id) as tx:
        known = await openings.look_up(tx, CALLER, house.account, house.clock())
        assert known.account_stopped == "131031"
        await tx.execute(
            "UPDATE messaging.account SET stopped_until = stopped_until - interval '2 min'"
        )
        known = await openings.look_up(tx, CALLER, house.account, house.clock())
    assert known.account_stopped is None
