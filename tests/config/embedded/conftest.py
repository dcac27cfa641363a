"""A data folder, the servers at work in it, and another process that may be killed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.processes import wait_until

ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).resolve().parents[3]
NOBODY = 65534
ONCE = Retry(NoBackoff(), 0)
as_root = pytest.mark.skipif(not ROOT, reason="only root has to step down to another user")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder whose servers and state are gone afterwards, whatever the test did."""
    top = Path(tempfile.mkdtemp(prefix="ivr-bridge-test-"))
    folder = top / ".data"
    yield folder
    for place in {folder, *top.rglob(".data")}:
        discard(place)
    shutil.rmtree(top)


def discard(folder: Path) -> None:
    home = home_of(folder)
    for process in at_work(home):
        process.kill()
    wait_until(lambda: not at_work(home), 10)
    shutil.rmtree(home, ignore_errors=True)


def home_of(folder: Path) -> Path:
    return (folder / "embedded").resolve()


def at_work(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if (
                Path(process.cwd()).is_relative_to(home)
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))


def quiet(_: str) -> None:
    """Nobody is listening to progress here."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(url, timeout=10)
    try:
        yield conn
    finally:
        await conn.close()


async def remember(url: str, value: int) -> None:
    async with connected(url) as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        await conn.execute("INSERT INTO kept VALUES ($1)", value)


async def remembered(url: str) -> list[int]:
    async with connected(url) as conn:
        return [row["value"] for row in await conn.fetch("SELECT value FROM kept")]


def lives(process: psutil.Process) -> bool:
    """Whether it still runs: a killed orphan may stay a zombie until PID 1 looks at it."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass
class Actor:
    process: subprocess.Popen[str]
    database_url: str
    redis_url: str
    told: list[str]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=10)

    def stop(self) -> int:
        self.process.communicate("stop\n", timeout=30)
        return self.process.returncode

    @property
    def home(self) -> Path:
        return Path(parse_qs(urlsplit(self.database_url).query)["host"][0]).parent


@pytest.fixture
def act() -> Iterator[Callable[..., Actor]]:
    """Start databases from another process, which can then be killed."""
    actors: list[Actor] = []

    def begin(mode: str, folder: Path, uid: int | None = None, wheels: Path | None = None) -> Actor:
        actor = Path(__file__).with_name("actor.py")
        words: list[str | Path] = [sys.executable, actor, mode, folder]
        process = subprocess.Popen(
            [*words, str(uid)] if uid else words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, filter(None, (wheels, REPOSITORY)))),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            start_new_session=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(process.communicate()[1])
        actors.append(Actor(process, **json.loads(line)))
        return actors[-1]

    yield begin
    for actor in actors:
        if actor.process.poll() is None:
            actor.kill()
