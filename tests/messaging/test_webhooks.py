"""Answered 200 means committed; everything else is refused clearly and leaves no row."""

import asyncio
import json

import pytest

from core.postgres import Database
from messaging.accounts import put_account
from messaging.content import ContentType
from messaging.delivery import Status
from messaging.webhooks import MAX_BODY
from tests.fakes import cloud_api
from tests.locks import until_waited_for
from tests.messaging.conftest import draft
from tests.messaging.posts import PATH, SECRET, post, rows_of, sending, standing, status, text


async def test_a_message_is_committed_before_it_is_answered(client, house):
    answer = await post(client, cloud_api.webhook(messages=[text("Where is my order?")]))
    assert answer.status == 200
    assert await house.value("SELECT count(*) FROM messaging.inbox WHERE kind = 'message'") == 1
    assert await house.work("inbound") == 1
    (received,) = house.received
    assert received.content.type is ContentType.TEXT
    assert received.content.text == "Where is my order?"
    until = await house.value("SELECT window_until - last_inbound_at FROM messaging.thread")
    assert until.total_seconds() == 24 * 3600


async def test_one_event_has_one_effect_however_often_it_comes(client, house):
    body = cloud_api.webhook(messages=[text("Hello"), text("Hello")])
    for _ in range(3):
        assert (await post(client, body)).status == 200
    await house.work("inbound")
    assert len(house.received) == 1
    assert await house.value("SELECT count(*) FROM messaging.message") == 1


async def test_concurrent_copies_have_one_effect_too(client, house):
    body = cloud_api.webhook(messages=[text("Hello")])
    answers = await asyncio.gather(*(post(client, body) for _ in range(40)))
    assert {answer.status for answer in answers} == {200}
    assert await house.work("inbound") == 1


async def test_each_message_gets_one_job_about_it_also_beside_a_report(client, house):
    """Messages alone are written another way than messages with reports."""
    report = {"id": "wamid.X", "status": "sent", "timestamp": "1763769600"}
    report["recipient_id"] = "79005550101"
    bodies = [
        cloud_api.webhook(messages=[text("1", 1)]),
        cloud_api.webhook(messages=[text("1", 1), text("2", 2)], statuses=[report]),
        cloud_api.webhook(messages=[text("2", 2), text("3", 3)]),
    ]
    for body in bodies:
        assert (await post(client, body)).status == 200
    jobs = await house.rows(
        "SELECT i.inbox_id, j.payload, j.band, j.state FROM core.job AS j"
        "  FULL JOIN messaging.inbox AS i ON i.inbox_id = j.job_id"
        " WHERE j.job_id IS NULL OR j.kind = 'messaging.receive'"
    )
    assert len(jobs) == 3
    for job in jobs:
        assert (job["band"], job["state"]) == ("inbound", "ready")
        assert job["payload"] == {"inbox_id": str(job["inbox_id"])}
    await house.work("inbound")
    assert [each.content.text for each in house.received] == ["1", "2", "3"]


async def test_a_persons_messages_are_worked_off_in_order(client, house):
    for number in range(1, 6):
        body = cloud_api.webhook(messages=[text(str(number), number)])
        assert (await post(client, body)).status == 200
    lanes = await house.rows("SELECT DISTINCT lane FROM core.job WHERE kind = 'messaging.receive'")
    assert len(lanes) == 1
    assert "79005550101" not in lanes[0]["lane"]
    await house.work("inbound")
    assert [each.content.text for each in house.received] == ["1", "2", "3", "4", "5"]


async def test_a_message_waits_for_the_same_customers_earlier_one(client, house):
    """Another hand is free, but would be done first; another customer's message goes its way."""

    def send(words: str, number: int, sender: str = "79005550101"):
        body = cloud_api.webhook(messages=[text(words, number, sender)])
        return asyncio.ensure_future(post(client, body))

    key = (house.workspace_id, house.account.id, "m:wamid.IN1")
    async with house.database.workspace(house.workspace_id) as tx:
        # Whoever writes this key waits until this transaction ends.
        await tx.execute(
            "INSERT INTO messaging.seen (workspace_id, account_id, event_key) VALUES ($1, $2, $3)",
            *key,
        )
        first = send("first", 1)
        await until_waited_for(tx)
        second = send("second", 2)
        others = [send("x", number, f"7900{number:07}") for number in range(3, 33)]
        done, _ = await asyncio.wait(others, timeout=10)
        assert len(done) == len(others)
        assert not first.done()
        assert not second.done()
        await tx.execute(
            "DELETE FROM messaging.seen"
            " WHERE workspace_id = $1 AND account_id = $2 AND event_key = $3",
            *key,
        )
    assert {each.status for each in await asyncio.gather(first, second, *others)} == {200}
    await house.work("inbound")
    words = [each.content.text for each in house.received]
    assert words.index("first") < words.index("second")


@pytest.mark.parametrize("flip", [0, 40, -1])
async def test_a_wrong_signature_is_401_and_leaves_no_row(client, house, flip):
    body = bytearray(cloud_api.webhook(messages=[text("Hello")]))
    signature = cloud_api.signature(SECRET, bytes(body))
    body[flip] ^= 1
    answer = await post(client, bytes(body), signature=signature)
    assert answer.status == 401
    assert (await answer.json())["code"] == "signature_wrong"
    assert await rows_of(house) == 0


async def test_no_signature_is_401(client, house):
    answer = await client.post(PATH, data=cloud_api.webhook(messages=[text("Hello")]))
    assert answer.status == 401
    assert await rows_of(house) == 0


@pytest.mark.parametrize(
    "path", ["/webhooks/nobody/whatsapp", "/webhooks/demo/nothing", "/webhooks/%00/whatsapp"]
)
async def test_an_unknown_address_is_404(client, house, path):
    for answer in (await post(client, b"{}", path=path), await client.get(path)):
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
    assert await rows_of(house) == 0


async def test_three_megabytes_pass_and_more_than_four_are_413(client, house):
    large = cloud_api.webhook(messages=[text("x" * (3 << 20))])
    assert len(large) > 3 << 20
    assert (await post(client, large)).status == 200
    refused = await post(client, large.ljust(MAX_BODY + 1))
    assert refused.status == 413
    assert await house.value("SELECT count(*) FROM messaging.inbox") == 1


async def test_a_signed_body_that_nobody_can_read_is_kept_and_not_asked_for_again(client, house):
    for _ in range(2):
        assert (await post(client, b"\xff\x00 not json")).status == 200
    (kept,) = await house.rows("SELECT kind, raw, payload FROM messaging.inbox")
    assert (kept["kind"], kept["raw"], kept["payload"]) == ("unparsed", b"\xff\x00 not json", None)
    assert await house.work("inbound") == 0


async def test_what_is_neither_message_nor_status_is_kept(client, house):
    assert (await post(client, cloud_api.payload("template_paused"))).status == 200
    kinds = [row["kind"] for row in await house.rows("SELECT kind FROM messaging.inbox")]
    assert set(kinds) <= {"other"}


async def test_a_thousand_events_in_one_body(client, house):
    messages = [text(str(number), number, f"7900555{number:04}") for number in range(1000)]
    assert (await post(client, cloud_api.webhook(messages=messages))).status == 200
    assert await house.value("SELECT count(*) FROM messaging.inbox") == 1000


async def test_the_handshake(client):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "v3rify"}
    answer = await client.get(PATH, params=asked)
    assert (answer.status, await answer.text()) == (200, "1158201444")
    refused = await client.get(PATH, params={**asked, "hub.verify_token": "guess"})
    assert refused.status == 403


async def test_a_status_is_applied_by_the_webhook_itself(client, house, wake):
    opening = await sending(house)
    with wake.listening(f"message:{opening.message_id}") as signal:
        assert (await post(client, status(opening, "sent"))).status == 200
        assert await signal.wait(5)
    assert (await standing(house, opening)).status is Status.SENT


async def test_a_hundred_thousand_waiting_messages_do_not_delay_a_status(client, house):
    opening = await sending(house)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            """
            WITH waiting AS (
                INSERT INTO messaging.inbox (workspace_id, inbox_id, account_id, kind, event_key, payload)
                SELECT $1, gen_random_uuid(), $2, 'message', 'm:' || n, '{}'
                  FROM generate_series(1, 100000) AS n RETURNING inbox_id, event_key)
            INSERT INTO core.job (workspace_id, job_id, band, kind, lane, payload)
            SELECT $1, gen_random_uuid(), 'inbound', 'messaging.receive', event_key,
                   jsonb_build_object('inbox_id', inbox_id) FROM waiting
            """,
            house.workspace_id,
            house.account.id,
        )
    # No worker runs: what the webhook's own transaction does is all that happens.
    assert (await post(client, status(opening, "delivered"))).status == 200
    assert (await standing(house, opening)).status is Status.DELIVERED
    assert await house.value("SELECT count(*) FROM messaging.inbox WHERE processed_at IS NULL") == (
        100_000
    )


async def test_a_poison_message_is_buried_after_five_tries_and_the_others_flow(client, house):
    house.broken_by = "poison"
    words = [("poison", 1, "79005550101"), ("after it", 2, "79005550101"), ("hi", 3, "79005550102")]
    assert (
        await post(client, cloud_api.webhook(messages=[text(*each) for each in words]))
    ).status == 200
    tries = 0
    while await house.value("SELECT count(*) FROM core.job WHERE state = 'ready'") > 1:
        await house.hurry()
        tries += await house.work("inbound", limit=1)
        assert tries < 20
    (buried,) = await house.rows("SELECT attempt, payload FROM core.job WHERE state = 'buried'")
    assert buried["attempt"] == 5
    assert sorted(each.content.text or "" for each in house.received) == ["after it", "hi"]
    left = await house.rows("SELECT payload FROM messaging.inbox WHERE processed_at IS NULL")
    assert [row["payload"]["content"]["text"] for row in left] == ["poison"]
    assert await house.value("SELECT count(*) FROM messaging.message") == 2


async def test_a_report_moves_no_message_of_another_workspace(
    client, house, other_workspace_id, sealer
):
    async with house.database.workspace(other_workspace_id) as tx:
        await put_account(tx, sealer, draft(external_id=cloud_api.PHONE_NUMBER_ID))
    opening = await sending(house)
    answer = await post(client, status(opening, "delivered"), path="/webhooks/other/whatsapp")
    assert answer.status == 200
    assert (await standing(house, opening)).status is Status.SENDING


async def test_another_workspaces_account_is_not_ours(
    client, house, other_workspace_id, database: Database
):
    answer = await post(client, cloud_api.webhook(), path="/webhooks/other/whatsapp")
    assert answer.status == 404
    assert json.loads(await answer.text())["code"] == "account_unknown"
