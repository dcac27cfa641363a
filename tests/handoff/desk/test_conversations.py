"""What an operator does with a conversation: takes it, reads it, passes it on, files it."""

import pytest

from core.ids import public
from handoff.conversation.lifecycle import State
from handoff.routing.queues import QueueDraft, put_members, put_queue
from tests.handoff.desk.drafts import refused


async def test_a_conversation_from_reading_to_filing(olga, held, desk):
    house, path = desk.house, f"/v1/conversations/{held['id']}"
    assert held["unread"] > 0
    await olga.post(path + "/read", {"seq": held["last_seq"]}, expect=204)
    assert (await olga.get(path))["unread"] == 0
    assert (await olga.ask("POST", path + "/read", {"seq": -1}))[0] == 400
    await olga.post(path + "/typing", expect=204)
    closed = await olga.post(
        path + "/close", {"epoch": held["epoch"], "topic": "delivery", "topic_verdict": "right"}
    )
    assert (closed["state"], closed["topic"]) == ("wrapup", "delivery")
    assert await refused(olga, path + "/typing", {}) == (409, "not_yours")
    stale = {"epoch": held["epoch"]}
    assert await refused(olga, path + "/wrapup/end", stale) == (409, "stale_epoch")
    filed = await olga.post(path + "/wrapup/end", {"epoch": closed["epoch"]})
    assert (filed["state"], filed["closed_reason"]) == ("closed", "finished")
    (listed,) = (await olga.get("/v1/conversations?view=closed"))["items"]
    assert listed == filed
    assert (await olga.get("/v1/conversations?view=mine"))["items"] == []
    thread = (await olga.get(path + "/messages"))["items"]
    events = [one["event"]["code"] for one in thread if one["type"] == "event"]
    assert {"accepted", "closed"} <= set(events)
    last = thread[-1]
    assert (last["event"]["code"], last["author"]["name"]) == ("closed", "Olga")
    assert (await house.latest()).state == State.CLOSED


async def test_it_goes_to_a_queue_in_sight_and_to_no_other(olga, held, desk):
    house, path = desk.house, f"/v1/conversations/{held['id']}/transfer"
    async with house.database.workspace(house.workspace_id) as tx:
        second = await put_queue(tx, QueueDraft("second", "Second"))
        far = await put_queue(tx, QueueDraft("far", "Far away"))
        await put_members(tx, second, [olga.person_id])
    body = {"epoch": held["epoch"], "queue_id": public("qu", far), "reason": "knows better"}
    assert await refused(olga, path, body) == (404, "queue_unknown")
    moved = await olga.post(path, {**body, "queue_id": public("qu", second)})
    assert (moved["state"], moved["queue"]["title"]) == ("queued", "Second")
    assert moved["enqueued_at"] == held["enqueued_at"], "its age is kept"
    assert await refused(olga, path, body) == (404, "queue_unknown")


async def test_what_is_held_out_is_taken_once_or_left(olga, desk):
    house = desk.house
    boris = await desk.signed_in("boris")
    await house.queued()
    (held_out,) = await house.offered(olga.person_id)
    path = f"/v1/reservations/{public('rs', held_out.reservation_id)}"
    assert await refused(boris, path + "/accept", {}) == (404, "reservation_unknown")
    await olga.post(path + "/decline", {"reason": "busy"}, expect=204)
    assert await refused(olga, path + "/accept", {}) == (409, "reservation_gone")
    await olga.post(path + "/decline", expect=204)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"declared": "break", "reason": "lunch"}, 200),
        ({"declared": "asleep"}, 400),
        ({"declared": "busy", "reason": "x" * 201}, 400),
        ({}, 400),
    ],
)
async def test_presence_is_one_of_four_words(desk, body, status):
    olga = await desk.signed_in()
    answered, told = await olga.ask("PUT", "/v1/operators/me/presence", body)
    assert answered == status
    if status == 200:
        assert (told["declared"], told["reason"]) == ("break", "lunch")
        assert (await olga.get("/v1/session"))["presence"] == told
