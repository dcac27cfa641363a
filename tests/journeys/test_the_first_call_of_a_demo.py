"""The call that a fresh demo plays, so that there is something to see."""

import asyncio
import stat
from pathlib import Path

import pytest

from config.demo.call import play_one_call
from config.demo.demo import _furnish, _present
from tests.journeys.house import new_phone
from tests.journeys.story import moves_to_chat
from tests.product import ACCOUNT, LINE, Product


async def test_it_is_played_once_and_goes_on_where_it_was_cut_off(
    product: Product, monkeypatch: pytest.MonkeyPatch
):
    facts = {"sandbox_url": product.sandbox.url, "line": LINE}
    for cut_off in (False, True):
        phone = new_phone(product)
        monkeypatch.setattr("config.demo.call.PLAYED", (phone.number, "Anna"))
        if cut_off:
            await moves_to_chat(phone)
        await play_one_call(facts)
        said = await phone.messages(ACCOUNT)
        assert [message["mine"] for message in said[:2]] == [False, True]
        assert len(said) > 2
        await play_one_call(facts)
        again = await phone.messages(ACCOUNT)
        assert len([message for message in again if message["mine"]]) == 1


async def test_without_it_the_demo_is_there_all_the_same(tmp_path: Path):
    nowhere = {"sandbox_url": "http://127.0.0.1:9", "line": LINE}
    reported: list[str] = []
    told: list[object] = []
    for _ in range(2):
        await _present(
            tmp_path, nowhere, asyncio.Event(), report=reported.append, told_how=told.append
        )
    assert told == [nowhere, nowhere]
    assert reported[0] == "playing one call"
    assert "dial one yourself" in reported[1]
    assert len(reported) == 2, "it is tried once"


async def test_its_folder_is_nobody_elses(tmp_path: Path):
    for _ in range(2):
        _furnish(tmp_path / "new" / ".data")
    assert stat.S_IMODE((tmp_path / "new" / ".data").stat().st_mode) == 0o700
    assert (tmp_path / "new" / ".data" / "logs").is_dir()
