"""Where processes listen: two on one machine do not meet, and what is taken is named; what one does alone."""

import asyncio
import socket

import pytest
from aiohttp import web

from config.running import SERVE_METRICS, WORK_METRICS, listening, named
from config.serve import serve
from config.settings import Settings, SettingsMissing
from config.work import work
from core.ids import WorkspaceId
from core.jobs import NewJob, enqueue
from core.postgres import Database


def test_serve_and_work_do_not_meet_unless_they_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("METRICS_LISTEN", raising=False)
    assert Settings.read().metrics_listen is None
    assert SERVE_METRICS != WORK_METRICS
    monkeypatch.setenv("METRICS_LISTEN", "0.0.0.0:9180")
    assert Settings.read().metrics_listen == "0.0.0.0:9180"
    monkeypatch.setenv("METRICS_LISTEN", "9180")
    with pytest.raises(SettingsMissing, match="host:port"):
        Settings.read()


async def test_an_address_that_is_taken_is_named_by_its_setting():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(SettingsMissing) as refused:
            async with listening(web.Application(), taken, "METRICS_LISTEN", finish_s=0):
                pass
    assert str(refused.value) == f"{taken} is taken; set METRICS_LISTEN to another address."


@pytest.fixture
def at_home(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a process on the databases of this test."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    for each in ("METRICS_LISTEN", "LISTEN"):
        monkeypatch.setenv(each, "127.0.0.1:0")


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("setting", ["METRICS_LISTEN", "FASTAGI_LISTEN", "LISTEN"])
async def test_a_web_process_that_cannot_listen_ends(monkeypatch: pytest.MonkeyPatch, setting: str):
    """It does not stay there, listening nowhere and watching its own loop."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv(setting, f"127.0.0.1:{other.getsockname()[1]}")
        with pytest.raises(SettingsMissing, match=f"is taken; set {setting} to"):
            await asyncio.wait_for(serve(Settings.read()), 20)


def test_an_address_of_another_machine_is_told_apart():
    with (
        pytest.raises(SettingsMissing, match=r"192\.0\.2\.1:80 cannot be had: .*; set LISTEN"),
        named("LISTEN", "192.0.2.1:80"),
        socket.socket() as other,
    ):
        other.bind(("192.0.2.1", 80))


@pytest.mark.usefixtures("at_home")
async def test_a_worker_alone_counts_what_grows(
    database: Database, workspace_id: WorkspaceId, monkeypatch: pytest.MonkeyPatch
):
    """Nobody else does while there is no web process, and a night's backlog makes tables grow."""
    stop = asyncio.Event()
    monkeypatch.setattr("config.work.stop_on_signal", lambda: stop)
    async with database.workspace(workspace_id) as tx:
        for _ in range(1000):
            await enqueue(tx, NewJob(kind="nobody's", payload={}))
    known = "SELECT 1 FROM pg_class WHERE oid = 'core.job'::regclass AND reltuples >= 1000"
    async with asyncio.timeout(20), asyncio.TaskGroup() as running:
        running.create_task(work(Settings.read()))
        counted = False
        while not counted:
            async with database.workspace(workspace_id) as tx:
                counted = await tx.fetchval(known) is not None
        stop.set()
