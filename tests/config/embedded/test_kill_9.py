"""Databases of one machine survive the end of any process, whenever it comes."""

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
import redis

from config import embedded
from config.embedded.processes import wait_until
from tests.config.embedded.conftest import (
    ROOT,
    at_work,
    home_of,
    lives,
    postmaster,
    quiet,
    remember,
    remembered,
)

pytestmark = pytest.mark.embedded


async def test_after_kill_9_of_the_parent_the_living_servers_are_found_again(
    data_dir: Path, act
) -> None:
    actor = act("lasting", data_dir)
    await remember(actor.database_url, 1)
    before = postmaster(actor.home).pid
    actor.kill()
    assert lives(postmaster(actor.home))

    told: list[str] = []
    with embedded.start(data_dir, report=told.append) as pair:
        assert postmaster(actor.home).pid == before
        assert await remembered(pair.database_url) == [1]
        assert pair.revive(quiet) == []
    assert told == [
        "PostgreSQL still runs from an earlier start",
        "Valkey still runs from an earlier start",
    ]
    assert at_work(actor.home) == []


@pytest.mark.parametrize("which", ["postgres", "valkey-server"])
async def test_after_kill_9_of_a_server_it_is_revived_with_what_it_acknowledged(
    data_dir: Path, which: str
) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        home = home_of(data_dir)
        await remember(pair.database_url, 1)
        client = redis.Redis.from_url(pair.redis_url)
        for _ in range(1000):
            client.incr("count")
        victim = (
            postmaster(home)
            if which == "postgres"
            else next(one for one in at_work(home) if one.name() == which)
        )
        url = pair.database_url
        victim.kill()
        assert wait_until(lambda: victim.status() == psutil.STATUS_ZOMBIE, 5)
        assert len(pair.revive(quiet)) == 1
        assert pair.revive(quiet) == []
        assert pair.database_url == url
        assert await remembered(url) == [1]
        assert client.get("count") == b"1000"


async def test_after_kill_9_of_everything_the_next_start_recovers(data_dir: Path, act) -> None:
    actor = act("lasting", data_dir)
    await remember(actor.database_url, 1)
    actor.kill()
    for process in at_work(actor.home):
        process.kill()
    with embedded.start(data_dir, report=quiet) as pair:
        assert await remembered(pair.database_url) == [1]


async def test_after_kill_9_of_the_postmaster_alone_its_children_are_waited_out(
    data_dir: Path, act
) -> None:
    actor = act("lasting", data_dir)
    await remember(actor.database_url, 1)
    actor.kill()
    main = postmaster(actor.home)
    child = next(one for one in main.children() if "checkpointer" in " ".join(one.cmdline()))
    child.suspend()  # a child too busy to notice that its parent is gone
    main.kill()
    with embedded.start(data_dir, report=quiet, patience_s=10) as pair:
        assert not lives(child)
        assert await remembered(pair.database_url) == [1]


async def test_a_pid_file_that_names_a_living_stranger_is_not_believed(data_dir: Path, act) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        await remember(pair.database_url, 1)
        home = home_of(data_dir)
        marks = {
            file: file.read_text()
            for file in (home / "postgres" / "postmaster.pid", home / "run" / ".s.PGSQL.5432.lock")
        }
        number = str(postmaster(home).pid)
        owner = (home / "postgres").stat().st_uid
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner if ROOT else None)
    try:
        for file, text in marks.items():
            file.write_text(text.replace(number, str(stranger.pid)))
            os.chown(file, owner, -1)
        with embedded.start(data_dir, report=quiet) as pair:
            assert await remembered(pair.database_url) == [1]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_server_that_hangs_is_started_anew(data_dir: Path, act) -> None:
    actor = act("lasting", data_dir)
    await remember(actor.database_url, 1)
    actor.kill()
    hung = at_work(actor.home)
    for process in hung:
        process.suspend()
    told: list[str] = []
    with embedded.start(data_dir, report=told.append, patience_s=4) as pair:
        assert await remembered(pair.database_url) == [1]
    assert "PostgreSQL still runs but does not answer: starting it anew" in told
    assert not any(map(lives, hung))


async def test_an_interrupted_layout_is_begun_anew(data_dir: Path) -> None:
    embedded.start(data_dir, report=quiet).stop()
    home = home_of(data_dir)
    (home / "postgres").rename(home / "postgres.new")
    (home / "postgres.new" / "PG_VERSION").unlink()
    with embedded.start(data_dir, report=quiet) as pair:
        await remember(pair.database_url, 1)
        assert not (home / "postgres.new").exists()


def test_ctrl_c_ends_the_parent_which_ends_the_servers(data_dir: Path, act) -> None:
    actor = act("lasting", data_dir)
    os.killpg(actor.process.pid, signal.SIGINT)  # what a terminal does: the whole group
    out, _ = actor.process.communicate(timeout=30)
    assert (actor.process.returncode, out.strip()) == (0, "interrupted")
    assert at_work(actor.home) == []
