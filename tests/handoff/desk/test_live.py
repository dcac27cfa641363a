"""The live connection: what a desk is told, and that it is told no more than it may know."""

import json

from core.ids import new_id, public
from handoff.desk import feed
from handoff.routing.queues import QueueDraft, put_members, put_queue
from tests.handoff.desk.frames import frame, seen, until


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
