"""The live connection: what a desk is told, and that it is told no more than it may know."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from core.access.people import People
from core.ids import new_id, public
from core.wake import Wake
from handoff.desk import feed, live, socket, subscriber
from handoff.desk.live import LIVE
from handoff.routing.queues import QueueDraft, put_members, put_queue


async def frame(connection: Any, type_: str = "changes") -> Any:
    """The next frame of this type."""
    async with asyncio.timeout(5):
        while True:
            told = await connection.receive_json()
            if told["type"] == type_:
                return told


async def until(connection: Any, kind: str, fits: Callable[[Any], bool] = bool) -> Any:
    """The first item of this kind that fits."""
    async with asyncio.timeout(5):
        while True:
            for item in (await frame(connection))["items"]:
                if item["kind"] == kind and fits(item):
                    return item


async def seen(connection: Any, fits: Callable[[list[Any]], bool]) -> list[Any]:
    """Who looks, by whichever item it is told, once it fits."""
    async with asyncio.timeout(5):
        while True:
            for item in (await frame(connection))["items"]:
                told = item if item["kind"] == "viewers" else item.get("conversation", {})
                viewers: list[Any] | None = told.get("viewers")
                if viewers is not None and fits(viewers):
                    return viewers


async def closing(connection: Any) -> int | None:
    """The code with which the service closes, whatever it says before."""
    async with asyncio.timeout(8):
        async for _ in connection:
            pass
    code: int | None = connection.close_code
    return code


async def test_the_story_of_one_conversation_on_one_desk(desk):
    house = desk.house
    olga = await desk.signed_in()
    assert olga.me["person"]["name"] == "Olga"
    connection = await olga.hello()
    welcome = await frame(connection, "welcome")
    assert (welcome["resumed"], welcome["conversations"]) == (False, [])
    assert [queue["name"] for queue in welcome["queues"]] == ["support"]
    status, presence = await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    assert (status, presence["declared"], presence["link"]) == (200, "online", "connected")

    await house.wrote("operator")
    await house.timeline.advance(2)
    reservation = (await until(connection, "reservation"))["reservation"]
    assert reservation["conversation"]["state"] == "reserved"
    accepted = await olga.post(f"/v1/reservations/{reservation['id']}/accept")
    assert accepted["state"] == "active"
    gone = await until(connection, "reservation_gone")
    assert (gone["id"], gone["reason"]) == (reservation["id"], "accepted")

    sent = await olga.post(
        f"/v1/conversations/{accepted['id']}/messages",
        {"client_id": "c1", "epoch": accepted["epoch"], "text": "Good day"},
        expect=201,
    )
    await until(connection, "message", lambda item: item["message"] == sent)
    mine = await olga.get("/v1/conversations?view=mine")
    assert [one["last"]["text"] for one in mine["items"]] == ["Good day"]


async def test_what_leaves_an_operators_sight_is_taken_from_their_desk(desk):
    house = desk.house
    olga = await desk.signed_in("olga")
    lead = await desk.signed_in("lead", roles=("lead",), serves=False)
    async with house.database.workspace(house.workspace_id) as tx:
        far = await put_queue(tx, QueueDraft("far", "Far away"))
    connection, above = await olga.hello(), await lead.hello()
    await frame(connection, "welcome")
    await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    await house.queued()
    held = await house.accepts(olga.person_id)
    conversation = public("cv", held.conversation_id)
    await until(connection, "conversation")
    await house.conversations.transfer(
        house.workspace_id,
        held.conversation_id,
        by=olga.person_id,
        epoch=held.epoch,
        queue_id=far,
    )
    assert (await until(connection, "conversation_gone"))["id"] == conversation
    await house.wrote("not for her eyes")
    # What she hears next is her own business, and nothing of the conversation.
    await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "busy"})
    told = []
    while True:
        items = (await frame(connection))["items"]
        told += items
        if any(
            item["kind"] == "presence" for item in items if item["presence"]["declared"] == "busy"
        ):
            break
    assert conversation not in json.dumps(told)
    await until(above, "message", lambda item: item["message"]["text"] == "not for her eyes")


async def test_new_rights_bring_a_new_picture_and_make_old_cursors_worthless(desk, monkeypatch):
    monkeypatch.setattr(feed, "WARDEN_S", 0.1)
    house = desk.house
    await house.queued()
    olga = await desk.signed_in("olga")
    connection = await olga.hello()
    before = await frame(connection, "welcome")
    assert len(before["conversations"]) == 1
    async with house.database.workspace(house.workspace_id) as tx:
        await put_members(tx, house.queue_id, [])
    after = await frame(connection, "welcome")
    assert (after["resumed"], after["conversations"], after["queues"]) == (False, [], [])
    again = await olga.hello(before["cursor"])
    assert (await frame(again, "welcome"))["resumed"] is False


async def test_a_cursor_that_is_not_ours_gets_a_snapshot(desk):
    olga = await desk.signed_in()
    for cursor in ("", "1", "99999999999.1.0123456789abcdef", "x" * 5000, "1.1.zzzzzzzzzzzzzzzz"):
        connection = await olga.hello(cursor)
        assert (await frame(connection, "welcome"))["resumed"] is False
        await connection.close()


async def test_a_cursor_from_the_future_or_long_ago_gets_a_snapshot(desk):
    olga = await desk.signed_in()
    first = await olga.hello()
    cursor = (await frame(first, "welcome"))["cursor"]
    resumed = await olga.hello(cursor)
    assert (await frame(resumed, "welcome"))["resumed"] is True
    done_to, at, mark = cursor.split(".")
    for forged in (f"{int(done_to) + 10**6}.{at}.{mark}", f"{done_to}.{int(at) - 901}.{mark}"):
        connection = await olga.hello(forged)
        assert (await frame(connection, "welcome"))["resumed"] is False


async def test_too_much_news_is_told_as_a_snapshot_to_whoever_comes_and_whoever_is_there(
    desk, monkeypatch
):
    olga = await desk.signed_in()
    here, away = await olga.hello(), await olga.hello()
    cursor = (await frame(away, "welcome"))["cursor"]
    await frame(here, "welcome")
    await away.close()
    monkeypatch.setattr("handoff.desk.snapshot.RESUMABLE_ROWS", 3)
    monkeypatch.setattr(feed, "RESUMABLE_ROWS", 3)
    await desk.house.queued()
    while not (await frame(here, "welcome"))["conversations"]:
        pass
    back = await olga.hello(cursor)
    assert (await frame(back, "welcome"))["resumed"] is False


async def test_a_transaction_that_began_earlier_and_commits_later_is_not_missed(desk):
    house = desk.house
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    slow_thread = await house.customer("+79160000001")
    await house.queued(slow_thread)
    first = await house.latest(slow_thread)
    slow = house.database.workspace(house.workspace_id)
    tx = await slow.__aenter__()
    await tx.execute(
        "UPDATE handoff.conversation SET topic = 'slow', changed_xid = pg_current_xact_id()"
        " WHERE workspace_id = $1 AND conversation_id = $2",
        house.workspace_id,
        first.conversation_id,
    )
    await house.queued()
    anna = public("cv", (await house.latest()).conversation_id)
    await until(connection, "conversation", lambda item: item["conversation"]["id"] == anna)
    await slow.__aexit__(None, None, None)
    await until(connection, "conversation", lambda item: item["conversation"]["topic"] == "slow")


async def test_two_web_processes_show_each_others_viewers_and_writers(desk, serve, wake, clock):
    house = desk.house
    olga = await desk.signed_in("olga")
    boris = await desk.signed_in("boris")
    first = await olga.hello()
    await frame(first, "welcome")
    await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    await house.queued()
    held = await house.accepts(olga.person_id)
    conversation = public("cv", held.conversation_id)
    async with serve() as elsewhere:
        boris.url = elsewhere.url
        second = await boris.hello()
        await frame(second, "welcome")
        await first.send_json({"type": "viewing", "conversation_id": conversation})
        there = await seen(second, bool)
        assert there == [{"id": olga.id, "name": "Olga", "typing": False}]
        await olga.post(f"/v1/conversations/{conversation}/typing", expect=204)
        await seen(second, lambda viewers: bool(viewers) and viewers[0]["typing"])
        clock.advance(10)
        await seen(second, lambda viewers: bool(viewers) and not viewers[0]["typing"])
        await first.send_json({"type": "viewing", "conversation_id": None})
        await seen(second, lambda viewers: not viewers)
        await first.send_json({"type": "viewing", "conversation_id": conversation})
        await seen(second, bool)
        await first.close()
        await seen(second, lambda viewers: not viewers)


async def test_a_desk_that_may_not_see_a_conversation_does_not_look_at_it(desk):
    house = desk.house
    far = await desk.signed_in("far", serves=False)
    olga = await desk.signed_in("olga")
    conversation = await house.queued()
    connection = await far.hello()
    await frame(connection, "welcome")
    named = public("cv", conversation.conversation_id)
    await connection.send_json({"type": "viewing", "conversation_id": named})
    await connection.send_json({"type": "viewing", "conversation_id": public("cv", new_id())})
    await connection.send_json({"type": "viewing", "conversation_id": "cv_nonsense"})
    await connection.send_json({"type": "pong"})
    await connection.close()
    assert (await olga.get(f"/v1/conversations/{named}"))["viewers"] == []
    assert await house.owner.fetchval("SELECT count(*) FROM handoff.viewed") == 0


async def test_a_foreign_page_cannot_connect_and_neither_can_a_manager(desk):
    olga = await desk.signed_in("olga")
    manager = await desk.signed_in("mira", roles=("manager",), serves=False)
    url = olga.url + "/v1/desk/live"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await olga.http.ws_connect(url, headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await manager.connect()
    assert refused.value.status == 403
    olga.http.cookie_jar.clear()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await olga.connect()
    assert refused.value.status == 401


async def test_one_person_cannot_fill_the_house_with_desks(desk, monkeypatch):
    monkeypatch.setattr(live, "MOST_DESKS", 2)
    olga = await desk.signed_in("olga")
    desks = [await olga.hello() for _ in range(2)]
    for connection in desks:
        await frame(connection, "welcome")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await olga.connect()
    assert refused.value.status == 429
    await desks[0].close()
    await until_sockets(desk.house, 1)
    await frame(await olga.hello(), "welcome")


async def test_a_plain_request_is_told_to_upgrade(desk):
    olga = await desk.signed_in()
    status, told = await olga.ask("GET", "/v1/desk/live")
    assert (status, told["code"]) == (426, "upgrade_needed")


async def test_a_desk_that_talks_nonsense_is_closed(desk):
    olga = await desk.signed_in()
    for said in (
        "no json",
        "[]",
        '{"type":"surprise"}',
        '{"type":"viewing","conversation_id":7}',
        "[" * 30_000,
        b"bytes",
    ):
        connection = await olga.hello()
        await frame(connection, "welcome")
        talk = connection.send_bytes if isinstance(said, bytes) else connection.send_str
        await talk(said)
        assert await closing(connection) == 1008, said[:40]


async def test_the_first_word_is_hello(desk):
    olga = await desk.signed_in()
    for said in ('{"type":"pong"}', '{"type":"hello","since":7}', "hello"):
        connection = await olga.connect()
        await connection.send_str(said)
        assert await closing(connection) == 1008, said


async def test_a_frame_may_have_64_kib(desk):
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    await connection.send_str(json.dumps({"type": "pong", "fill": "x" * 60_000}))
    await connection.send_str(json.dumps({"type": "pong", "fill": "x" * 70_000}))
    assert await closing(connection) == 1009


async def test_a_silent_browser_is_pinged_and_given_up(desk, monkeypatch):
    monkeypatch.setattr(socket, "PING_S", 0.05)
    monkeypatch.setattr(socket, "SILENCE_S", 0.4)
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    for _ in range(12):
        await frame(connection, "ping")
        await connection.send_json({"type": "pong"})
    assert await closing(connection) == 1000


@pytest.mark.parametrize("hinted", [True, False])
async def test_signing_out_closes_every_socket_of_the_session(house, serve, wake, hinted):
    async with serve(wake if hinted else Wake()) as desk:
        olga = await desk.signed_in()
        connection, other = await olga.hello(), await olga.hello()
        await frame(connection, "welcome")
        await frame(other, "welcome")
        began = time.monotonic()
        status, _ = await olga.ask("DELETE", "/v1/session")
        assert status == 204
        await frame(connection, "signed_out")
        assert await closing(connection) == 1008
        assert await closing(other) == 1008
        assert time.monotonic() - began < (1.5 if hinted else 5)
        status, _ = await olga.ask("GET", "/v1/session")
        assert status == 401


async def test_whoever_may_no_longer_work_at_the_desk_is_signed_out_of_it(desk, monkeypatch):
    monkeypatch.setattr(feed, "WARDEN_S", 0.1)
    house = desk.house
    olga = await desk.signed_in()
    connection = await olga.hello()
    await frame(connection, "welcome")
    async with house.database.workspace(house.workspace_id) as tx:
        await People().put(tx, email="olga@example.org", name="Olga", roles=["manager"])
    assert await closing(connection) == 1008


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
        assert time.monotonic() - began < 2
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
    async with asyncio.timeout(5):
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
    await asyncio.sleep(0.1)  # it is in the middle of being sent
    await desk.app.shutdown()
    async with asyncio.timeout(3):
        while desk.app[LIVE]._running:  # noqa: ASYNC110 - nobody tells when a socket is gone
            await asyncio.sleep(0.02)
    assert time.monotonic() - began < 2


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
    async with asyncio.timeout(5):
        while (await house.owner.fetchval("SELECT count(*) FROM handoff.viewed")) != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


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


async def until_sockets(house: Any, many: int) -> None:
    async with asyncio.timeout(5):
        while await house.owner.fetchval("SELECT count(*) FROM handoff.operator_socket") != many:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


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
