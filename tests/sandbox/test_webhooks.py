import json

import pytest

from sandbox.client import SandboxClient
from sandbox.postman import sign
from tests.sandbox.conftest import ACCOUNT, CALLER, SECRET, Cloud, account, opening
from tests.sandbox.receiver import Receiver, signature

HELLO = {"type": "text", "text": {"body": "Привет 👋"}}


def test_the_signature_is_over_the_bytes() -> None:
    body = '{"a":"Привет"}'.encode()
    assert f"sha256={sign(SECRET, body)}" == signature(SECRET, body)


async def test_the_handshake_is_done_on_demand(sandbox: SandboxClient, ear: Receiver) -> None:
    assert (await sandbox.verify(ACCOUNT))["ok"] is True
    ear.verify_token = "changed"
    answer = await sandbox.verify(ACCOUNT)
    assert (answer["ok"], answer["status"]) == (False, 403)


async def test_updates_travel_together(sandbox: SandboxClient, ear: Receiver) -> None:
    await sandbox.pause()
    for _ in range(25):
        await sandbox.inbound(ACCOUNT, CALLER, HELLO)
    assert (await sandbox.webhooks())["undelivered"] == 25
    assert ear.posts == []
    await sandbox.resume()
    await ear.until(lambda heard: len(heard.messages) == 25)
    assert len(ear.posts) == 1
    assert len({message["id"] for message in ear.messages}) == 25
    assert all(given == signature(SECRET, body) for body, given in ear.posts)
    body = json.loads(ear.posts[0][0])
    assert body["object"] == "whatsapp_business_account"
    assert body["entry"][0]["id"] == "900800700"
    assert {change["field"] for change in body["entry"][0]["changes"]} == {"messages"}


async def test_no_post_carries_more_than_the_bound(sandbox: SandboxClient, ear: Receiver) -> None:
    await sandbox.register(account(ear, batch_max=10))
    await sandbox.pause()
    await sandbox.inbound(ACCOUNT, CALLER, HELLO, copies=1000)
    await sandbox.resume()
    await ear.until(lambda heard: len(heard.messages) == 1000)
    sizes = [len(json.loads(body)["entry"][0]["changes"]) for body, _ in ear.posts]
    assert sizes == [10] * 100
    assert len({message["id"] for message in ear.messages}) == 1


async def test_a_refused_post_comes_again_with_the_same_bytes(
    sandbox: SandboxClient, ear: Receiver
) -> None:
    ear.verdicts = [500, 503]
    await sandbox.inbound(ACCOUNT, CALLER, HELLO)
    await ear.until(lambda heard: len(heard.posts) == 2)
    await sandbox.advance(1)
    await ear.until(lambda heard: len(heard.posts) == 3)
    assert len(set(ear.posts)) == 1
    assert await sandbox.flush() == 0
    state = await sandbox.webhooks()
    assert (state["attempts"], state["delivered"], state["abandoned"]) == (3, 1, 0)
    assert state["last_error"] == "HTTP 503"


async def test_retries_grow_rarer(sandbox: SandboxClient, ear: Receiver) -> None:
    ear.verdicts = [500] * 50
    await sandbox.inbound(ACCOUNT, CALLER, HELLO)
    for tries, pause in ((2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 30), (8, 30)):
        await ear.until(lambda heard, tries=tries: len(heard.posts) == tries)  # type: ignore[misc]
        await sandbox.advance(pause - 0.5)
        assert (await sandbox.webhooks())["undelivered"] == 1
        assert len(ear.posts) == tries
        await sandbox.advance(0.5)


async def test_bounded_attempts_end_in_a_count_not_in_silence(
    sandbox: SandboxClient, ear: Receiver
) -> None:
    await sandbox.register(account(ear, webhook_attempts=2))
    ear.verdicts = [500, 500]
    await sandbox.inbound(ACCOUNT, CALLER, HELLO)
    await ear.until(lambda heard: len(heard.posts) == 2)
    assert await sandbox.flush() == 0
    state = await sandbox.webhooks()
    assert (state["abandoned"], state["delivered"]) == (1, 0)


async def test_an_unreachable_product_loses_nothing(sandbox: SandboxClient, ear: Receiver) -> None:
    real = ear.url
    ear.url = "http://127.0.0.1:9/webhooks"
    await sandbox.register(account(ear))
    await sandbox.inbound(ACCOUNT, CALLER, HELLO)
    assert (await sandbox.webhooks())["undelivered"] == 1
    ear.url = real
    await sandbox.register(account(ear))
    assert await sandbox.flush() == 0
    await ear.until(lambda heard: bool(heard.messages))


INBOUND = [
    {"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "sha256": "x"}},
    {"type": "location", "location": {"latitude": 1.0, "longitude": 2.0}},
    {"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}},
    {"type": "order", "order": {"catalog_id": "c", "product_items": []}},
    {"type": "unsupported", "errors": [{"code": 131051, "title": "Unsupported"}]},
]


@pytest.mark.parametrize("message", INBOUND)
async def test_a_customer_may_send_anything(
    sandbox: SandboxClient, ear: Receiver, message: dict[str, object]
) -> None:
    wamid = await sandbox.inbound(ACCOUNT, "8 (900) 555-01-01".replace("8", "+7", 1), message)
    await ear.until(lambda heard: bool(heard.messages))
    got = ear.messages[0]
    assert (got["id"], got["from"], got["type"]) == (wamid, "79005550101", message["type"])
    assert got | message == got
    assert ear.values[0]["contacts"][0]["wa_id"] == "79005550101"


async def test_any_value_can_be_sent(sandbox: SandboxClient, ear: Receiver) -> None:
    await sandbox.event(ACCOUNT, {"errors": [{"code": 131000}], "contacts": []})
    await ear.until(lambda heard: bool(heard.values))
    assert ear.values[0]["errors"] == [{"code": 131000}]
    assert ear.values[0]["metadata"]["phone_number_id"] == ACCOUNT


async def test_duplicates_repeat_a_customers_messages_too(
    sandbox: SandboxClient, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "duplicates", copies=5)
    await sandbox.phone(CALLER).write(ACCOUNT, "Привет")
    await ear.until(lambda heard: len(heard.messages) == 5)
    assert len({message["id"] for message in ear.messages}) == 1


async def test_without_an_address_updates_are_counted_as_unrouted(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, webhook_url=None))
    await cloud.send(opening())
    await sandbox.advance(1)
    assert (await sandbox.webhooks())["unrouted"] == 2
