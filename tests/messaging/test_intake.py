"""Many webhooks share a commit, and what harms one of them harms no other."""

import asyncio
from dataclasses import replace

import asyncpg

from core.access import Workspaces
from messaging import openings
from messaging.api import WEBHOOKS
from messaging.intake import HANDS, Intake
from messaging.openings import OpeningDraft
from messaging.webhooks import Webhooks
from tests.fakes import cloud_api
from tests.messaging.conftest import CALLER, OPENING
from tests.messaging.posts import post, rows_of, sending, standing, status, text


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
