"""Pairs that forget everything, for tests."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from config import embedded
from config.embedded import pair as pairs
from config.embedded import place as places
from tests.config.embedded.conftest import at_work, connected

pytestmark = pytest.mark.embedded


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
