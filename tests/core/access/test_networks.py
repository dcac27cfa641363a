"""From where a key opens, and which address a request comes from."""

from ipaddress import ip_address, ip_network

import pytest

from core.access import Keys
from core.access.issuing import (
    KeyWish,
    issue,
)
from core.faults import Invalid
from tests.core.access.conftest import SEALER, Door, make_door
from tests.signed import signed

PROXIES = ("127.0.0.0/8", "10.0.0.0/8", "2001:db8:5::/48")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        ((), (), "127.0.0.1"),
        ((), ("203.0.113.9",), "127.0.0.1"),
        (PROXIES, (), "127.0.0.1"),
        (PROXIES, ("203.0.113.9",), "203.0.113.9"),
        # What the client wrote itself stands to the left of what our proxy wrote down.
        (PROXIES, ("198.51.100.1, 203.0.113.9",), "203.0.113.9"),
        (PROXIES, ("198.51.100.1", "203.0.113.9, 10.0.0.7"), "203.0.113.9"),
        (PROXIES, ("10.9.9.9, 203.0.113.9, 10.0.0.7, 2001:db8:5::1",), "203.0.113.9"),
        (PROXIES, ("198.51.100.1, 203.0.113.9:4711",), "203.0.113.9"),
        (PROXIES, ("[2001:db8:9::1]:443",), "2001:db8:9::1"),
        (PROXIES, ("::ffff:203.0.113.9",), "203.0.113.9"),
        (PROXIES, ("10.1.1.1, 10.0.0.7",), "10.1.1.1"),
        (PROXIES, ("198.51.100.1, unknown",), "None"),
        (PROXIES, ("198.51.100.1,",), "None"),
        (PROXIES, ("198.51.100.1, 999.1.1.1",), "None"),
    ],
)
async def test_only_our_own_proxies_are_believed(
    aiohttp_client, database, workspace_id, clock, proxies, forwarded, seen
):
    door = await make_door(aiohttp_client, database, workspace_id, clock, proxies=proxies)
    headers = [("X-Forwarded-For", line) for line in forwarded]
    response = await door.client.get("/where", headers=headers)
    assert await response.json() == {"from": seen}


@pytest.mark.parametrize("kind", ["bearer", "hmac"])
async def test_a_key_works_only_from_its_networks(
    door: Door, aiohttp_client, database, workspace_id, clock, kind
):
    made = await door.issue(signs=kind == "hmac", networks=[ip_network("203.0.113.0/24")])
    behind = await make_door(aiohttp_client, database, workspace_id, clock, proxies=PROXIES)

    async def knock(at: Door, forwarded: str, nonce: str) -> tuple[int, str]:
        shown = (
            signed(made, clock().timestamp(), nonce=nonce)
            if kind == "hmac"
            else {"Authorization": f"Bearer {made.secret}"}
        )
        status, told = await at.knock({**shown, "X-Forwarded-For": forwarded})
        return status, told.get("code", "")

    forbidden = (403, "line_or_ip_forbidden")
    assert await knock(door, "203.0.113.9", "nonce-000000000001") == forbidden
    assert await knock(behind, "203.0.113.9", "nonce-000000000001") == (200, "")
    assert await knock(behind, "203.0.113.9, 198.51.100.1", "nonce-000000000002") == forbidden
    assert await knock(behind, "garbage", "nonce-000000000002") == forbidden


async def test_an_address_may_stand_for_itself(
    door: Door, database, workspace_id, other_workspace_id, clock
):
    assert (await door.knock())[0] == 401
    await door.issue(name="a", by_address=True, networks=[ip_network("127.0.0.0/8")], lines=["a"])
    await door.issue(name="b", by_address=True, networks=[ip_network("127.0.0.1/32")], lines=["b"])
    await door.issue(name="c", networks=[ip_network("127.0.0.0/8")])
    assert (await door.knock())[0] == 200
    keys = Keys(database, SEALER, clock)
    holder = await keys.by_address(ip_address("127.0.0.1"))
    assert holder is not None
    assert (holder.workspace_id, set(holder.lines)) == (workspace_id, {"a", "b"})
    assert await keys.by_address(ip_address("198.51.100.1")) is None
    assert (await door.knock({"Authorization": "Bearer wrong"}))[0] == 401
    async with database.workspace(other_workspace_id) as tx:
        wish = KeyWish("x", ["ivr"], networks=[ip_network("127.0.0.1/32")], by_address=True)
        await issue(tx, SEALER, wish)
    assert (await door.knock())[0] == 401, "whose it is cannot be told"
    named = await Keys(database, SEALER, clock).by_address(
        ip_address("127.0.0.1"), other_workspace_id
    )
    assert named is not None
    assert named.workspace_id == other_workspace_id


@pytest.mark.parametrize(
    "wished",
    [
        {"by_address": True},
        {"by_address": True, "networks": [ip_network("0.0.0.0/0")]},
        {"by_address": True, "networks": [ip_network("::/0")]},
        {"by_address": True, "signs": True, "networks": [ip_network("10.0.0.0/8")]},
    ],
)
async def test_the_internet_is_not_let_in_without_a_key(door: Door, wished):
    with pytest.raises(Invalid):
        await door.issue(**wished)
