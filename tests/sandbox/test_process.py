import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp

from sandbox.client import SandboxClient
from sandbox.presets import by_behaviour
from sandbox.server import start
from sandbox.specs import Config
from tests.sandbox.conftest import ACCOUNT, CALLER, Cloud, account, opening, text
from tests.sandbox.receiver import Receiver

ROOT = Path(__file__).parents[2]


async def launch(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "--listen", "127.0.0.1:0", *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_process_says_where_it_is_and_stops_cleanly(
    tmp_path: Path, ear: Receiver
) -> None:
    file = tmp_path / "sandbox.json"
    config = Config(accounts=[account(ear)])
    file.write_text(config.model_dump_json(exclude_unset=True))
    process = await launch("--config", str(file))
    assert process.stdout
    url = json.loads(await process.stdout.readline())["url"]
    async with aiohttp.ClientSession() as session:
        assert (await Cloud(url, session).send(opening()))[0] == 200
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_a_wrong_config_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.json"
    file.write_text('{"accounts": [{"phone": 1}]}')
    process = await launch("--config", str(file))
    async with asyncio.timeout(30):
        _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"phone_number_id" in complaint
    assert b"Traceback" not in complaint


async def test_a_taken_port_is_explained(sandbox: SandboxClient) -> None:
    process = await launch("--listen", sandbox.url.removeprefix("http://"))
    async with asyncio.timeout(30):
        _, complaint = await process.communicate()
    assert process.returncode == 1
    assert b"cannot listen on 127.0.0.1" in complaint
    assert b"Traceback" not in complaint


async def test_presets_bring_one_phone_for_each_behaviour() -> None:
    running = await start(Config(presets=True))
    async with SandboxClient(running.url) as sandbox:
        rows = (await sandbox.ask("GET", "/sandbox/numbers"))["numbers"]
        known = {row["number"]: row["behaviour"] for row in rows}
        assert {known[number] for number in by_behaviour().values()} == set(by_behaviour())
        assert next(row for row in rows if row["behaviour"] == "offline")["online"] is False
        await sandbox.reset()
        assert len((await sandbox.ask("GET", "/sandbox/numbers"))["numbers"]) == len(rows)
    await running.stop()


async def test_chats_and_windows_outlive_the_process(tmp_path: Path, ear: Receiver) -> None:
    config = Config(accounts=[account(ear)])
    first = await start(config, data=tmp_path)
    async with SandboxClient(first.url) as sandbox, aiohttp.ClientSession() as session:
        phone = sandbox.phone(CALLER)
        await phone.send_file(ACCOUNT, "cat.png", "image/png", b"\x89PNG", "Кот")
        await Cloud(first.url, session).send(opening())
        await sandbox.advance(1)
        await sandbox.behave("+79005550102", "offline")
        await Cloud(first.url, session).send(opening("+79005550102"))
        await sandbox.advance(1)
    await first.stop()

    second = await start(config, data=tmp_path)
    async with SandboxClient(second.url) as sandbox, aiohttp.ClientSession() as session:
        phone = sandbox.phone(CALLER)
        picture, template = await phone.messages(ACCOUNT)
        assert (picture["text"], template["kind"]) == ("Кот", "template")
        async with session.get(second.url + picture["media"]["src"]) as reply:
            assert await reply.read() == b"\x89PNG"
        assert (await Cloud(second.url, session).send(text()))[0] == 200
        await phone.tap(ACCOUNT, "Продолжить")
        await phone.open_chat(ACCOUNT)
        await sandbox.advance(1)
        await ear.until(lambda heard: any(one["status"] == "read" for one in heard.statuses))
        await sandbox.online("+79005550102", True)
        assert (await sandbox.phone("+79005550102").wait_for(ACCOUNT))["kind"] == "template"
    await second.stop()
    (tmp_path / "sandbox.json").write_text("{broken")
    third = await start(config, data=tmp_path)
    await third.stop()


async def test_what_was_said_is_on_disk_soon_without_a_clean_stop(
    tmp_path: Path, ear: Receiver
) -> None:
    config = Config(accounts=[account(ear)])
    first = await start(config, data=tmp_path)
    async with SandboxClient(first.url) as sandbox:
        await sandbox.phone(CALLER).write(ACCOUNT, "Запомни меня")
        async with asyncio.timeout(20):
            while not (tmp_path / "sandbox.json").exists():
                await sandbox.counters()
        second = await start(config, data=tmp_path)
        async with SandboxClient(second.url) as revived:
            (message,) = await revived.phone(CALLER).messages(ACCOUNT)
            assert message["text"] == "Запомни меня"
        await second.stop()
    await first.stop()
