"""What `make bench` measures with, measured."""

import asyncio
import hashlib
import hmac
import json
import math

import pytest
from aiohttp import web

from benchmarks.load import Load, Plan, Seen
from benchmarks.report import Row, table
from benchmarks.requests import Target, caller, maker
from benchmarks.story import Pair
from core.vocabulary import phone_number


@pytest.fixture
async def echo():
    """Answers every request after a moment, with a word that the load looks for."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((await request.read(), dict(request.headers)))
        return web.json_response({"action": "hangup"})

    app = web.Application()
    app.add_routes([web.post("/calls", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], asked
    await runner.cleanup()


def plan(port: int, **changed) -> Plan:
    target = Target("deflection", port, "/calls", "key", changed.pop("expect", "hangup"), "1")
    values = {"run": "r", "first": 10, "seconds": 0.2, "warm_s": 0.05, "connections": 2}
    return Plan(target, **{**values, **changed})


async def test_a_closed_loop_counts_good_answers_and_every_request(echo):
    port, asked = echo
    seen = await Load(plan(port)).run()
    assert seen.good > 0
    assert seen.wrong == 0
    assert seen.asked == len(asked) > seen.good
    calls = [json.loads(body)["call_id"] for body, _ in asked]
    assert sorted(calls) == sorted(f"r-{number}" for number in range(10, 10 + len(asked)))


async def test_an_open_loop_keeps_its_rate_and_counts_from_arrival(echo):
    port, _ = echo
    seen = await Load(plan(port, rate=200.0, seconds=0.5)).run()
    assert 50 < seen.good < 160
    assert seen.percentile(0.5) > 0


async def test_an_answer_without_the_word_is_wrong(echo):
    port, _ = echo
    seen = await Load(plan(port, expect="continue")).run()
    assert seen.good == 0
    assert seen.wrong > 0
    assert "hangup" in seen.example


async def test_a_closed_connection_is_a_wrong_answer_and_no_end_of_the_run():
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        seen = await Load(plan(port, connections=1, seconds=0.05, warm_s=0)).run()
    assert seen.good == 0
    assert "closed" in seen.example


def test_webhooks_are_signed_over_their_bytes():
    target = Target("message", 1, "/webhooks", "secret", "", "100")
    request = maker(target, "r")(7)
    head, _, body = request.partition(b"\r\n\r\n")
    signed = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert f"X-Hub-Signature-256: sha256={signed}".encode() in head
    assert f"Content-Length: {len(body)}".encode() in head


def test_callers_are_numbers_and_no_two_are_the_same():
    numbers = [caller(number) for number in range(0, 60_000, 7)]
    assert len(set(numbers)) == len(numbers)
    assert all(phone_number(number) is not None for number in (numbers[0], numbers[-1]))


def test_neighbouring_rounds_are_compared():
    pair = Pair(floor=[1000.0, 100.0, 400.0], product=[500.0, 60.0, 200.0])
    assert pair.ratio == 0.5
    row = pair.row("calls", "calls/s", 0.5)
    assert (row.value, row.floor, row.met) == (200.0, 400.0, True)


def test_percentiles_are_values_that_were_seen():
    seen = Seen(took_ms=[float(number) for number in range(100, 0, -1)])
    assert seen.percentile(0.5) == 51
    assert seen.percentile(0.99) == 100
    assert math.isnan(Seen().percentile(0.5))


def test_the_table_says_what_was_met_and_what_was_missed():
    shown = table(
        [
            Row("calls", 500, "calls/s", floor=1000, ratio=0.5, goal="ratio ≥ 0.5", met=True),
            Row("waiting", 30.5, "ms", goal="≤ 25 ms", met=False),
            Row("plain", 1.25, "ms"),
        ]
    )
    lines = shown.splitlines()
    assert lines[1].split() == [
        "calls",
        "500",
        "calls/s",
        "1,000",
        "0.50",
        "ratio",
        "≥",
        "0.5",
        "met",
    ]
    assert lines[2].endswith("missed")
    assert lines[3].split() == ["plain", "1.2", "ms"]
