"""Keys: what each kind opens, from where, for how long; and what no key opens."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from core.access import Keys
from core.access import keys as keys_module
from core.access.issuing import (
    KeyUnknown,
    KeyWish,
    NameTaken,
    NewKey,
    TwoAlive,
    all_keys,
    issue,
    revoke,
    rotate,
)
from core.access.keys import forget_nonces, put_key, revoke_others
from core.faults import Invalid
from core.http import (
    KEYS,
    TRUSTED_PROXIES,
    Access,
    Endpoint,
    answer,
    client_address,
    key_holder,
    read_limited,
    traced,
)
from core.ids import WorkspaceId
from core.postgres import Database
from core.sealing import Sealer
from tests.signed import BODY, signed

SEALER = Sealer("a secret key of the tests, long enough")
RECIPES = Path(__file__).parents[2] / "docs" / "ivr" / "authentication.md"


async def taken(request: web.Request) -> web.Response:
    raw = await read_limited(request, 1024)
    return answer({"key": key_holder(request).name, "bytes": len(raw)})


async def where(request: web.Request) -> web.Response:
    return answer({"from": str(client_address(request))})


ENDPOINTS = (
    Endpoint("POST", "/calls", taken, "Calls", Access.KEY, scope="ivr"),
    Endpoint("GET", "/where", where, "Where from", Access.PUBLIC),
)


@dataclass
class Door:
    """A service that takes keys, and everything a client of it needs."""

    client: TestClient[Any, Any]
    database: Database
    workspace_id: WorkspaceId
    clock: Any

    async def issue(self, **wished: Any) -> NewKey:
        wish = KeyWish(**{"name": "pbx", "scopes": ["ivr"], **wished})
        async with self.database.workspace(self.workspace_id) as tx:
            return await issue(tx, SEALER, wish)

    async def rotate(self, hours: float, name: str = "pbx") -> NewKey:
        async with self.database.workspace(self.workspace_id) as tx:
            return await rotate(tx, SEALER, name, keep=timedelta(hours=hours))

    async def knock(
        self, headers: Mapping[str, str] | None = None, *, body: bytes = BODY, path: str = "/calls"
    ) -> tuple[int, dict[str, Any]]:
        response = await self.client.post(path, data=body, headers=headers or {})
        return response.status, json.loads(await response.read())

    async def bearer(self, key: str | None) -> int:
        status, _ = await self.knock({"Authorization": f"Bearer {key}"})
        return status


@pytest.fixture
async def door(aiohttp_client, database, workspace_id, clock, monkeypatch):
    monkeypatch.setattr(keys_module, "_REMEMBERED_S", 0.0)
    return await make_door(aiohttp_client, database, workspace_id, clock)


async def make_door(
    aiohttp_client: Any,
    database: Database,
    workspace_id: WorkspaceId,
    clock: Any,
    *,
    proxies: Sequence[str] = (),
) -> Door:
    app = web.Application(middlewares=[traced])
    app[KEYS] = Keys(database, SEALER, clock)
    app[TRUSTED_PROXIES] = [ip_network(proxy) for proxy in proxies]
    app.add_routes([endpoint.route for endpoint in ENDPOINTS])
    return Door(await aiohttp_client(app), database, workspace_id, clock)


# -- issued, rotated, taken back -------------------------------------------------------------------


async def test_an_issued_key_opens_until_it_is_taken_back(door: Door):
    made = await door.issue()
    assert await door.bearer(made.secret) == 200
    async with door.database.workspace(door.workspace_id) as tx:
        assert await revoke(tx, "pbx") == [(made.public_id, "issued")]
    assert await door.bearer(made.secret) == 401
    async with door.database.workspace(door.workspace_id) as tx:
        with pytest.raises(KeyUnknown):
            await revoke(tx, "pbx")
        actions = [row["action"] for row in await tx.fetch("SELECT action FROM core.audit")]
        facts = await tx.fetchval("SELECT string_agg(facts::text, '') FROM core.audit")
    assert actions == ["key.issued", "key.revoked"]
    assert made.secret is not None
    assert made.secret not in facts


async def test_two_live_at_once_and_the_old_one_dies_by_itself(door: Door):
    old = await door.issue(lines=["main"], networks=[ip_network("127.0.0.0/8")])
    new = await door.rotate(24)
    assert (await door.bearer(old.secret), await door.bearer(new.secret)) == (200, 200)
    with pytest.raises(TwoAlive):
        await door.rotate(24)
    async with door.database.workspace(door.workspace_id) as tx:
        keys = await all_keys(tx)
        assert {key.networks[0] for key in keys} == {ip_network("127.0.0.0/8")}
        assert [list(key.lines) for key in keys] == [["main"], ["main"]]
        await tx.execute("UPDATE core.api_key SET expires_at = now() WHERE expires_at IS NOT NULL")
    assert (await door.bearer(old.secret), await door.bearer(new.secret)) == (401, 200)
    newest = await door.rotate(0)
    assert (await door.bearer(new.secret), await door.bearer(newest.secret)) == (401, 200)


async def test_a_stolen_key_is_replaced_at_once_even_in_mid_rotation(door: Door):
    old = await door.issue()
    new = await door.rotate(24)
    newest = await door.rotate(0)
    assert [await door.bearer(key.secret) for key in (old, new, newest)] == [401, 401, 200]


async def test_rotations_at_the_same_moment_leave_two_alive(door: Door):
    await door.issue()
    told = await asyncio.gather(*[door.rotate(1) for _ in range(8)], return_exceptions=True)
    assert sum(isinstance(each, NewKey) for each in told) == 1
    async with door.database.workspace(door.workspace_id) as tx:
        assert len([key for key in await all_keys(tx) if key.alive]) == 2


async def test_a_name_has_one_owner(door: Door):
    await door.issue()
    with pytest.raises(NameTaken):
        await door.issue()
    with pytest.raises(KeyUnknown):
        await door.rotate(1, "nobody")


async def test_the_workspace_file_leaves_issued_keys_alone_and_revives_none(door: Door):
    made = await door.issue(name="line main")
    file_key = "ib_the-key-of-the-file-0001"
    async with door.database.workspace(door.workspace_id) as tx:
        assert await put_key(tx, name="line main", key=file_key, scopes=["ivr"])
        await revoke_others(tx, name="line main", keep=[file_key])
    assert await door.bearer(made.secret) == 200
    async with door.database.workspace(door.workspace_id) as tx:
        await revoke(tx, "line main")
        assert await put_key(tx, name="line main", key=file_key, scopes=["ivr"]) is None
        assert made.secret is not None
        assert await put_key(tx, name="line main", key=made.secret, scopes=["ivr"]) is None
    assert await door.bearer(file_key) == 401


# -- signatures ------------------------------------------------------------------------------------


async def test_a_signed_request_opens_once(door: Door):
    made = await door.issue(signs=True)
    headers = signed(made, door.clock().timestamp())
    assert await door.knock(headers) == (200, {"key": "pbx", "bytes": len(BODY)})
    status, problem = await door.knock(headers)
    assert (status, problem["code"]) == (401, "unauthorized")
    again = signed(made, door.clock().timestamp() + 1)
    assert (await door.knock(again))[0] == 401, "the nonce is spent, whatever else is new"
    fresh = signed(made, door.clock().timestamp(), nonce="another-nonce-0002", path="/calls?a=%2B1")
    assert (await door.knock(fresh, path="/calls?a=%2B1"))[0] == 200


async def test_a_flip_in_any_part_is_refused_and_spends_nothing(door: Door):
    made = await door.issue(signs=True)
    now = door.clock().timestamp()
    good = signed(made, now)

    def flipped(text: str, place: int) -> str:
        letter = text[place]
        return text[:place] + ("1" if letter != "1" else "2") + text[place + 1 :]

    wrong: list[tuple[dict[str, str], bytes, str]] = []
    for name, value in good.items():
        wrong += [
            ({**good, name: flipped(value, place)}, BODY, "/calls")
            for place in range(0, len(value), 1 if name != "X-IVR-Bridge-Signature" else 5)
        ]
        wrong += [({k: v for k, v in good.items() if k != name}, BODY, "/calls")]
        wrong += [
            ({**good, name: ""}, BODY, "/calls"),
            ({**good, name: value + "0"}, BODY, "/calls"),
        ]
    wrong += [
        (good, BODY[:i] + bytes([BODY[i] ^ 1]) + BODY[i + 1 :], "/calls") for i in range(len(BODY))
    ]
    wrong += [(good, BODY + b" ", "/calls"), (good, b"", "/calls"), (good, BODY, "/calls?x=1")]
    wrong += [
        (signed(made, now, method="GET"), BODY, "/calls"),
        (signed(made, now, secret="x"), BODY, "/calls"),
    ]
    wrong += [
        (signed(made, now, nonce=nonce), BODY, "/calls") for nonce in ("short", "x" * 65, "a b" * 8)
    ]
    for headers, body, path in wrong:
        status, _ = await door.knock(headers, body=body, path=path)
        assert status == 401, headers
    async with door.database.workspace(door.workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM core.nonce") == 0
    assert (await door.knock(good))[0] == 200


@pytest.mark.parametrize(
    ("off_s", "status"),
    [(-299, 200), (299, 200), (-302, 401), (302, 401), (-1e9, 401), (1e11, 401)],
)
async def test_a_clock_may_be_five_minutes_off(door: Door, off_s: float, status: int):
    made = await door.issue(signs=True)
    headers = signed(made, max(0.0, door.clock().timestamp() + off_s))
    assert (await door.knock(headers))[0] == status


async def test_a_nonce_counts_in_every_process_and_after_a_restart(
    door: Door, aiohttp_client, database, workspace_id, clock
):
    made = await door.issue(signs=True)
    doors = [await make_door(aiohttp_client, database, workspace_id, clock) for _ in range(3)]
    headers = signed(made, clock().timestamp())
    told = await asyncio.gather(*[each.knock(headers) for each in doors * 5])
    assert sorted(status for status, _ in told) == [200] + [401] * 14
    later = await make_door(aiohttp_client, database, workspace_id, clock)
    assert (await later.knock(headers))[0] == 401


async def test_nonces_are_forgotten_only_when_their_time_is_refused(door: Door):
    made = await door.issue(signs=True)
    headers = signed(made, door.clock().timestamp() + 299)
    assert (await door.knock(headers))[0] == 200
    async with door.database.workspace(door.workspace_id) as tx:
        await forget_nonces(tx)
        assert await tx.fetchval("SELECT count(*) FROM core.nonce") == 1
        await tx.execute("UPDATE core.nonce SET seen_at = seen_at - interval '20 minutes 1 second'")
        await forget_nonces(tx)
        assert await tx.fetchval("SELECT count(*) FROM core.nonce") == 0
    door.clock.advance(1200)
    assert (await door.knock(headers))[0] == 401


async def test_a_secret_that_signs_is_never_a_bearers_and_lies_sealed(door: Door):
    made = await door.issue(signs=True)
    assert await door.bearer(made.secret) == 401
    async with door.database.workspace(door.workspace_id) as tx:
        sealed = await tx.fetchval("SELECT sealed_secret FROM core.api_key")
    assert made.secret is not None
    assert made.secret.encode() not in sealed
    plain = await door.issue(name="plain")
    assert (await door.knock(signed(plain, door.clock().timestamp())))[0] == 401


async def test_a_body_beyond_the_limit_of_its_address_is_too_large_when_signed(door: Door):
    made = await door.issue(signs=True)
    body = b"x" * 2000
    headers = signed(made, door.clock().timestamp(), body=body)
    assert (await door.knock(headers, body=body))[0] == 413


@pytest.mark.parametrize("language", ["python", "sh"])
async def test_the_recipe_of_the_documentation_signs_right(door: Door, language: str, tmp_path):
    made = await door.issue(signs=True)
    (recipe,) = re.findall(rf"```{language}\n(# sign\n.*?)```", RECIPES.read_text(), re.DOTALL)
    body = tmp_path / "body.json"
    body.write_bytes(BODY)
    ran = subprocess.run(
        [sys.executable if language == "python" else "sh", "-c", recipe],
        env={
            "PATH": "/usr/bin:/bin", "KEY": made.public_id, "SECRET": made.secret or "",
            "TARGET": "/calls?format=form", "BODY": str(body),
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    headers = dict(line.split(": ", 1) for line in ran.stdout.strip().splitlines())
    assert (await door.knock(headers, path="/calls?format=form"))[0] == 200


# -- addresses -------------------------------------------------------------------------------------

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
