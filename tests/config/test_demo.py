"""The demo as a newcomer meets it: started, hurt, started again."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from config.demo.facts import PLAYED
from config.embedded import erase
from config.embedded.processes import lives
from sandbox.client import SandboxClient
from tests.config.embedded.conftest import at_work, home_of
from tests.product import ACCOUNT, ROOT

SERVERS = {"postgres", "valkey-server"}


# A machine that reads files as ASCII, keeps another time, and where nobody is at home.
BARE = {name: value for name, value in os.environ.items() if name != "HOME"} | {
    "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Kolkata",
}  # fmt: skip


class Demo:
    """One `ivr-bridge demo` over a folder, as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        self._ended = asyncio.Event()

    async def start(self) -> None:
        self.said = ""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "config", "demo", "--data", str(self.folder),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=BARE,
        )  # fmt: skip

    async def says(self, words: str) -> None:
        """Until it says so, which it must before it ends."""
        assert self.process.stdout is not None
        async with asyncio.timeout(90):
            while words not in self.said:
                line = await self.process.stdout.readline()
                assert line, self.said
                self.said += line.decode()

    async def stop(self) -> int:
        """Ctrl-C, and how it ended."""
        self.process.send_signal(signal.SIGINT)
        rest, _ = await asyncio.wait_for(self.process.communicate(), 30)
        self.said += rest.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()

    def processes(self) -> list[psutil.Process]:
        """Everything that it keeps running; servers that it found again are nobody's children."""
        return [
            *psutil.Process(self.process.pid).children(),
            *(each for each in at_work(home_of(self.folder)) if each.name() in SERVERS),
        ]

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / "demo.json").read_text())
        return facts


@asynccontextmanager
async def demo_over(folder: Path) -> AsyncIterator[Demo]:
    demo = Demo(folder)
    try:
        yield demo
    finally:
        with suppress(ProcessLookupError):
            demo.kill()
        await demo.process.communicate()
        await asyncio.to_thread(erase, folder)


async def works(facts: dict[str, Any]) -> bool:
    """Does the web process answer, with its databases behind it?"""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http,
            http.get(facts["base_url"] + "/readyz") as web,
            http.get(facts["work_metrics_url"].replace("/metrics", "/readyz")) as work,
            http.get(facts["sandbox_url"] + "/sandbox/health") as sandbox,
        ):
            return [web.status, work.status, sandbox.status] == [200] * 3
    return False


async def played_call(facts: dict[str, Any]) -> list[str]:
    """What stands in the chat of the first call: who said something, in order."""
    async with SandboxClient(facts["sandbox_url"]) as sandbox:
        messages = await sandbox.phone(PLAYED[0]).messages(ACCOUNT)
    return ["customer" if message["mine"] else message["kind"] for message in messages]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_it_survives_kill_9_of_anything_and_starts_again(tmp_path: Path):
    async with demo_over(tmp_path / "demo [1]") as demo:
        await demo.start()
        await demo.says("playing one call")
        # Keys stand in it.
        assert stat.S_IMODE(demo.folder.stat().st_mode) == 0o700
        async with asyncio.timeout(30):
            while "template" not in await played_call(demo.facts):  # noqa: ASYNC110 - a phone tells nobody
                await asyncio.sleep(0.01)
        # Killed in the middle of the call that it plays, it goes on with it.
        demo.kill()
        await demo.process.communicate()
        await demo.start()
        await demo.says("The same facts stand in")
        assert "toyshop-demo" in demo.said
        said = await played_call(demo.facts)
        assert said[:2] == ["template", "customer"]
        assert len(said) > 2

        killed = demo.processes()
        assert len({each.pid for each in killed}) >= 5
        for process in killed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        async with asyncio.timeout(60):
            while not await works(demo.facts):  # noqa: ASYNC110 - it tells nobody either
                await asyncio.sleep(0.1)
        assert (await played_call(demo.facts))[:2] == said[:2]
        left = demo.processes()
        assert await demo.stop() == 0
        assert not [process for process in left if lives(process)]
