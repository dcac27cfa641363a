"""Callers who come at the same moment share an account's places, as many as there are."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from core.ids import AccountId, WorkspaceId, new_id
from core.vocabulary import ChannelKind
from ivr_bridge.admission import Admission
from messaging.channel import Account, Channel
from messaging.channels.whatsapp import WhatsApp
from messaging.pacing import Pacing, pacing_redis


@pytest.fixture
async def whatsapp() -> AsyncIterator[Channel]:
    async with aiohttp.ClientSession() as session:
        yield WhatsApp(session)


@pytest.mark.parametrize("per_second", [20, 80, 1000])
async def test_all_who_come_at_once_are_let_in_while_there_is_room(
    redis_url: str, whatsapp: Channel, per_second: int
) -> None:
    """A second's worth may go out at once, and no place of it is lost between so many askers."""
    redis = pacing_redis(redis_url)
    admission = Admission(Pacing({ChannelKind.WHATSAPP: whatsapp}, redis))
    account = Account(
        id=AccountId(new_id()),
        workspace_id=WorkspaceId(1),
        kind=ChannelKind.WHATSAPP,
        name="whatsapp",
        base_url="http://127.0.0.1",
        external_id="100000000000001",
        settings={"messages_per_second": str(per_second)},
        secrets={},
    )
    began = time.monotonic()
    let_in = await asyncio.gather(*[admission.admits(account, whatsapp) for _ in range(per_second)])
    assert all(let_in), let_in.count(False)
    # And no more than that: who comes next waits for a place, or goes without one.
    more = await asyncio.gather(*[admission.admits(account, whatsapp) for _ in range(per_second)])
    elapsed_s = time.monotonic() - began
    assert sum(more) <= elapsed_s * per_second + 1
    await redis.aclose()
