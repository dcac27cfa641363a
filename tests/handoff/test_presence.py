"""Desks that come and go, with and without a goodbye."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.ids import new_id
from handoff.conversation.lifecycle import State
from handoff.routing import presence as pure
from handoff.routing.operators import SOCKETS
from handoff.routing.presence import Declared, Link, Presence


async def intervals(house, operator_id) -> tuple[list[tuple[str, str]], list[Any]]:
    rows = await house.owner.fetch(
        "SELECT declared, link, not_responding, began_at, ended_at FROM handoff.presence_interval"
        " WHERE operator_id = $1 ORDER BY interval_id",
        operator_id,
    )
    return [(row["declared"], row["link"]) for row in rows], rows


async def test_every_interval_is_kept_without_gaps(house):
    olga = await house.at_work()
    house.clock.advance(600)
    await house.operators.declare(house.workspace_id, olga, Declared.BREAK, "lunch")
    house.clock.advance(1800)
    await house.operators.declare(house.workspace_id, olga, Declared.ONLINE)
    await house.operators.declare(house.workspace_id, olga, Declared.ONLINE)
    kinds, rows = await intervals(house, olga)
    assert kinds == [
        ("offline", "connected"),
        ("online", "connected"),
        ("break", "connected"),
        ("online", "connected"),
    ]
    assert [row["ended_at"] for row in rows[:-1]] == [row["began_at"] for row in rows[1:]]
    assert rows[-1]["ended_at"] is None
    assert rows[2]["ended_at"] - rows[2]["began_at"] == timedelta(seconds=1800)


async def test_a_second_desk_keeps_the_operator_connected(house):
    olga = await house.at_work()
    second = new_id()
    await house.operators.connected(house.workspace_id, olga, second)
    await house.goes(olga)
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.CONNECTED
    await house.operators.disconnected(house.workspace_id, second)
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.GRACE


async def test_of_two_desks_that_go_at_once_the_second_is_the_last(house):
    olga = await house.at_work()
    desks = [house.sockets[olga], *(new_id() for _ in range(5))]
    for desk in desks[1:]:
        await house.operators.connected(house.workspace_id, olga, desk)
    await asyncio.gather(
        *(house.operators.disconnected(house.workspace_id, desk) for desk in desks)
    )
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.GRACE


async def test_a_killed_web_process_is_noticed_by_its_desks_running_out(house):
    olga = await house.at_work()
    await house.queued()
    await house.accepts(olga)
    assert await house.timeline.waiting(SOCKETS) == 1
    desk = house.sockets[olga]
    await house.killed()
    await house.timeline.advance(26)
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.GRACE
    assert not await house.operators.heartbeat(house.workspace_id, desk)
    assert await house.timeline.waiting(SOCKETS) == 0, "nobody is connected any more"


async def test_the_watch_over_desks_lives_while_anyone_is_connected(house):
    olga = await house.at_work()
    for _ in range(4):
        await house.timeline.advance(10)
        assert await house.operators.heartbeat(house.workspace_id, house.sockets[olga])
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.CONNECTED
    assert await house.timeline.waiting(SOCKETS) == 1


async def test_what_is_held_out_to_someone_cut_off_is_taken_back_at_once(house):
    olga = await house.at_work("olga")
    await house.queued()
    pavel = await house.at_work("pavel")
    (held_out,) = await house.offered(olga)
    await house.goes(olga)
    await house.timeline.settle()
    assert (await house.latest()).operator_id == pavel
    assert await house.load(olga) == 0
    status = await house.owner.fetchval(
        "SELECT status FROM handoff.reservation WHERE reservation_id = $1", held_out.reservation_id
    )
    assert status == "rescinded"
    assert (await house.operators.presence(house.workspace_id, olga)).misses == 0


async def test_after_the_grace_whoever_waits_gets_another_operator_with_the_age_kept(house):
    olga = await house.at_work("olga")
    first = await house.queued()
    waiting = await house.accepts(olga)
    anton = await house.customer("+79161234568")
    await house.queued(anton)
    answered = await house.answers(await house.accepts(olga))
    pavel = await house.at_work("pavel")
    await house.goes(olga)
    await house.timeline.advance(59)
    assert (await house.latest()).operator_id == olga, "she may come back"
    await house.timeline.advance(2)
    assert (await house.operators.presence(house.workspace_id, olga)).link == Link.LOST
    moved = await house.latest()
    assert (moved.operator_id, moved.enqueued_at) == (pavel, first.enqueued_at)
    kept = await house.latest(anton)
    assert (kept.operator_id, kept.state) == (olga, State.WAITING_CUSTOMER)
    assert (await house.load(olga), await house.load(pavel)) == (1, 1)
    assert moved.epoch > waiting.epoch
    assert answered.epoch == kept.epoch


async def test_who_writes_to_an_operator_that_is_gone_gets_another_at_once(house):
    olga = await house.at_work("olga")
    await house.queued()
    await house.answers(await house.accepts(olga))
    await house.goes(olga)
    await house.timeline.advance(61)
    pavel = await house.at_work("pavel")
    await house.wrote("still there?")
    await house.timeline.settle()
    assert (await house.latest()).operator_id == pavel


async def test_who_comes_back_within_the_grace_keeps_everything(house):
    olga = await house.at_work()
    await house.queued()
    held = await house.accepts(olga)
    await house.goes(olga)
    await house.timeline.advance(30)
    await house.comes(olga)
    await house.timeline.advance(60)
    conversation = await house.latest()
    assert (conversation.operator_id, conversation.epoch) == (olga, held.epoch)


async def test_a_second_cut_has_a_grace_of_its_own(house):
    olga = await house.at_work()
    await house.queued()
    await house.accepts(olga)
    await house.goes(olga)
    await house.timeline.advance(50)
    await house.comes(olga)
    await house.goes(olga)
    await house.timeline.advance(50)
    assert (await house.latest()).operator_id == olga
    await house.timeline.advance(11)
    assert (await house.latest()).state == State.QUEUED


def someone(**changed) -> Presence:
    values: dict[str, Any] = {
        "operator_id": new_id(),
        "declared": "online",
        "reason": None,
        "link": "connected",
        "not_responding": False,
        "misses": 0,
        "load": 0,
        "capacity": 1,
        "since": datetime(2026, 11, 22, tzinfo=UTC),
        "grace_until": None,
    }
    return Presence(**{**values, **changed})


@pytest.mark.parametrize(
    ("changed", "routable"),
    [
        ({}, True),
        ({"declared": "busy"}, False),
        ({"declared": "break"}, False),
        ({"declared": "offline"}, False),
        ({"link": "grace"}, False),
        ({"link": "lost"}, False),
        ({"not_responding": True}, False),
        ({"load": 1}, False),
        ({"load": 2}, False),
    ],
)
def test_routable_is_online_connected_responding_and_not_full(changed, routable):
    assert someone(**changed).routable is routable


@pytest.mark.parametrize(
    ("changed", "absent"),
    [
        ({}, False),
        ({"declared": "offline"}, False),
        ({"link": "grace"}, False),
        ({"link": "lost"}, True),
        ({"link": "grace", "declared": "offline"}, True),
    ],
)
def test_absent_is_whom_nobody_should_wait_for(changed, absent):
    assert someone(**changed).absent is absent


def test_a_reason_belongs_to_a_break_only():
    rested = pure.declared(someone(), Declared.BREAK, "lunch")
    assert rested.reason == "lunch"
    assert pure.declared(rested, Declared.ONLINE, "lunch").reason is None
