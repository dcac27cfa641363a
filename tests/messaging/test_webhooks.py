"""Answered 200 means committed; everything else is refused clearly and leaves no row."""

import asyncio
import io
import json
from dataclasses import replace

import asyncpg
import pytest
from aiohttp import web

from core.access import Workspaces
from core.postgres import Database
from core.problems import traced
from messaging import openings
from messaging.accounts import put_account
from messaging.api import ENDPOINTS, LIBRARY, WEBHOOKS
from messaging.content import ContentType
from messaging.delivery import Status
from messaging.intake import HANDS, Intake
from messaging.openings import OpeningDraft
from messaging.webhooks import MAX_BODY, Webhooks
from tests.fakes import cloud_api
from tests.locks import until_waited_for
from tests.messaging.conftest import CALLER, OPENING, House, draft

PATH = "/webhooks/demo/whatsapp"
SECRET = "s3cret"


@pytest.fixture
async def client(house: House, aiohttp_client):
    app = web.Application(middlewares=[traced])
    app[WEBHOOKS] = Webhooks(
        Workspaces(house.database), house.accounts, house.channels, house.intake
    )
    app[LIBRARY] = house.library
    app.add_routes(endpoint.route for endpoint in ENDPOINTS)
    return await aiohttp_client(app)


async def post(client, body: bytes, *, path: str = PATH, signature: str | None = None):
    headers = {"X-Hub-Signature-256": signature or cloud_api.signature(SECRET, body)}
    return await client.post(path, data=io.BytesIO(body), headers=headers)


def text(words: str, number: int = 1, sender: str = "79005550101") -> dict[str, object]:
    return cloud_api.message("text", {"body": words}, id=f"wamid.IN{number}", **{"from": sender})


async def rows_of(house: House) -> int:
    tables = ("inbox", "seen", "message", "contact", "unmatched_status")
    counts = [await house.value(f"SELECT count(*) FROM messaging.{table}") for table in tables]
    jobs = "SELECT count(*) FROM core.job WHERE kind <> 'messaging.sweep'"
    return int(sum(counts) + await house.value(jobs))


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


async def sending(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        return await openings.prepare(tx, OpeningDraft(CALLER, house.account, OPENING))


def status(opening, word: str) -> bytes:
    return cloud_api.webhook(
        statuses=[
            {
                "id": "wamid.OUT1",
                "status": word,
                "timestamp": "1763769600",
                "recipient_id": "79161234567",
                "biz_opaque_callback_data": str(opening.message_id),
            }
        ]
    )


async def standing(house: House, opening):
    async with house.database.workspace(house.workspace_id) as tx:
        return await openings.state(tx, opening.message_id)


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


async def test_one_body_that_cannot_be_written_does_not_take_the_others_with_it(client, house):
    """The adapter cleans what it reads; a body that gets past it must still not harm a neighbour."""
    await house.rows("SELECT 1")
    async with house.database.workspace(house.workspace_id) as tx:
        first = await openings.prepare(tx, OpeningDraft(CALLER, house.account, OPENING))
        await tx.execute(
            "UPDATE messaging.message SET status = 'accepted', leased_until = NULL,"
            " provider_id = 'wamid.OUT1' WHERE message_id = $1",
            first.message_id,
        )
    other = await sending(house)
    # Two messages cannot have the same id at the provider: this report breaks its statement.
    bodies = [
        status(other, "sent"),
        *(cloud_api.webhook(messages=[text("fine", n)]) for n in range(5)),
    ]
    answers = await asyncio.gather(*(post(client, body) for body in bodies))
    assert [answer.status for answer in answers] == [200] * 6
    kinds = await house.rows("SELECT kind, count(*) FROM messaging.inbox GROUP BY kind ORDER BY 1")
    assert [tuple(row) for row in kinds] == [("message", 5), ("unparsed", 1)]


async def test_words_that_an_adapter_should_have_cleaned_take_no_hand_with_them(house):
    """More such requests than there are hands: each is kept for a person, and the next are written."""
    said = house.channels[house.account.kind].parse(
        house.account, cloud_api.webhook(messages=[text("fine", 1)])
    )
    [fine] = said
    odd = replace(fine, content=replace(fine.content, text="\ud800"))
    async with asyncio.timeout(10):
        for number in range(2 * HANDS):
            unclean = replace(odd, event_key=f"m:wamid.ODD{number}")
            await house.intake.take(house.account, [unclean], b"odd %d" % number)
        await house.intake.take(house.account, said, b"fine")
    kinds = await house.rows("SELECT kind, count(*) FROM messaging.inbox GROUP BY kind ORDER BY 1")
    assert [tuple(row) for row in kinds] == [("message", 1), ("unparsed", 2 * HANDS)]


async def test_a_report_that_lost_a_deadlock_is_sent_again_and_not_kept_unread(
    client, house, database_url
):
    opening = await sending(house)
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute(
            """
            CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE 'chosen' USING ERRCODE = 'deadlock_detected'; END $$;
            CREATE TRIGGER lose BEFORE INSERT ON messaging.delivery
               FOR EACH ROW EXECUTE FUNCTION lose()
            """
        )
        refused = await post(client, status(opening, "failed"))
        await owner.execute("DROP FUNCTION lose CASCADE")
    finally:
        await owner.close()
    assert refused.status == 503
    assert await house.value("SELECT count(*) FROM messaging.inbox") == 0
    assert (await post(client, status(opening, "failed"))).status == 200
    assert (await standing(house, opening)).failure is not None


async def test_a_database_that_goes_away_is_503_and_nothing_is_half_written(
    client, house, database_url
):
    body = cloud_api.webhook(messages=[text("Hello")])
    owner = await asyncpg.connect(database_url)
    try:
        async with owner.transaction():
            await owner.execute("LOCK TABLE messaging.seen IN ACCESS EXCLUSIVE MODE")
            posting = asyncio.ensure_future(post(client, body))
            while not await owner.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ):
                assert not posting.done()
            refused = await posting
    finally:
        await owner.close()
    assert refused.status == 503
    assert "Retry-After" in refused.headers
    assert await rows_of(house) == 0
    assert (await post(client, body)).status == 200
    assert await house.work("inbound") == 1


async def test_a_report_moves_no_message_of_another_workspace(
    client, house, other_workspace_id, sealer
):
    async with house.database.workspace(other_workspace_id) as tx:
        await put_account(tx, sealer, draft(external_id=cloud_api.PHONE_NUMBER_ID))
    opening = await sending(house)
    answer = await post(client, status(opening, "delivered"), path="/webhooks/other/whatsapp")
    assert answer.status == 200
    assert (await standing(house, opening)).status is Status.SENDING


async def test_a_full_line_is_refused_with_when_to_come_back(house, client):
    full = Intake(house.database, house.heard.events, house.pacing, waiting=0)
    client.app._state[WEBHOOKS] = Webhooks(
        Workspaces(house.database), house.accounts, house.channels, full
    )
    answer = await post(client, cloud_api.webhook(messages=[text("Hello")]))
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert await rows_of(house) == 0


async def test_many_requests_share_a_commit(client, house, monkeypatch):
    commits = 0
    whole = Intake._commit

    async def counted(self, workspace_id, group):
        nonlocal commits
        commits += 1
        await whole(self, workspace_id, group)

    monkeypatch.setattr(Intake, "_commit", counted)
    bodies = [cloud_api.webhook(messages=[text("x", n, f"7900{n:07}")]) for n in range(200)]
    answers = await asyncio.gather(*(post(client, body) for body in bodies))
    assert {answer.status for answer in answers} == {200}
    assert await house.value("SELECT count(*) FROM messaging.inbox") == 200
    assert commits < 150


async def test_what_waits_at_the_end_is_still_written(house):
    from messaging.intake import open_intake

    body = cloud_api.webhook(messages=[text("last words")])
    events = house.channels[house.account.kind].parse(house.account, body)
    async with open_intake(house.database, house.heard.events, house.pacing) as intake:
        taking = asyncio.ensure_future(intake.take(house.account, events, body))
        await asyncio.sleep(0)
    await taking
    assert await house.value("SELECT count(*) FROM messaging.inbox") == 1


async def test_another_workspaces_account_is_not_ours(
    client, house, other_workspace_id, database: Database
):
    answer = await post(client, cloud_api.webhook(), path="/webhooks/other/whatsapp")
    assert answer.status == 404
    assert json.loads(await answer.text())["code"] == "account_unknown"
