"""The operators' addresses: lists and threads, and what is done to a conversation."""

from datetime import timedelta
from typing import Any

import pytest

from core.ids import new_id, public
from core.vocabulary import PhoneNumber
from handoff.conversation.lifecycle import State
from handoff.conversation.opening import open_callback
from handoff.routing.queues import QueueDraft, put_members, put_queue
from handoff.triage.flows import publish
from handoff.triage.reading import parse
from messaging.templates import TemplateDraft, TemplateState, put_template, set_state, template
from tests.handoff.conftest import FLOW

WORDS = "Good day"


@pytest.fixture
async def olga(desk):
    """An operator at her desk, taking work."""
    browser = await desk.signed_in("olga")
    connection = await browser.hello()
    await connection.receive_json()
    await browser.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    yield browser
    await connection.close()


@pytest.fixture
async def held(desk, olga):
    """What she has just accepted, as she sees it."""
    await desk.house.queued()
    (held_out,) = await desk.house.offered(olga.person_id)
    return await olga.post(f"/v1/reservations/{public('rs', held_out.reservation_id)}/accept")


def draft(held: Any, **more: Any) -> Any:
    said = {} if {"template", "media_id"} & more.keys() else {"text": WORDS}
    return {"client_id": str(new_id()), "epoch": held["epoch"], **said, **more}


def thread_of(held: Any) -> str:
    return f"/v1/conversations/{held['id']}/messages"


async def refused(browser: Any, path: str, body: Any) -> tuple[int, str]:
    status, told = await browser.ask("POST", path, body)
    return status, told["code"]


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
        stopped = await template(tx, house.account_id, "paused", "en")
        await set_state(tx, stopped, TemplateState.PAUSED)
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


async def test_a_conversation_from_reading_to_filing(olga, held, desk):
    house, path = desk.house, f"/v1/conversations/{held['id']}"
    assert held["unread"] > 0
    await olga.post(path + "/read", {"seq": held["last_seq"]}, expect=204)
    assert (await olga.get(path))["unread"] == 0
    assert (await olga.ask("POST", path + "/read", {"seq": -1}))[0] == 400
    await olga.post(path + "/typing", expect=204)
    closed = await olga.post(
        path + "/close", {"epoch": held["epoch"], "topic": "delivery", "topic_verdict": "right"}
    )
    assert (closed["state"], closed["topic"]) == ("wrapup", "delivery")
    assert await refused(olga, path + "/typing", {}) == (409, "not_yours")
    stale = {"epoch": held["epoch"]}
    assert await refused(olga, path + "/wrapup/end", stale) == (409, "stale_epoch")
    filed = await olga.post(path + "/wrapup/end", {"epoch": closed["epoch"]})
    assert (filed["state"], filed["closed_reason"]) == ("closed", "finished")
    (listed,) = (await olga.get("/v1/conversations?view=closed"))["items"]
    assert listed == filed
    assert (await olga.get("/v1/conversations?view=mine"))["items"] == []
    thread = (await olga.get(path + "/messages"))["items"]
    events = [one["event"]["code"] for one in thread if one["type"] == "event"]
    assert {"accepted", "closed"} <= set(events)
    last = thread[-1]
    assert (last["event"]["code"], last["author"]["name"]) == ("closed", "Olga")
    assert (await house.latest()).state == State.CLOSED


async def test_it_goes_to_a_queue_in_sight_and_to_no_other(olga, held, desk):
    house, path = desk.house, f"/v1/conversations/{held['id']}/transfer"
    async with house.database.workspace(house.workspace_id) as tx:
        second = await put_queue(tx, QueueDraft("second", "Second"))
        far = await put_queue(tx, QueueDraft("far", "Far away"))
        await put_members(tx, second, [olga.person_id])
    body = {"epoch": held["epoch"], "queue_id": public("qu", far), "reason": "knows better"}
    assert await refused(olga, path, body) == (404, "queue_unknown")
    moved = await olga.post(path, {**body, "queue_id": public("qu", second)})
    assert (moved["state"], moved["queue"]["title"]) == ("queued", "Second")
    assert moved["enqueued_at"] == held["enqueued_at"], "its age is kept"
    assert await refused(olga, path, body) == (404, "queue_unknown")


async def test_what_is_held_out_is_taken_once_or_left(olga, desk):
    house = desk.house
    boris = await desk.signed_in("boris")
    await house.queued()
    (held_out,) = await house.offered(olga.person_id)
    path = f"/v1/reservations/{public('rs', held_out.reservation_id)}"
    assert await refused(boris, path + "/accept", {}) == (404, "reservation_unknown")
    await olga.post(path + "/decline", {"reason": "busy"}, expect=204)
    assert await refused(olga, path + "/accept", {}) == (409, "reservation_gone")
    await olga.post(path + "/decline", expect=204)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"declared": "break", "reason": "lunch"}, 200),
        ({"declared": "asleep"}, 400),
        ({"declared": "busy", "reason": "x" * 201}, 400),
        ({}, 400),
    ],
)
async def test_presence_is_one_of_four_words(desk, body, status):
    olga = await desk.signed_in()
    answered, told = await olga.ask("PUT", "/v1/operators/me/presence", body)
    assert answered == status
    if status == 200:
        assert (told["declared"], told["reason"]) == ("break", "lunch")
        assert (await olga.get("/v1/session"))["presence"] == told


async def test_lists_page_without_skipping_or_doubling(desk):
    house = desk.house
    olga = await desk.signed_in()
    for number in range(7):
        await house.queued(await house.customer(f"+7916000000{number}"))
    for view in ("waiting", "open"):
        found: list[str] = []
        cursor = ""
        while True:
            page = await olga.get(f"/v1/conversations?view={view}&limit=3&cursor={cursor}")
            found += [one["id"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = page["next_cursor"]
        assert len(found) == len(set(found)) == 7
        oldest_first = sorted(found)
        assert found == (oldest_first if view == "waiting" else oldest_first[::-1])
    await house.owner.execute(
        "UPDATE handoff.conversation SET state = 'abandoned', closed_at = $1, closed_reason = 'x'",
        house.clock() + timedelta(seconds=1),
    )
    found = []
    page = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = await olga.get(f"/v1/conversations?view=closed&limit=2&cursor={page['next_cursor']}")
        found += [one["id"] for one in page["items"]]
    assert len(found) == len(set(found)) == 7


QUESTIONS = [
    ("limit=0", 200),
    ("limit=100000", 200),
    ("limit=many", 400),
    ("limit=-1", 400),
    ("view=all", 400),
    ("cursor=nonsense", 400),
    ("cursor=WyIyMDI2LTAxLTAxIiwgMV0", 400),
    ("cursor=" + "W" * 4000, 400),
    ("queue=qu_nonsense", 404),
    ("q=%00%25_", 400),
    ("q=%25_", 200),
]


async def test_questions_that_make_no_sense_are_told_so(desk):
    await desk.house.queued()
    olga = await desk.signed_in()
    for query, status in QUESTIONS:
        view = "" if "view" in query else "view=waiting&"
        answered, told = await olga.ask("GET", f"/v1/conversations?{view}{query}")
        assert answered == status, (query, told)
        assert status != 400 or told["errors"], query


async def test_a_search_finds_names_whole_numbers_and_last_words(desk):
    house = desk.house
    olga = await desk.signed_in()
    await house.queued()
    await house.owner.execute("UPDATE messaging.contact SET name = 'Anna 100%_Petrova'")
    await house.queued(await house.customer("+79160000001"))
    await house.wrote("where is my parcel?")

    async def found(words: str) -> int:
        async with olga.http.get(
            olga.url + "/v1/conversations", params={"view": "waiting", "q": words}
        ) as response:
            return len((await response.json())["items"])

    assert await found("petrova") == 1
    assert await found("100%_") == 1
    assert await found("1%0") == 0
    assert await found("PARCEL") == 1
    assert await found("+7 916 123-45-67") == 1
    assert await found("+7916123456") == 0, "a part of a number finds nobody"
    assert await found("nobody") == 0


async def test_a_transcript_is_read_from_either_end(olga, held, desk):
    for number in range(6):
        await desk.house.wrote(f"word {number}")
    path = thread_of(held)
    everything = await olga.get(path)
    seqs = [one["seq"] for one in everything["items"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert everything["has_more"] is False
    newest = await olga.get(path + "?limit=3")
    assert ([one["seq"] for one in newest["items"]], newest["has_more"]) == (seqs[-3:], True)
    before = await olga.get(f"{path}?limit=3&before_seq={seqs[-3]}")
    assert [one["seq"] for one in before["items"]] == seqs[-6:-3]
    after = await olga.get(f"{path}?limit=2&after_seq=2")
    assert ([one["seq"] for one in after["items"]], after["has_more"]) == ([3, 4], True)
    assert (await olga.get(f"{path}?after_seq={seqs[-1]}"))["items"] == []
    assert (await olga.get(f"{path}?before_seq=1"))["items"] == []
    assert (await olga.ask("GET", f"{path}?after_seq=one"))[0] == 400
    assert (await olga.ask("GET", f"{path}?after_seq=99999999999999"))[0] == 400


async def test_a_contact_shows_what_is_known_of_them(olga, held, desk):
    house = desk.house
    await house.owner.execute('UPDATE messaging.contact SET attributes = \'{"tariff": "gold"}\'')
    contact = await olga.get(f"/v1/contacts/{held['contact']['id']}")
    assert contact["attributes"] == {"tariff": "gold"}
    assert contact["addresses"] == [{"kind": "phone", "value": "+79…67"}]
    assert [one["id"] for one in contact["conversations"]] == [held["id"]]
    assert (contact["opted_out"], contact["tags"]) == (False, [])


async def test_names_are_told_in_words(olga, desk):
    house = desk.house
    assert await olga.get("/v1/titles") == {"titles": {}}
    for flow, titles, default in (
        ("support", "{en: {order_no: Order number, menu: Menu}}", True),
        ("other", "{en: {menu: Other menu}, ru: {menu: Меню}}", False),
    ):
        named = FLOW.replace("flow: support", f"flow: {flow}") + f"titles: {titles}\n"
        async with house.database.workspace(house.workspace_id) as tx:
            await publish(tx, parse(named), at=house.clock(), default=default)
    # Where two flows differ, the one that greets everybody is heard.
    assert (await olga.get("/v1/titles"))["titles"] == {
        "en": {"order_no": "Order number", "menu": "Menu"},
        "ru": {"menu": "Меню"},
    }


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
