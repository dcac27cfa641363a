"""The product as it really runs: its own processes, a real database, the sandbox as the network."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from config.demo.facts import LINE, NAMES, NUMBERS, PEOPLE, WORKSPACE, Ports, Secrets, environment
from config.demo.network import sandbox_config
from config.rooms import rooms
from config.settings import Settings
from config.workspaces.apply import apply
from config.workspaces.reading import read
from sandbox.client import Phone, SandboxClient
from sandbox.server import start as start_sandbox
from sandbox.specs import Config

ROOT = Path(__file__).parents[1]
WORKSPACE_FILE = ROOT / "config" / "workspaces" / "demo.yaml"
ACCOUNT = "100000000000001"
PASSWORD = "toyshop-demo"


@dataclass(slots=True)
class Process:
    """One process of the product, started and killed like an orchestrator would."""

    command: str
    variables: dict[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "config", self.command],
                env={**os.environ, **self.variables},
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.running is not None
        self.running.kill()
        self.running.wait(10)

    def signal(self, number: signal.Signals) -> None:
        assert self.running is not None
        self.running.send_signal(number)

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        if self.running is None:
            return 0
        if self.running.poll() is None:
            self.running.terminate()
        try:
            return self.running.wait(25)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass(slots=True)
class Product:
    """Everything a journey touches."""

    base_url: str
    metrics_url: str
    work_url: str
    fastagi: tuple[str, int]
    line_key: str
    database_url: str
    sandbox: SandboxClient
    web: Process
    worker: Process
    http: aiohttp.ClientSession

    def phone(self, behaviour: str = "reachable") -> Phone:
        """A customer's phone that behaves so."""
        return self.sandbox.phone(NUMBERS[behaviour])

    async def deflect(self, caller: str, **more: Any) -> dict[str, Any]:
        """What an IVR does when a caller presses 1."""
        request = {"call_id": secrets.token_hex(8), "caller": caller, "line": LINE, **more}
        async with self.post("/v1/deflections", request) as response:
            answered: dict[str, Any] = await response.json(content_type=None)
            return answered

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """A request with the line's key."""
        return self.http.post(
            self.base_url + path, json=body, headers={"Authorization": f"Bearer {self.line_key}"}
        )

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the database as its owner; row-level security does not hide rows from a test."""
        conn = await asyncpg.connect(self.database_url)
        try:
            async with conn.transaction():
                await conn.execute("SET LOCAL ROLE ivr_bridge_service")
                await conn.execute("SET LOCAL ivr_bridge.workspace = 1")
                rows: list[asyncpg.Record] = await conn.fetch(query, *arguments)
                return rows
        finally:
            await conn.close()

    async def until(
        self, query: str, *arguments: object, seconds: float = 30
    ) -> list[asyncpg.Record]:
        """Wait until the query finds something."""
        async with asyncio.timeout(seconds):
            while not (found := await self.rows(query, *arguments)):  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
            return found

    async def ready(self) -> None:
        """Wait until the web process takes requests."""
        await self._is_there(self.web, self.base_url)

    async def working(self) -> None:
        """Wait until the worker looks for jobs."""
        await self._is_there(self.worker, self.work_url)

    async def _is_there(self, process: Process, url: str) -> None:
        """Many tests start processes of their own, so a busy machine may take long for one."""
        async with asyncio.timeout(90):
            while True:
                try:
                    async with self.http.get(url + "/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                assert process.running is not None
                assert process.running.poll() is None, process.log.read_text()
                await asyncio.sleep(0.05)


@contextmanager
def held_ports() -> Iterator[Ports]:
    """Ports for processes that come and go.

    Bound by us all the while: otherwise any connection of this machine may be given one of them
    before the process listens there, or while it is started again.
    """
    with ExitStack() as held:
        numbers: list[int] = []
        for _ in range(5):
            probe = held.enter_context(socket.socket())
            # Servers say the same, so that they may listen where nobody else does.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            numbers.append(probe.getsockname()[1])
        yield Ports(*numbers)


@asynccontextmanager
async def running_product(
    database_url: str,
    redis_url: str,
    folder: Path,
    *,
    worker: bool = True,
    workspace: Path = WORKSPACE_FILE,
) -> AsyncIterator[Product]:
    """Web process, worker and sandbox over this database, until the block ends."""
    with held_ports() as ports:
        async with _running(
            ports, database_url, redis_url, folder, worker=worker, workspace=workspace
        ) as product:
            yield product


@asynccontextmanager
async def _running(
    ports: Ports, database_url: str, redis_url: str, folder: Path, *, worker: bool, workspace: Path
) -> AsyncIterator[Product]:
    kept = Secrets(
        secret_key=secrets.token_urlsafe(48),
        line_key=f"ib_{secrets.token_urlsafe(24)}",
        access_token=secrets.token_urlsafe(16),
        app_secret=secrets.token_hex(16),
        verify_token=secrets.token_urlsafe(8),
        password=PASSWORD,
    )
    network = await start_sandbox(port=ports.sandbox, static=ROOT / "web" / "dist")
    variables = environment(kept, ports, database_url, redis_url, folder)
    file = read(workspace, variables)
    settings = Settings.model_validate(
        {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": kept.secret_key}
    )
    async with rooms(settings, application="test", pool_size=2) as opened:
        await apply(opened, file, workspace.parent)
    web = Process(
        "serve",
        {**variables, "METRICS_LISTEN": f"127.0.0.1:{ports.web_metrics}"},
        folder / "web.log",
    )
    work = Process(
        "work",
        {**variables, "METRICS_LISTEN": f"127.0.0.1:{ports.work_metrics}"},
        folder / "work.log",
    )
    async with SandboxClient(network.url) as sandbox, aiohttp.ClientSession() as http:
        await sandbox.configure(Config.model_validate(sandbox_config(file, kept, ports)))
        product = Product(
            base_url=f"http://127.0.0.1:{ports.web}",
            metrics_url=f"http://127.0.0.1:{ports.web_metrics}/metrics",
            work_url=f"http://127.0.0.1:{ports.work_metrics}",
            fastagi=("127.0.0.1", ports.fastagi),
            line_key=kept.line_key,
            database_url=database_url,
            sandbox=sandbox,
            web=web,
            worker=work,
            http=http,
        )
        endings: list[int] = []
        try:
            web.start()
            if worker:
                work.start()
            await product.ready()
            if worker:
                await product.working()
            yield product
        finally:
            async with AsyncExitStack() as ending:
                ending.push_async_callback(network.stop)
                ending.callback(lambda: endings.append(work.stop()))
                endings.append(web.stop())
    assert all(ending in {0, -signal.SIGKILL} for ending in endings), endings


__all__ = [
    "ACCOUNT",
    "LINE",
    "NAMES",
    "NUMBERS",
    "PASSWORD",
    "PEOPLE",
    "WORKSPACE",
    "Product",
    "running_product",
]
