"""An opening leaves while its caller waits, or not at all."""

import asyncio

import aiohttp

from core.vocabulary import ChannelKind
from messaging.channels.whatsapp.adapter import WhatsApp
from tests.ivr_bridge.conftest import CALLER, House

FRIEND = "+79005550199"


async def test_an_opening_that_waits_for_a_connection_past_its_deadline_never_leaves(house: House):
    """All connections to the provider are taken by calls that it does not answer."""
    channel = house.means.channels[ChannelKind.WHATSAPP]
    assert isinstance(channel, WhatsApp)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as narrow:
        channel._session = narrow
        await house.network.behave(FRIEND, "held")
        first = asyncio.ensure_future(house.ivr.deflect("first", FRIEND, deadline_ms=5000))
        assert await house.network.wire(FRIEND, kind="opening", wait_ms=5000)
        told = await house.ivr.deflect("second", CALLER, deadline_ms=900)
        assert told.action == "continue"
        assert told.reason in {"deadline", "channel_throttled"}
        await house.network.ask("POST", "/sandbox/release", {})
        assert (await first).action == "hangup"
        await house.deflections._in_flight.drain(12)
    assert await house.network.openings(CALLER) == 0
    (row,) = await house.rows(
        "SELECT m.status, m.failed_class FROM messaging.message AS m"
        "  JOIN messaging.address AS a USING (workspace_id, address_id) WHERE a.value = $1",
        CALLER,
    )
    assert tuple(row) == ("sending", "transient")
