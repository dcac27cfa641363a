"""The Asterisk recipes, run word for word: a caller, a dialplan, the running product and its network."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.fakes.bridge import Between, between
from tests.fakes.dialplan.channel import Caller, Channel, hears
from tests.fakes.dialplan.reading import Plan, read
from tests.product import LINE, Product

RECIPES = Path(__file__).parents[2] / "docs" / "ivr" / "recipes" / "asterisk"
OFFER, GOODBYE = "ask ivr-bridge/offer", "play ivr-bridge/sent_goodbye"
SORRY = "play ivr-bridge/not_possible"
QUEUE_AT_END = "queue support 60 at the end"


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(product: Product) -> AsyncIterator[Between]:
    async with between(product.base_url) as proxy:
        yield proxy


def over_curl(product: Product, url: str) -> Plan:
    plan = read((RECIPES / "extensions.conf").read_text())
    plan.variables |= {"IVRB_URL": url, "IVRB_KEY": product.line_key}
    return plan


def over_agi(product: Product) -> Plan:
    plan = read((RECIPES / "extensions-fastagi.conf").read_text())
    host, port = product.fastagi
    plan.variables |= {"IVRB_AGI": f"agi://{host}:{port}", "IVRB_KEY": product.line_key}
    return plan


def breaking(product: Product, proxy: Between, phone: Phone, mode: str) -> Channel:
    """From the moment at which the caller presses 1, the bridge breaks."""
    proxy.mode = "pass"
    plan = over_curl(product, proxy.url)
    connect = plan.contexts["ivr-bridge"]["connect"]
    place = next(n for n, step in enumerate(connect) if step.data == "CURLOPT(httptimeout)=3")
    connect[place] = replace(connect[place], data="CURLOPT(httptimeout)=1")
    caller = Caller(phone.number, LINE, presses=["1"])
    caller.pressed = lambda: setattr(proxy, "mode", mode)
    return Channel(plan, caller)


async def events(product: Product, channel: Channel) -> list[str]:
    rows = await product.rows(
        "SELECT event FROM ivr_bridge.call_event JOIN ivr_bridge.call USING (workspace_id, call_ref)"
        " WHERE call_id = $1 ORDER BY at",
        channel.variables["UNIQUEID"],
    )
    return [row["event"] for row in rows]


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_the_caller_presses_1_and_is_told_goodbye(
    product: Product, proxy: Between, phone: Phone, way: str
):
    plan = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    channel = Channel(plan, Caller(phone.number, LINE, presses=["1"]))
    assert await hears(channel) == [OFFER, "music", "quiet", GOODBYE]
    assert await product.sandbox.openings(phone.number) == 1
    assert await events(product, channel) == ["entered", "offered", "accepted", "ended"]


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_a_number_that_is_not_on_whatsapp_waits_and_is_answered(
    product: Product, proxy: Between, phone: Phone, way: str
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    plan = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    channel = Channel(plan, Caller(phone.number, LINE, presses=["1"], waits=[("answered", "1")]))
    assert await hears(channel) == [OFFER, "music", "quiet", SORRY, QUEUE_AT_END, "operator"]
    assert await events(product, channel) == [
        "entered", "offered", "accepted", "queued", "answered", "ended",
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_the_offer_comes_again_and_the_place_is_kept(
    product: Product, proxy: Between, phone: Phone, way: str
):
    plan = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    waits = [("TIMEOUT", "4"), ("TIMEOUT", "2")]
    channel = Channel(plan, Caller(phone.number, LINE, presses=["", "", "1"], waits=waits))
    assert await hears(channel) == [
        OFFER, QUEUE_AT_END, OFFER, "queue support 60 at 4", OFFER, "music", "quiet", GOODBYE,
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_no_is_remembered(product: Product, proxy: Between, phone: Phone, way: str):
    plan = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    waits = [("TIMEOUT", "2"), ("FULL", "2")]
    channel = Channel(plan, Caller(phone.number, LINE, presses=["2"], waits=waits))
    assert await hears(channel) == [OFFER, QUEUE_AT_END, "queue support 60 at 2"]
    assert "declined" in await events(product, channel)


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_a_caller_id_says_nothing_but_a_number(
    product: Product, proxy: Between, phone: Phone, way: str
):
    """Commas part the arguments of AGI(), ampersands the fields of a form; a SIP caller chooses both."""
    plan = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    called = f"{phone.number},event=declined&event=declined"
    channel = Channel(plan, Caller(called, LINE, waits=[("FULL", "1")]))
    await hears(channel)
    assert "declined" not in await events(product, channel)
    assert channel.variables["IVRB_CALLER"] == phone.number


# What FreePBX writes for a queue, as far as the recipe leans on it.
EXT_QUEUES = """
[ext-queues]
exten => 600,1,Set(QDEST=${VQ_DEST})
 same => n,Queue(600,t,,,${VQ_MAXWAIT},,${VQ_GOSUB},,${VQ_POSITION})
 same => n(gotodest),GotoIf($["${QDEST}" = ""]?app-blackhole,hangup,1:${CUT(QDEST,^,1)},${CUT(QDEST,^,2)},${CUT(QDEST,^,3)})
[app-blackhole]
exten => hangup,1,Playback(all-busy)
 same => n,Hangup()
"""


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_freepbx_keeps_its_queue_and_the_place(
    product: Product, proxy: Between, a_phone: Callable[[], Phone], way: str
):
    shared = over_curl(product, proxy.url) if way == "curl" else over_agi(product)
    own = (RECIPES.parent / "freepbx" / "extensions_custom.conf").read_text()
    plan = read(own.replace("#include ivr-bridge.conf", "") + EXT_QUEUES)
    del shared.contexts["ivr-bridge-incoming"]
    plan.contexts |= shared.contexts
    plan.variables |= shared.variables | {"FROM_DID": LINE}

    caller = Caller(a_phone().number, LINE, presses=["", "1"], waits=[("TIMEOUT", "5")])
    channel = Channel(plan, caller)
    met = await channel.call("ivr-bridge-freepbx", "s")
    assert met == [OFFER, "queue 600 60 at the end", OFFER, "music", "quiet", GOODBYE]

    waits = [("TIMEOUT", "5"), ("LEAVEEMPTY", "2")]
    left = Channel(plan, Caller(a_phone().number, LINE, presses=["2"], waits=waits))
    met = await left.call("ivr-bridge-freepbx", "s")
    assert met == [OFFER, "queue 600 60 at the end", "queue 600 60 at 5", "play all-busy"]


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_a_withheld_number_only_waits(product: Product, phone: Phone, way: str):
    plan = over_curl(product, product.base_url) if way == "curl" else over_agi(product)
    channel = Channel(
        plan,
        Caller(phone.number, LINE, waits=[("answered", "1")], presentation="prohib_not_screened"),
    )
    assert await hears(channel) == [QUEUE_AT_END, "operator"]
    rows = await product.rows(
        "SELECT caller FROM ivr_bridge.call WHERE call_id = $1", channel.variables["UNIQUEID"]
    )
    assert [row["caller"] for row in rows] == [None]


async def test_half_an_answer_goes_on(
    product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    """The offer came whole; of the decision, `end=1` or more did not arrive."""
    for proxy.missing in (1, 6, 20):
        channel = breaking(product, proxy, a_phone(), "half")
        assert await hears(channel) == [OFFER, "music", "quiet", SORRY, QUEUE_AT_END]


async def test_a_bridge_in_trouble_goes_on(
    product: Product, proxy: Between, a_phone: Callable[[], Phone]
):
    for mode in ("silent", "broken"):
        channel = breaking(product, proxy, a_phone(), mode)
        assert await hears(channel) == [OFFER, "music", "quiet", SORRY, QUEUE_AT_END]


@pytest.mark.parametrize("way", ["curl", "agi"])
async def test_without_a_bridge_the_caller_just_waits(product: Product, phone: Phone, way: str):
    plan = over_curl(product, "http://127.0.0.1:9") if way == "curl" else over_agi(product)
    plan.variables["IVRB_AGI"] = "agi://127.0.0.1:9"
    channel = Channel(plan, Caller(phone.number, LINE, waits=[("answered", "1")]))
    assert await hears(channel) == [QUEUE_AT_END, "operator"]
