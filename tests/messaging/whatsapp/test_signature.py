import json
import random

import pytest
from multidict import CIMultiDict

from messaging.channel import Account
from messaging.channels.whatsapp import WhatsApp
from tests.fakes.cloud_api import payload, signature

BODY = payload("text")
NAME = "X-Hub-Signature-256"


@pytest.mark.parametrize("secret", ["new secret", "old secret"])
async def test_both_live_secrets_open(whatsapp: WhatsApp, account: Account, secret: str) -> None:
    assert whatsapp.verify(account, {NAME: signature(secret, BODY)}, BODY)


@pytest.mark.parametrize("name", [NAME, NAME.lower(), NAME.upper()])
@pytest.mark.parametrize("mapping", [dict, CIMultiDict])
async def test_the_header_is_found_in_any_case(
    whatsapp: WhatsApp, account: Account, name: str, mapping: type
) -> None:
    assert whatsapp.verify(account, mapping({name: signature("new secret", BODY)}), BODY)


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "sha256=",
        "sha256",
        "sha256=" + "0" * 64,
        signature("new secret", BODY).removeprefix("sha256="),
        signature("new secret", BODY).upper(),
        signature("new secret", BODY) + "\n",
        signature("", BODY),
        signature("another secret", BODY),
        signature("new secret", BODY).replace("sha256", "sha1"),
        "sha256=" + "é" * 64,
        "\udcff",
    ],
)
async def test_anything_else_stays_out(whatsapp: WhatsApp, account: Account, claimed: str) -> None:
    assert not whatsapp.verify(account, {NAME: claimed}, BODY)


async def test_no_header_and_no_secret_stay_out(whatsapp: WhatsApp, account: Account) -> None:
    assert not whatsapp.verify(account, {}, BODY)
    unset = Account(
        account.workspace_id,
        account.id,
        account.name,
        account.kind,
        account.base_url,
        account.external_id,
        {},
        {"app_secret": "", "app_secret_previous": ""},
    )
    assert not whatsapp.verify(unset, {NAME: signature("", BODY)}, BODY)


async def test_the_same_json_written_differently_stays_out(
    whatsapp: WhatsApp, account: Account
) -> None:
    rewritten = json.dumps(json.loads(BODY)).encode()
    assert json.loads(rewritten) == json.loads(BODY)
    assert not whatsapp.verify(account, {NAME: signature("new secret", BODY)}, rewritten)


async def test_ten_thousand_flipped_bytes_never_verify(
    whatsapp: WhatsApp, account: Account
) -> None:
    seeded = random.Random(20261121)
    good = signature("new secret", BODY)
    for _ in range(10_000):
        body, claimed = bytearray(BODY), bytearray(good.encode())
        target = seeded.choice((body, claimed))
        target[seeded.randrange(len(target))] ^= seeded.randrange(1, 256)
        assert not whatsapp.verify(account, {NAME: claimed.decode("latin-1")}, bytes(body))


HELLO = {"hub.mode": "subscribe", "hub.verify_token": "let me in", "hub.challenge": "1158201444"}


async def test_the_handshake_answers_the_challenge(whatsapp: WhatsApp, account: Account) -> None:
    assert whatsapp.handshake(account, HELLO) == "1158201444"


@pytest.mark.parametrize(
    "change",
    [
        {"hub.verify_token": "let me in "},
        {"hub.verify_token": ""},
        {"hub.verify_token": "впустите"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": ""},
        {"hub.challenge": ""},
    ],
)
async def test_a_wrong_handshake_gets_nothing(
    whatsapp: WhatsApp, account: Account, change: dict[str, str]
) -> None:
    assert whatsapp.handshake(account, {**HELLO, **change}) is None
    assert whatsapp.handshake(account, {}) is None
