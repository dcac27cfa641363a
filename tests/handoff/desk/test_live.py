"""The live connection: what a desk is told, and that it is told no more than it may know."""

import asyncio
from typing import Any


async def frame(socket: Any, type_: str = "changes") -> Any:
    """The next frame of this type."""
    async with asyncio.timeout(5):
        while True:
            told = await socket.receive_json()
            if told["type"] == type_:
                return told


async def until(socket: Any, kind: str, **wanted: Any) -> Any:
    """The first item of this kind whose members are as wanted."""
    async with asyncio.timeout(5):
        while True:
            told = await frame(socket)
            for item in told["items"]:
                if item["kind"] == kind and all(item.get(k) == v for k, v in wanted.items()):
                    return item


async def test_the_story_of_one_conversation_on_one_desk(desk):
    house = desk.house
    olga = await desk.signed_in()
    assert olga.me["person"]["name"] == "Olga"
    socket = await olga.hello()
    welcome = await frame(socket, "welcome")
    assert (welcome["resumed"], welcome["conversations"]) == (False, [])
    assert [queue["name"] for queue in welcome["queues"]] == ["support"]
    status, presence = await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    assert (status, presence["declared"], presence["link"]) == (200, "online", "connected")

    await house.wrote("operator")
    await house.timeline.advance(2)
    reservation = (await until(socket, "reservation"))["reservation"]
    held_out = reservation["conversation"]
    assert held_out["state"] == "reserved"
    accepted = await olga.post(f"/v1/reservations/{reservation['id']}/accept")
    assert accepted["state"] == "active"
    gone = await until(socket, "reservation_gone")
    assert (gone["id"], gone["reason"]) == (reservation["id"], "accepted")

    sent = await olga.post(
        f"/v1/conversations/{accepted['id']}/messages",
        {"client_id": "c1", "epoch": accepted["epoch"], "text": "Good day"},
        expect=201,
    )
    told = (await until(socket, "message"))["message"]
    page = await olga.get(f"/v1/conversations/{accepted['id']}/messages")
    assert page["items"][-1] == sent
    assert told["seq"] in {item["seq"] for item in page["items"]}
    mine = await olga.get("/v1/conversations?view=mine")
    assert [one["id"] for one in mine["items"]] == [accepted["id"]]
    assert mine["items"][0]["last"]["text"] == "Good day"
    await socket.close()
