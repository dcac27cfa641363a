"""What an operator says in a thread: words, templates and files, once however often it is posted."""

from typing import Any

from core.ids import new_id, public
from core.vocabulary import PhoneNumber
from handoff.conversation.opening import open_callback
from messaging.templates import TemplateDraft, put_template
from tests.handoff.desk.drafts import WORDS, draft, refused, thread_of


async def test_a_message_is_said_once_however_often_it_is_posted(olga, held, desk):
    said = draft(held, text="  Good day \n")
    first = await olga.post(thread_of(held), said, expect=201)
    assert first["text"] == WORDS
    assert first["author"] == {"kind": "operator", "id": olga.id, "name": "Olga"}
    assert (first["delivery"]["state"], first["client_id"]) == ("queued", said["client_id"])
    assert await olga.post(thread_of(held), said, expect=201) == first
    # Even what could not be said any more is answered as it was said.
    await desk.house.owner.execute(
        "UPDATE messaging.thread SET window_until = now() - interval '1 s'"
    )
    await olga.post(f"/v1/conversations/{held['id']}/close", {"epoch": held["epoch"]})
    assert await olga.post(thread_of(held), said, expect=201) == first
    jobs = await desk.house.owner.fetchval("SELECT count(*) FROM core.job WHERE lane LIKE 'out:%'")
    operators = await desk.house.owner.fetchval(
        "SELECT count(*) FROM messaging.message WHERE author_kind = 'operator'"
    )
    assert operators == 1
    assert jobs >= 1


async def test_refusals_say_why(olga, held, desk):
    path = thread_of(held)
    assert await refused(olga, path, draft(held, epoch=99)) == (409, "stale_epoch")
    boris = await desk.signed_in("boris")
    assert await refused(boris, path, draft(held)) == (409, "not_yours")
    await desk.house.owner.execute(
        "UPDATE messaging.thread SET window_until = now() - interval '1 s'"
    )
    assert await refused(olga, path, draft(held)) == (409, "window_closed")
    await desk.house.owner.execute(
        "UPDATE messaging.thread SET window_until = now() + interval '1 h',"
        " last_inbound_at = now() - interval '1 h'"
    )
    await desk.house.owner.execute(
        "INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason)"
        " VALUES ($1, $2, 'whatsapp', 'asked')",
        desk.house.workspace_id,
        desk.house.contact_id,
    )
    assert await refused(olga, path, draft(held)) == (409, "opted_out")
    assert await refused(olga, path, draft(held, text="x" * 4097)) == (400, "invalid_request")


MISFITS: list[tuple[Any, str]] = [
    ({"text": "x" * 4097}, "text"),
    ({"text": "x" * 70_000}, "text"),
    ({"text": " \n "}, ""),
    ({"text": "a\0b"}, ""),
    ({"text": None}, ""),
    ({"epoch": 0}, "epoch"),
    ({"epoch": "one"}, "epoch"),
    ({"epoch": 2**40}, "epoch"),
    ({"client_id": ""}, "client_id"),
    ({"template": {"name": "x", "language": "ru"}, "text": "x"}, ""),
    ({"template": {"name": "x"}}, "template.language"),
    ({"colour": "red"}, "colour"),
]


async def test_a_draft_that_does_not_fit_is_told_where(olga, held):
    for more, where in MISFITS:
        status, told = await olga.ask("POST", thread_of(held), draft(held, **more))
        if len(str(more)) > 64 * 1024:
            assert status == 413, more
            continue
        assert (status, told["code"]) == (400, "invalid_request"), more
        assert where in {error["path"] for error in told["errors"]}, (more, told)


async def test_a_template_goes_outside_the_window_with_all_its_values(olga, held, desk):
    house = desk.house
    async with house.database.workspace(house.workspace_id) as tx:
        for name in ("back", "paused"):
            await put_template(
                tx,
                TemplateDraft(
                    house.account_id, name, "en", "Hello {{1}}, we are back.", parameters=["1"]
                ),
            )
    await house.owner.execute(
        "UPDATE messaging.template SET state = 'paused' WHERE name = 'paused'"
    )
    await house.owner.execute("UPDATE messaging.thread SET window_until = now() - interval '1 s'")
    for channel in ("whatsapp", None):
        listed = await olga.get("/v1/templates" + (f"?channel={channel}" if channel else ""))
        assert listed == [
            {
                "name": "back",
                "language": "en",
                "body": "Hello {{1}}, we are back.",
                "parameters": ["1"],
                "channel": "whatsapp",
            }
        ]
    assert await olga.get("/v1/templates?channel=telegram") == []
    path = thread_of(held)
    back = {"name": "back", "language": "en", "parameters": ["Anna"]}
    for wrong in (
        {**back, "name": "paused"},
        {**back, "parameters": []},
        {**back, "parameters": [" "]},
    ):
        assert await refused(olga, path, draft(held, template=wrong)) == (400, "invalid_request")
    missing = draft(held, template={**back, "name": "none"})
    assert await refused(olga, path, missing) == (404, "template_unknown")
    sent = await olga.post(path, draft(held, template=back), expect=201)
    assert (sent["type"], sent["text"]) == ("template", "Hello Anna, we are back.")


async def upload(
    house: Any, mime: str = "image/png", size: int = 10, origin: str = "upload"
) -> str:
    media_id = new_id()
    await house.owner.execute(
        "INSERT INTO messaging.media (workspace_id, media_id, origin, state, mime, name, size, sha256,"
        " stored_as, account_id, provider_media_id)"
        " VALUES ($1, $2, $3, 'ready', $4, 'file', $5, '\\x00', 'x', $6, $7)",
        house.workspace_id,
        media_id,
        origin,
        mime,
        size,
        house.account_id if origin == "customer" else None,
        "m" if origin == "customer" else None,
    )
    return public("md", media_id)


async def test_a_file_goes_with_words_under_it_if_the_channel_can_carry_it(olga, held, desk):
    house = desk.house
    path = thread_of(held)
    picture = await upload(house)
    sent = await olga.post(path, draft(held, media_id=picture, text="Look"), expect=201)
    assert (sent["type"], sent["text"], sent["media"]["id"]) == ("image", "Look", picture)
    assert (sent["media"]["state"], sent["media"]["url"]) == ("ready", f"/media/1-{picture}")
    paper = await upload(house, "application/pdf")
    sent = await olga.post(path, draft(held, media_id=paper), expect=201)
    assert (sent["type"], sent["text"]) == ("document", None)
    huge = await upload(house, size=10**9)
    theirs = await upload(house, origin="customer")
    for media_id in (huge, theirs, public("md", new_id())):
        assert (await refused(olga, path, draft(held, media_id=media_id)))[0] == 400
    long = draft(held, media_id=picture, text="x" * 1025)
    assert (await refused(olga, path, long))[0] == 400
    assert (await refused(olga, path, draft(held, media_id="nonsense")))[0] == 404


async def test_a_failed_or_unknown_message_is_sent_anew_by_a_persons_decision(olga, held, desk):
    owner = desk.house.owner
    sent = await olga.post(thread_of(held), draft(held), expect=201)
    path = f"{thread_of(held)}/{sent['id']}/retry"
    again = {"client_id": "again", "epoch": held["epoch"]}
    assert await refused(olga, path, again) == (409, "not_retryable")
    await owner.execute(
        "UPDATE messaging.message SET failed_at = now(), failed_class = 'transient',"
        " failed_code = '130429', changed_xid = pg_current_xact_id() WHERE author_kind = 'operator'"
    )
    (failed,) = (await olga.get(thread_of(held) + f"?after_seq={sent['seq'] - 1}"))["items"]
    assert failed["delivery"]["failed"]["code"] == "transient"
    assert failed["delivery"]["failed"]["text"]
    anew = await olga.post(path, again, expect=201)
    assert (anew["text"], anew["seq"]) == (WORDS, sent["seq"] + 1)
    assert anew["id"] != sent["id"]
    assert await olga.post(path, again, expect=201) == anew
    # Delivered after all: the failure no longer counts.
    await owner.execute(
        "UPDATE messaging.message SET status = 'delivered', provider_id = 'wamid.1'"
        " WHERE failed_at IS NOT NULL"
    )
    assert await refused(olga, path, {**again, "client_id": "third"}) == (409, "not_retryable")
    (delivered,) = (await olga.get(thread_of(held) + f"?before_seq={anew['seq']}&limit=1"))["items"]
    assert delivered["delivery"]["failed"] is None
    first = (await olga.get(thread_of(held)))["items"][0]
    missing = f"{thread_of(held)}/{first['id']}/retry"
    assert (await refused(olga, missing, {**again, "client_id": "no"}))[0] in {404, 409}


async def test_a_call_back_has_no_messenger(desk, olga):
    house = desk.house
    async with house.database.workspace(house.workspace_id) as tx:
        await open_callback(
            tx,
            contact_id=house.contact_id,
            phone=PhoneNumber("+79161234567"),
            queue="support",
            card={"call_id": "c", "at": "2026-01-01T00:00:00+00:00"},
            origin=None,
            reason="rescue",
            language="en",
            at=house.clock(),
        )
    await house.timeline.settle()
    (held_out,) = await house.offered(olga.person_id)
    held = await olga.post(f"/v1/reservations/{public('rs', held_out.reservation_id)}/accept")
    assert (held["kind"], held["channel"]["kind"]) == ("callback", "voice")
    assert held["call"]["at"] == "2026-01-01T00:00:00.000Z"
    assert await refused(olga, thread_of(held), draft(held)) == (409, "wrong_state")
