"""Databases of one machine: data that stays, whom they let in, and where they may lie."""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import redis

from config import embedded
from config.embedded import memory
from tests.config.embedded.conftest import (
    ONCE,
    at_work,
    connected,
    home_of,
    quiet,
    remember,
    remembered,
)

pytestmark = pytest.mark.embedded


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


async def test_without_room_in_memory_files_are_shared(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_ROOM", 1 << 62)
    with embedded.start(data_dir, report=quiet) as pair:
        async with connected(pair.database_url) as conn:
            assert await conn.fetchval("SHOW dynamic_shared_memory_type") == "mmap"
        assert list((home_of(data_dir) / "postgres" / "pg_dynshmem").iterdir())


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
