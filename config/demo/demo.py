"""Start everything, play one call, say where things are, and stop cleanly."""

import asyncio
import json
import os
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from config.demo.call import play_one_call
from config.demo.facts import Ports, environment, free_ports, kept_secrets, told
from config.demo.network import sandbox_config
from config.demo.processes import Child, stop_all, supervise
from config.embedded import Embedded, start
from config.rooms import rooms
from config.settings import Settings
from config.workspaces.apply import apply
from config.workspaces.reading import read
from migrations.runner import migrate

Report = Callable[[str], None]

WORKSPACE_FILE = Path(__file__).parents[1] / "workspaces" / "demo.yaml"
_READY_S = 240.0
"""A small machine compiles everything at the first start, in three processes at once."""
_WORD_S = 15.0


class DemoFailed(Exception):
    """Something would not start; the text says what and shows its last words."""


async def run_demo(
    data_dir: Path, web_dist: Path, *, report: Report, told_how: Callable[[dict[str, Any]], None]
) -> None:
    """The whole product until Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    report("starting PostgreSQL and Valkey")
    await asyncio.to_thread(_furnish, data_dir)
    embedded = await asyncio.to_thread(start, data_dir, report=report)
    try:
        await _run(data_dir, web_dist, embedded, stop, report=report, told_how=told_how)
    finally:
        report("stopping PostgreSQL and Valkey")
        await asyncio.to_thread(embedded.stop)


def _furnish(data_dir: Path) -> None:
    """A folder of our own: a key, chats and pictures lie in it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data_dir / "logs").mkdir(exist_ok=True)


async def _run(
    data_dir: Path,
    web_dist: Path,
    embedded: Embedded,
    stop: asyncio.Event,
    *,
    report: Report,
    told_how: Callable[[dict[str, Any]], None],
) -> None:
    kept, ports = kept_secrets(data_dir), free_ports()
    variables = environment(kept, ports, embedded.database_url, embedded.redis_url, data_dir)
    _write_environment(data_dir / "demo.env", variables)
    await migrate(embedded.database_url, report=report)
    file = read(WORKSPACE_FILE, variables)
    settings = Settings.model_validate(
        {
            "DATABASE_URL": embedded.database_url,
            "REDIS_URL": embedded.redis_url,
            "SECRET_KEY": kept.secret_key,
        }
    )
    async with rooms(settings, application="demo", pool_size=2) as opened:
        await apply(opened, file, WORKSPACE_FILE.parent)
    network = data_dir / "sandbox.json"
    network.touch(mode=0o600)
    network.write_text(
        json.dumps(sandbox_config(file, kept, ports), ensure_ascii=False), encoding="utf-8"
    )
    children = _children(data_dir, web_dist, network, variables, ports)
    try:
        for child in children:
            report(f"starting {child.name}")
            child.start()
        facts = told(kept, ports)
        await _until_ready(
            children,
            [facts["base_url"] + "/readyz", facts["sandbox_url"] + "/sandbox/health"],
            stop,
            report,
        )
        (data_dir / "demo.json").write_text(
            json.dumps(facts, ensure_ascii=False, indent=2), encoding="utf-8"
        )
        await asyncio.gather(
            supervise(children, stop, report),
            _revive(embedded, stop, report),
            _present(data_dir, facts, stop, report=report, told_how=told_how),
        )
    finally:
        report("stopping the service")
        await stop_all(children, report)


async def _present(
    data_dir: Path,
    facts: dict[str, Any],
    stop: asyncio.Event,
    *,
    report: Report,
    told_how: Callable[[dict[str, Any]], None],
) -> None:
    """Say where things are, the first time after one call was played."""
    if not (data_dir / "played").exists():
        report("playing one call")
        playing = asyncio.ensure_future(play_one_call(facts))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        playing.cancel()
        stopping.cancel()
        broken, _ = await asyncio.gather(playing, stopping, return_exceptions=True)
        if isinstance(broken, Exception):
            # There is less to see then, and no less to use.
            report(f"that call did not become a chat ({type(broken).__name__}): dial one yourself")
    if not stop.is_set():
        (data_dir / "played").touch()
        told_how(facts)


def _write_environment(file: Path, variables: dict[str, str]) -> None:
    """For a shell beside the demo: `. .data/demo.env`, then any command of `ivr-bridge`."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    file.write_bytes(os.fsencode("".join(lines)))


def _children(
    data_dir: Path, web_dist: Path, network: Path, variables: dict[str, str], ports: Ports
) -> Sequence[Child]:
    logs = data_dir / "logs"
    serve = {
        **variables,
        "METRICS_LISTEN": f"127.0.0.1:{ports.web_metrics}",
        "IVR_BRIDGE_WEB_DIST": str(web_dist),
    }
    work = {**variables, "METRICS_LISTEN": f"127.0.0.1:{ports.work_metrics}"}
    pretend = ["--listen", f"127.0.0.1:{ports.sandbox}", "--config", str(network)]
    pretend += ["--static", str(web_dist), "--data", str(data_dir / "sandbox")]
    return [
        Child("the sandbox", ["sandbox", *pretend], variables, logs / "sandbox.log"),
        Child("the web process", ["config", "serve"], serve, logs / "serve.log"),
        Child("the worker", ["config", "work"], work, logs / "work.log"),
    ]


async def _until_ready(
    children: Sequence[Child], urls: Sequence[str], stop: asyncio.Event, report: Report
) -> None:
    """Until every address answers; DemoFailed with a child's last words when one gives up."""
    timeout = aiohttp.ClientTimeout(total=5)
    begun = told = time.monotonic()
    try:
        async with asyncio.timeout(_READY_S), aiohttp.ClientSession(timeout=timeout) as session:
            for url in urls:
                while not stop.is_set() and not await _answers(session, url):
                    for child in children:
                        if not child.alive:
                            raise DemoFailed(f"{child.name} would not start:\n{child.last_words()}")
                    if (now := time.monotonic()) - told > _WORD_S:
                        told = now
                        report(f"waiting for the service ({now - begun:.0f} s)")
                    await asyncio.sleep(0.1)
    except TimeoutError as late:
        words = "\n".join(f"{child.name}:\n{child.last_words()}" for child in children)
        raise DemoFailed(f"not ready within {_READY_S:.0f} s\n{words}") from late


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200  # noqa: PLR2004 - OK
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _revive(embedded: Embedded, stop: asyncio.Event, report: Report) -> None:
    """Databases that were killed come back under the same address."""
    while not stop.is_set():
        for name in await asyncio.to_thread(embedded.revive, report):
            report(f"{name} had died; it runs again")
        try:
            async with asyncio.timeout(1):
                await stop.wait()
        except TimeoutError:
            continue
