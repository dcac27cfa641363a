import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from sandbox.client import SandboxClient, SandboxError
from sandbox.server import start
from sandbox.specs import Config, Manner
from tests.sandbox.conftest import ACCOUNT, CALLER, Cloud, account, opening, text
from tests.sandbox.receiver import Receiver


async def test_every_request_is_kept_byte_for_byte(sandbox: SandboxClient, cloud: Cloud) -> None:
    raw = b'{ "to":"+79005550101",\n "type" : "template", "messaging_product":"whatsapp"}'
    await cloud.send(raw)
    (request,) = await sandbox.wire()
    assert request["body"].encode() == raw
    assert (request["status"], request["code"]) == (400, 131008)
    assert (request["kind"], request["to"], request["account"]) == ("opening", CALLER, ACCOUNT)
    assert request["path"] == f"/v25.0/{ACCOUNT}/messages"


async def test_openings_are_counted_whether_accepted_or_not(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    await sandbox.behave(CALLER, "throttled", times=1)
    await cloud.send(opening())
    await cloud.send(opening())
    await cloud.send(opening("+79005550102"))
    await cloud.send(text())
    assert await sandbox.openings(CALLER) == 2
    assert await sandbox.counts() == {CALLER: 2, "+79005550102": 1}
    assert [one["type"] for one in await sandbox.wire(kind="message")] == ["text"]


async def test_spellings_of_one_number_are_one_number(sandbox: SandboxClient, cloud: Cloud) -> None:
    await cloud.send(opening("+525512345678"))
    await cloud.send(opening("+5215512345678"))
    assert await sandbox.openings("+525512345678") == 2


async def test_the_wire_can_be_waited_for(sandbox: SandboxClient, cloud: Cloud) -> None:
    assert await sandbox.wire(CALLER, wait_ms=1) == []
    waiting = asyncio.create_task(sandbox.wire(CALLER, wait_ms=5000))
    await cloud.send(opening("+79005550102"))
    await cloud.send(opening())
    (request,) = await waiting
    assert request["tracker"] == "row-1"
    assert await sandbox.wire(CALLER, since=request["seq"]) == []


async def test_the_file_keeps_what_the_ring_forgets(tmp_path: Path, ear: Receiver) -> None:
    file = tmp_path / "wire.jsonl"
    running = await start(Config(accounts=[account(ear)]), wire_file=file)
    async with SandboxClient(running.url) as sandbox, aiohttp.ClientSession() as session:
        await Cloud(running.url, session).send(opening())
        await sandbox.reset()
        assert await sandbox.wire() == []
        assert await sandbox.counts() == {}
    await running.stop()
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["to"] == CALLER


async def test_reset_forgets_people_but_not_accounts(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "throttled")
    await sandbox.phone("+79005550103").write(ACCOUNT, "Привет")
    await sandbox.reset()
    assert await sandbox.phone("+79005550103").messages(ACCOUNT) == []
    assert (await cloud.send(opening()))[0] == 200
    assert await cloud.refused(text(to="+79005550103")) == 131047
    assert (await sandbox.webhooks())["undelivered"] == 0


async def test_numbers_nobody_named_follow_the_default(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    await sandbox.behave("+79005550102", "reachable")
    await sandbox.default(Manner.model_validate({"behaviour": "throttled"}))
    assert await cloud.refused(opening()) == 130429
    assert (await cloud.send(opening("+79005550102")))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/sandbox/numbers/79005550101", {"behaviour": "moody"}),
        ("PUT", "/sandbox/numbers/79005550101", {"behavior": "late"}),
        ("PUT", "/sandbox/accounts/1", {"token": "x"}),
        ("POST", "/sandbox/statuses", {"status": "sent", "to": CALLER}),
        ("POST", "/sandbox/inbound", {"account": "404", "from": CALLER, "message": {}}),
        ("POST", "/sandbox/clock", {"advance_s": -1}),
    ],
)
async def test_a_mistake_in_a_test_is_said_aloud(
    sandbox: SandboxClient, method: str, path: str, body: dict[str, object]
) -> None:
    with pytest.raises(SandboxError):
        await sandbox.ask(method, path, body)


@pytest.mark.parametrize("path", ["/sandbox/reset", "/phone/api/numbers/79005550101/calls"])
async def test_a_foreign_page_may_not_ask(sandbox: SandboxClient, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        for origin, status in (("https://evil.example", 403), ("http://localhost:5173", None)):
            headers = {"Origin": origin}
            async with session.post(sandbox.url + path, json={}, headers=headers) as reply:
                assert (reply.status == 403) == (status == 403)
