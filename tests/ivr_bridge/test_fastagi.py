"""FastAGI over a real socket: what Asterisk may send, what it is told, and in which order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access import Keys
from core.access.keys import put_key
from core.clock import utc_now
from ivr_bridge.asking import Bridge
from ivr_bridge.dialects.fastagi import talk
from ivr_bridge.dialects.fastagi.server import FastAgi
from ivr_bridge.dialects.fastagi.visit import Path, PathUnknown, visit
from ivr_bridge.eligibility import Eligibility
from ivr_bridge.events import CallEvents
from ivr_bridge.lines import Lines
from ivr_bridge.offering import UsualOffers
from tests.fakes.asterisk import Channel, _assignment
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House
from tests.locks import nobody_reads

WITH_KEY = f"key={KEY}"
_HEADERS = {
    "agi_network_script", "agi_request", "agi_uniqueid", "agi_callerid", "agi_calleridname",
    "agi_callingpres", "agi_dnid", "agi_extension", "agi_arg_1", "agi_arg_2", "agi_arg_",
}  # fmt: skip


@asynccontextmanager
async def fastagi(house: House, at_once: int = 50) -> AsyncIterator[tuple[str, int]]:
    lines = Lines(house.database)
    bridge = Bridge(
        lines=lines,
        deflections=house.deflections,
        eligibility=Eligibility(
            house.database,
            house.means.readiness,
            house.means.guard,
            utc_now,
            UsualOffers(house.means.shared),
        ),
        events=CallEvents(house.database, lines, utc_now),
    )
    keys = Keys(house.database, house.sealer, utc_now)
    server = FastAgi(bridge, keys, house.shares, utc_now, at_once=at_once)
    async with server.listening("127.0.0.1", 0):
        assert server._server is not None
        host, port = server._server.sockets[0].getsockname()
        yield host, port


@pytest.fixture
async def address(house: House) -> AsyncIterator[tuple[str, int]]:
    async with fastagi(house) as opened:
        yield opened


def a_channel(**more: Any) -> Channel:
    return Channel(caller=CALLER, dialled=LINE.lstrip("+"), **more)


async def test_a_caller_who_pressed_1_is_written_to(house: House, address: tuple[str, int]):
    channel = a_channel()
    assert await channel.agi(address, "eligibility", WITH_KEY) == "SUCCESS"
    assert channel.variables["IVRB_ACTION"] == "offer"
    assert channel.variables["IVRB_VALID_FOR"] == "60"
    assert await channel.agi(address, f"deflect?{WITH_KEY}", "intent=order") == "SUCCESS"
    told = channel.variables
    assert (told["IVRB_ACTION"], told["IVRB_REASON"]) == ("hangup", "ok")
    assert told["IVRB_DEFLECTION_ID"].startswith("d_")
    assert told["IVRB_PROMPT"] == "sent_goodbye"
    assert told["IVRB_VALID_FOR"] == ""
    assert await house.network.counts() == {CALLER: 1}
    asked = await house.value("SELECT asked FROM ivr_bridge.deflection")
    assert asked["intent"] == "order"


async def test_the_action_is_continue_at_first_and_decided_last(
    house: House, address: tuple[str, int]
):
    channel = a_channel()
    await channel.agi(address, "deflect", WITH_KEY)
    assert channel.set_in_order[0] == channel.set_in_order[-1] == "IVRB_ACTION"
    assert channel.set_in_order.count("IVRB_ACTION") == 2
    other = a_channel()
    await house.network.behave(CALLER, "reachable")
    other.variables["IVRB_ACTION"] = "hangup"  # left over from something else
    status = await other.agi(address, "deflect", WITH_KEY, breaks_at="IVRB_REASON")
    assert (status, other.variables["IVRB_ACTION"]) == ("FAILURE", "continue")


REFUSED = [
    ("deflect", (), "unauthorized"),
    ("deflect", ("key=ib_wrong",), "unauthorized"),
    ("deflect", ("key=ib_reports",), "forbidden"),
    ("nothing", (WITH_KEY,), "not_found"),
    ("", (WITH_KEY,), "not_found"),
    ("deflect", (WITH_KEY, "line=nobody"), "line_unknown"),
    ("deflect", (WITH_KEY, "caller="), "caller_withheld"),
    ("deflect", (WITH_KEY, "call_id="), "invalid_request"),
    ("decision", (WITH_KEY, "deflection_id=d_1"), "not_found"),
    ("event", (WITH_KEY, "event=dreamt"), "invalid_request"),
]


async def test_whatever_does_not_fit_goes_on(house: House, address: tuple[str, int]):
    async with house.database.workspace(house.workspace_id) as tx:
        await put_key(tx, name="reports", key="ib_reports", scopes=["reports"])
    for script, arguments, reason in REFUSED:
        channel = a_channel()
        assert await channel.agi(address, script, *arguments) == "SUCCESS"
        assert channel.variables["IVRB_ACTION"] == "continue"
        assert channel.variables["IVRB_REASON"] == reason
    assert await house.network.counts() == {}


async def test_an_address_may_stand_for_a_key_and_a_key_may_be_bound_to_addresses(
    house: House, address: tuple[str, int]
):
    async with house.database.workspace(house.workspace_id) as tx:
        for name, network in (("here", "127.0.0.0/8"), ("there", "203.0.113.0/24")):
            await put_key(
                tx, name=name, key=f"ib_{name}", scopes=["ivr"], lines=["main"],
                networks=[ip_network(network)], by_address=name == "here",
            )  # fmt: skip
    keyless, stolen = a_channel(), a_channel()
    await keyless.agi(address, "eligibility")
    assert keyless.variables["IVRB_ACTION"] == "offer"
    await stolen.agi(address, "eligibility", "key=ib_there")
    assert stolen.variables["IVRB_ACTION"] == "continue"
    assert stolen.variables["IVRB_REASON"] == "line_or_ip_forbidden"


async def test_a_withheld_number_is_not_used(house: House, address: tuple[str, int]):
    hidden: list[dict[str, Any]] = [{"presentation": bits} for bits in (0x20, 0x23, 0x43, 0x60)]
    for how in (*hidden, {"caller_name": "Anonymous"}):
        channel = a_channel(**how)
        await channel.agi(address, "deflect", WITH_KEY)
        assert channel.variables["IVRB_REASON"] == "caller_withheld"
    keyed = a_channel(presentation=0x23)
    await keyed.agi(address, "deflect", WITH_KEY, "messenger_number=8 900 555-01-09")
    assert keyed.variables["IVRB_ACTION"] == "hangup"
    assert await house.network.counts() == {"+79005550109": 1}


async def test_a_caller_who_leaves_neither_aborts_nor_repeats(
    house: House, address: tuple[str, int]
):
    await house.network.behave(CALLER, "reachable", sent_ms=300, delivered_ms=400)
    channel = a_channel()
    asking = asyncio.ensure_future(channel.agi(address, "deflect", WITH_KEY))
    await house.network.wire(CALLER, kind="opening", wait_ms=3000)
    channel.hung_up.set()
    assert await asking == "HANGUP"
    assert channel.variables["IVRB_ACTION"] == "hangup"
    assert await house.network.counts() == {CALLER: 1}
    assert await house.facts() >= {"caller_left"}
    assert await house.value("SELECT event FROM ivr_bridge.call_event") == "ended"


async def test_a_socket_that_closes_leaves_the_send_alone(house: House, address: tuple[str, int]):
    await house.network.behave(CALLER, "reachable", sent_ms=300, delivered_ms=400)
    channel = a_channel()
    _, writer = await asyncio.open_connection(*address)
    writer.write(channel.headers(f"deflect?{WITH_KEY}"))
    writer.write(b"200 result=1\n")
    await house.network.wire(CALLER, kind="opening", wait_ms=3000)
    writer.close()
    again = Channel(caller=CALLER, dialled=LINE, unique_id=channel.unique_id)
    await again.agi(address, "deflect", WITH_KEY)
    assert again.variables["IVRB_ACTION"] == "hangup"
    assert await house.network.counts() == {CALLER: 1}


async def test_answers_sent_all_at_once_cost_no_variable(house: House, address: tuple[str, int]):
    """As somebody tries the port with netcat: the headers and every answer, and nothing more."""
    channel = a_channel()
    for ends in (True, False):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(channel.headers("deflect", [WITH_KEY]) + b"200 result=1\n" * 20)
        if ends:
            writer.write_eof()
        said = (await asyncio.wait_for(reader.read(), 20)).decode().splitlines()
        told = dict(_assignment(line) for line in said)
        assert (told["IVRB_REASON"], told["IVRB_ACTION"]) == ("ok", "hangup")
        assert (len(said), len(told)) == (14, 13)
        writer.close()
    assert await house.network.counts() == {CALLER: 1}


async def test_a_decision_can_be_polled_for(house: House, address: tuple[str, int]):
    await house.network.behave(CALLER, "reachable", sent_ms=1200, delivered_ms=1300)
    channel = a_channel()
    await channel.agi(address, "deflect", WITH_KEY, "can_poll=1", "deadline_ms=900")
    assert channel.variables["IVRB_ACTION"] == "poll"
    found = f"deflection_id={channel.variables['IVRB_DEFLECTION_ID']}"
    await channel.agi(address, "decision", WITH_KEY, found, "wait_ms=5000")
    assert channel.variables["IVRB_ACTION"] == "hangup"


async def test_events_are_taken_and_counted_once(house: House, address: tuple[str, int]):
    channel = a_channel()
    for event in ("entered", "queued", "queued"):
        await channel.agi(address, f"event?{WITH_KEY}&event={event}", "queue_position=3")
        assert channel.variables["IVRB_REASON"] == "ok"
        assert channel.variables["IVRB_ACTION"] == "continue"
    rows = await house.rows("SELECT event FROM ivr_bridge.call_event ORDER BY event")
    assert [row["event"] for row in rows] == ["entered", "queued"]


async def test_beyond_the_limit_a_call_goes_on_at_once(house: House):
    async with fastagi(house, at_once=1) as address:
        _, idle = await asyncio.open_connection(*address)
        channel = a_channel()
        assert await channel.agi(address, "deflect", WITH_KEY) in {"SUCCESS", "FAILURE"}
        assert channel.variables == {}
        idle.close()


async def test_who_speaks_something_else_is_told_nothing(address: tuple[str, int]):
    """The connection is closed at once, and the server is there for the next one."""
    long, many = b"x" * 20_000 + b"\n", b"a: b\n" * 300
    for sent in (long, many, b"\n" * 5, b"GET / HTTP/1.1\r\n\r\n", b""):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        writer.write_eof()
        try:
            said = await asyncio.wait_for(reader.read(), 20)
        except ConnectionError:
            said = b""
        assert b"hangup" not in said
        assert b"offer" not in said
        writer.close()
    channel = a_channel()
    await channel.agi(address, "eligibility", WITH_KEY)
    assert channel.variables["IVRB_ACTION"] == "offer"


async def test_who_says_nothing_more_is_not_waited_for(
    house: House, address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
):
    headers_s, patience_s = talk.HEADERS_S, 0.9 * min(talk.HEADERS_S, talk.REPLY_S)
    monkeypatch.setattr(talk, "HEADERS_S", 0.1)
    reader, silent = await asyncio.open_connection(*address)
    assert await asyncio.wait_for(reader.read(), patience_s) == b""
    silent.close()
    monkeypatch.setattr(talk, "HEADERS_S", headers_s)
    monkeypatch.setattr(talk, "REPLY_S", 0.1)
    reader, mute = await asyncio.open_connection(*address)
    mute.write(a_channel().headers("deflect", [WITH_KEY]))
    said = await asyncio.wait_for(reader.read(), patience_s)
    assert said == b'SET VARIABLE IVRB_ACTION "continue"\n'
    mute.close()
    assert await house.network.counts() == {}


async def test_a_database_that_hangs_keeps_no_channel_waiting(
    house: House, address: tuple[str, int], database_url: str
):
    async with nobody_reads(database_url, "core.api_key"):
        channel = a_channel()
        began = asyncio.get_running_loop().time()
        assert await channel.agi(address, "deflect", WITH_KEY) == "SUCCESS"
        assert asyncio.get_running_loop().time() - began < 1.5
    told = channel.variables
    assert (told["IVRB_ACTION"], told["IVRB_REASON"]) == ("continue", "database_unavailable")


async def test_a_key_has_only_so_much_in_hand(house: House, address: tuple[str, int]):
    house.shares.at_once = 1
    waiting = "+79005550600"
    await house.network.behave(waiting, "manual")
    held = asyncio.ensure_future(house.ivr.deflect("call-1", waiting, deadline_ms=2000))
    await house.network.wire(waiting, kind="opening", wait_ms=3000)
    for path in ("deflect", "event?event=entered"):
        channel = a_channel()
        assert await channel.agi(address, path, WITH_KEY) == "SUCCESS"
        told = channel.variables
        assert (told["IVRB_ACTION"], told["IVRB_REASON"]) == ("continue", "rate_limited")
    assert (await held).action == "continue"
    channel = a_channel()
    assert await channel.agi(address, "deflect", WITH_KEY) == "SUCCESS"
    assert channel.variables["IVRB_ACTION"] == "hangup"


async def test_a_stop_lets_calls_finish(house: House):
    await house.network.behave(CALLER, "reachable", sent_ms=500, delivered_ms=600)
    channel = a_channel()
    async with fastagi(house) as address:
        asking = asyncio.ensure_future(channel.agi(address, "deflect", WITH_KEY))
        await house.network.wire(CALLER, kind="opening", wait_ms=3000)
    assert await asking == "SUCCESS"
    assert channel.variables["IVRB_ACTION"] == "hangup"
    assert await a_channel().agi(address, "deflect", WITH_KEY) == "FAILURE"


def test_arguments_win_over_the_query_and_both_over_the_channel():
    channel = Channel(caller="100", dialled="200")
    headers = dict(
        line.split(": ", 1)
        for line in channel.headers("deflect?line=300&caller=400&key=a", ["line=500", "context.x=a b"])
        .decode().splitlines() if line
    )  # fmt: skip
    asked = visit(headers)
    assert (asked.path, asked.key) == (Path.DEFLECT, "a")
    assert "key" not in asked.fields
    assert (asked.fields["line"], asked.fields["caller"]) == ("500", "400")
    assert asked.fields["context"] == {"x": "a b"}
    assert asked.fields["call_id"] == channel.unique_id


def test_the_extension_is_the_line_where_no_number_was_dialled():
    headers = {"agi_request": "agi://h/event?a=b", "agi_dnid": "unknown", "agi_extension": "8800"}
    assert visit(headers).fields["line"] == "8800"
    with pytest.raises(PathUnknown):
        visit({})


@given(st.dictionaries(st.sampled_from(sorted(_HEADERS)), st.text(max_size=60)))
def test_no_headers_break_the_reading(headers: dict[str, str]):
    try:
        asked = visit(headers)
    except PathUnknown:
        return
    assert asked.path in set(Path)
    assert "key" not in asked.fields


@given(st.text(max_size=40))
def test_no_value_leaves_its_quotes(value: str):
    line = f'SET VARIABLE X "{talk._quoted(value)}"'
    assert "\n" not in line
    assert "\r" not in line
    assert _assignment(line) == ("X", " ".join(value.splitlines()))
