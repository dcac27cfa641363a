"""Everything that is measured, running: databases, the sandbox, the product's web process, the floors."""

import asyncio
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import asyncpg

from benchmarks.floors import TABLES
from benchmarks.requests import Target, caller
from benchmarks.troubles import Troubles
from config import embedded
from config.demo.facts import Ports, Secrets, environment, kept_secrets
from config.demo.network import sandbox_config
from config.demo.processes import Child, stop_all
from config.embedded.pair import Embedded
from config.rooms import rooms
from config.settings import Settings
from config.workspaces.apply import apply
from config.workspaces.channels import WhatsAppPart
from config.workspaces.model import WorkspaceFile
from config.workspaces.reading import read
from core.ids import WorkspaceId
from core.queries import load
from migrations.runner import migrate
from sandbox.client import SandboxClient
from sandbox.specs import AccountSpec, Behaviour, Config, Manner

ROOT = Path(__file__).parents[1]
WORKSPACE_FILE = ROOT / "config" / "workspaces" / "demo.yaml"
SQL = load(Path(__file__).with_name("seed.sql"))

FLOOR_CONNECTIONS = 16
"""As many as serve it best; the product has its own pools (config/settings.py)."""
BEFRIEND_AT_ONCE = 10_000

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """What may be asked."""

    product_calls: Target
    product_webhooks: Target
    product_offers: Target
    floor_calls: Target
    floor_rows: Target
    """The floor that commits the product's own rows."""
    floor_webhooks: Target
    sandbox: Target
    web: Child
    database_url: str
    troubles: Troubles


@asynccontextmanager
async def stage(folder: Path, people: int, report: Report) -> AsyncIterator[Stage]:
    """Everything started over empty, durable databases in this folder; all of it gone afterwards."""
    await asyncio.to_thread(_clear, folder)
    pair = await asyncio.to_thread(embedded.start, folder, report=report)
    try:
        async with _running(pair, folder, people, report) as running:
            yield running
    finally:
        await asyncio.to_thread(pair.stop)
        await asyncio.to_thread(_clear, folder)


@asynccontextmanager
async def _running(
    pair: Embedded, folder: Path, people: int, report: Report
) -> AsyncIterator[Stage]:
    database_url, redis_url = pair.database_url, pair.redis_url
    kept = kept_secrets(folder)
    ports = Ports(*_free_ports(5))
    (floor_port,) = _free_ports(1)
    variables = environment(kept, ports, database_url, redis_url, folder)
    file = _for_load(read(WORKSPACE_FILE, variables))
    report("preparing the database")
    await migrate(database_url)
    workspace_id = await _apply(file, kept, database_url, redis_url)
    await _prepare(database_url, workspace_id, people)
    account = _messenger(file).phone_number_id
    sandbox_url = f"http://127.0.0.1:{ports.sandbox}"
    sandbox = Child(
        "sandbox", ["sandbox", "--listen", f"127.0.0.1:{ports.sandbox}"], {}, folder / "sandbox.log"
    )
    web = Child(
        "web",
        ["config", "serve"],
        {**variables, "METRICS_LISTEN": f"127.0.0.1:{ports.web_metrics}"},
        folder / "web.log",
    )
    floor = Child(
        "floor",
        ["benchmarks.floors"],
        {
            "DATABASE_URL": database_url,
            "FLOOR_PORT": str(floor_port),
            "FLOOR_CONNECTIONS": str(FLOOR_CONNECTIONS),
            "FLOOR_PROVIDER": f"{sandbox_url}/v26.0/{account}/messages",
            "FLOOR_ACCOUNT": account,
            "FLOOR_TOKEN": kept.access_token,
            "FLOOR_SECRET": kept.app_secret,
            "FLOOR_WORKSPACE": str(workspace_id),
        },
        folder / "floor.log",
    )
    report("starting sandbox, product and floors")
    try:
        sandbox.start()
        await _answers(sandbox, f"{sandbox_url}/sandbox/health")
        await _set_up(sandbox_url, file, kept, ports)
        web.start()
        floor.start()
        await _answers(web, f"http://127.0.0.1:{ports.web}/readyz")
        await _answers(floor, f"http://127.0.0.1:{floor_port}/")
        calls = Target(
            "deflection", ports.web, "/v1/deflections", kept.line_key, '"hangup"', account
        )
        channel = file.channels[0].name
        webhooks = Target(
            "message",
            ports.web,
            f"/webhooks/{file.workspace.name}/{channel}",
            kept.app_secret,
            "",
            account,
        )
        yield Stage(
            product_calls=calls,
            product_webhooks=webhooks,
            product_offers=replace(
                calls, kind="eligibility", path="/v1/eligibility", expect='"offer"'
            ),
            floor_calls=replace(calls, port=floor_port, path="/deflections"),
            floor_rows=replace(calls, port=floor_port, path="/rows"),
            floor_webhooks=replace(webhooks, port=floor_port, path="/webhooks"),
            sandbox=Target(
                "send",
                ports.sandbox,
                f"/v26.0/{account}/messages",
                kept.access_token,
                "wamid.",
                account,
            ),
            web=web,
            database_url=database_url,
            troubles=Troubles(pair, sandbox_url, sandbox, report),
        )
    finally:
        await stop_all([web, floor, sandbox], report)


def _messenger(file: WorkspaceFile) -> WhatsAppPart:
    return next(part for part in file.channels if isinstance(part, WhatsAppPart))


def _for_load(file: WorkspaceFile) -> WorkspaceFile:
    """The demo workspace with an upgraded account, and a line that may act on acceptance."""
    channel = _messenger(file).model_copy(update={"messages_per_second": 20_000.0})
    line = file.lines[0].model_copy(update={"confirm": "accepted"})
    return file.model_copy(update={"channels": [channel], "lines": [line]})


async def _apply(
    file: WorkspaceFile, kept: Secrets, database_url: str, redis_url: str
) -> WorkspaceId:
    settings = Settings.model_validate(
        {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": kept.secret_key}
    )
    async with rooms(settings, application="bench", pool_size=2) as opened:
        await apply(opened, file, WORKSPACE_FILE.parent)
        return await opened.workspaces.number(file.workspace.name)


async def _prepare(database_url: str, workspace_id: WorkspaceId, people: int) -> None:
    """The floors' tables, and people whom the product has reached before."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute(TABLES)
        for first in range(0, people, BEFRIEND_AT_ONCE):
            numbers = [caller(n) for n in range(first, min(people, first + BEFRIEND_AT_ONCE))]
            async with conn.transaction():
                await conn.execute(
                    f"SET LOCAL ROLE ivr_bridge_service; SET LOCAL ivr_bridge.workspace = {int(workspace_id)}"
                )
                await conn.execute(*SQL["befriend"](workspace=workspace_id, numbers=numbers))
    finally:
        await conn.close()


async def tidy_up(running: Stage) -> None:
    """Do now what full load left to be done in the quiet hour that is measured next.

    After the first checkpoint the log's files are used again; a database that has had none makes a
    new one of 16 MiB every ten seconds, and every commit waits for it.
    """
    conn = await asyncpg.connect(running.database_url)
    try:
        await conn.execute("VACUUM ANALYZE")
    finally:
        await conn.close()
    await asyncio.to_thread(running.troubles.pair.checkpoint)


async def count_rows(database_url: str) -> None:
    """Until this is done the planner takes the floors' tables for empty; the product counts its own."""
    conn = await asyncpg.connect(database_url)
    try:
        await conn.execute("ANALYZE")
    finally:
        await conn.close()


async def _set_up(sandbox_url: str, file: WorkspaceFile, kept: Secrets, ports: Ports) -> None:
    """A provider that accepts at once, has no limits, and says nothing afterwards."""
    config = Config.model_validate(sandbox_config(file, kept, ports))
    unlimited: list[AccountSpec] = [
        account.model_copy(update={"mps": 0, "pair_rate": False}) for account in config.accounts
    ]
    async with SandboxClient(sandbox_url) as sandbox:
        await sandbox.configure(Config(accounts=unlimited))
        await sandbox.default(Manner(behaviour=Behaviour.SILENT, accepted_ms=0))


async def _answers(child: Child, url: str) -> None:
    """Wait until it answers anything but 503."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(30):
        while True:
            if not child.alive:
                raise RuntimeError(f"{child.name} did not start:\n{child.last_words()}")
            try:
                async with http.get(url) as answer:
                    if answer.status != 503:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def _clear(folder: Path) -> None:
    """Also what a killed run left behind."""
    if folder.exists():
        embedded.erase(folder)
        shutil.rmtree(folder)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def run_name() -> str:
    """Keeps the ids of one run apart from another's."""
    return secrets.token_hex(4)
