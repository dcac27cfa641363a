"""How live connections end: a stop, a browser that does not read, an operator who is gone."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from handoff.desk import feed, socket, subscriber
from handoff.desk.live import LIVE
from tests.handoff.desk.frames import PATIENCE_S, closing, frame, until_sockets


async def test_a_stop_sends_everyone_elsewhere_and_takes_nothing_out_of_their_hands(
    house, serve, wake
):
    async with serve() as desk:
        olga = await desk.signed_in("olga")
        connection = await olga.hello()
        await frame(connection, "welcome")
        silent = await olga.connect()
        await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
        await house.queued()
        assert len(await house.offered(olga.person_id)) == 1
        began = time.monotonic()
        await desk.app.shutdown()
        assert await closing(connection) == 1012
        assert await closing(silent) == 1012, "also one that has not said hello"
        assert time.monotonic() - began < socket.HELLO_S / 2
        (link,) = [
            row["link"]
            for row in await house.owner.fetch("SELECT link FROM handoff.operator_state")
        ]
        assert link == "connected", "the lease runs on until the browser is back elsewhere"
        await house.timeline.settle()
        assert len(await house.offered(olga.person_id)) == 1


async def test_a_browser_that_does_not_read_is_dropped_and_its_frames_with_it(desk, monkeypatch):
    monkeypatch.setattr(subscriber, "_MOST_FRAMES", 5)
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    (running,) = desk.app[LIVE]._running.values()
    (held,) = running.feed.desks
    for _ in range(6):
        held.put('{"type":"changes","cursor":"","items":[]}')
    assert held.take() is None, "nothing is kept for it"
    assert await closing(connection) == 1013


async def test_a_reader_that_is_stuck_in_the_network_does_not_hold_a_frame_for_ever(
    desk, monkeypatch
):
    monkeypatch.setattr(socket, "SEND_S", 0.2)
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    connection._response.connection.transport.pause_reading()
    (running,) = desk.app[LIVE]._running.values()
    (held,) = running.feed.desks
    for _ in range(6):
        held.put('{"type":"changes","items":["' + "x" * 1_200_000 + '"]}')
    async with asyncio.timeout(PATIENCE_S):
        while running.feed.desks:  # noqa: ASYNC110 - nobody tells when a socket is gone
            await asyncio.sleep(0.02)
    assert held.ending is subscriber.Ending.SLOW


async def test_a_stop_does_not_wait_for_a_browser_that_does_not_read(desk):
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    connection._response.connection.transport.pause_reading()
    (running,) = desk.app[LIVE]._running.values()
    (held,) = running.feed.desks
    held.put('{"type":"changes","items":["' + "x" * 20_000_000 + '"]}')
    began = time.monotonic()
    while held._frames:  # noqa: ASYNC110 - until it is in the middle of being sent
        await asyncio.sleep(0.01)
    await desk.app.shutdown()
    async with asyncio.timeout(PATIENCE_S):
        while desk.app[LIVE]._running:  # noqa: ASYNC110 - nobody tells when a socket is gone
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < socket.SEND_S / 2


async def test_where_people_looked_long_ago_is_cleared_away(desk, monkeypatch):
    monkeypatch.setattr(feed, "WARDEN_S", 0.05)
    monkeypatch.setattr(feed, "_CLEAR_S", 0.0)
    house = desk.house
    conversation = await house.queued()
    await house.owner.executemany(
        "INSERT INTO handoff.viewed (workspace_id, conversation_id, at) VALUES ($1, $2, $3)",
        [
            (
                house.workspace_id,
                conversation.conversation_id,
                house.clock() - timedelta(minutes=59),
            ),
        ],
    )
    await house.owner.execute(
        "INSERT INTO handoff.viewed (workspace_id, conversation_id, at)"
        " VALUES ($1, $2, now() - interval '61 minutes')",
        house.workspace_id,
        conversation.conversation_id,
    )
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    async with asyncio.timeout(PATIENCE_S):
        while (await house.owner.fetchval("SELECT count(*) FROM handoff.viewed")) != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    kept = await house.owner.fetchval("SELECT now() - at FROM handoff.viewed")
    assert kept < timedelta(minutes=60), "the one within the hour stays"


async def test_the_operator_is_there_while_any_desk_is(desk):
    house = desk.house
    olga = await desk.signed_in()

    async def link() -> str:
        linked: str = (await olga.get("/v1/session"))["presence"]["link"]
        return linked

    first, second = await olga.hello(), await olga.hello()
    await frame(first, "welcome")
    assert (await frame(second, "welcome"))["presence"]["link"] == "connected"
    await first.close()
    await until_sockets(house, 1)
    assert await link() == "connected"
    await second.close()
    await until_sockets(house, 0)
    assert await link() == "grace"


async def test_a_lease_that_ran_out_is_taken_anew(desk, monkeypatch):
    monkeypatch.setattr(socket, "BEAT_S", 0.05)
    house = desk.house
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    await house.owner.execute("DELETE FROM handoff.operator_socket")
    await until_sockets(house, 1)


async def test_a_defect_in_a_feed_costs_a_reconnection_and_not_the_process(desk, monkeypatch):
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    (running,) = desk.app[LIVE]._running.values()

    async def broken(*_: Any) -> bool:
        raise RuntimeError("a defect")

    monkeypatch.setattr(running.feed, "_round", broken)
    assert await closing(connection) == 1011
    again = await olga.hello()
    await frame(again, "welcome")
