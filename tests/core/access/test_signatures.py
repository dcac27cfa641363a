"""Requests that are signed: each opens once, whole and in time."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.access.keys import forget_nonces
from tests.core.access.conftest import Door, make_door
from tests.signed import BODY, signed

RECIPES = Path(__file__).parents[3] / "docs" / "ivr" / "authentication.md"


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
