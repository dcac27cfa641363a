"""Who may have a live connection, what is said over it, and how it is refused or taken away."""

import json
import time

import aiohttp
import pytest

from core.access.people import People
from core.wake import Wake
from handoff.desk import feed, live, socket
from tests.handoff.desk.frames import closing, frame, until_sockets


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
