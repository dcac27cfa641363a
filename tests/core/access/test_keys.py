"""Keys: issued, rotated, taken back; and what no key opens."""

import asyncio
from ipaddress import ip_network

import pytest

from core.access.issuing import (
    KeyUnknown,
    NameTaken,
    NewKey,
    TwoAlive,
    all_keys,
    revoke,
)
from core.access.keys import put_key, revoke_others
from tests.core.access.conftest import Door


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
