"""What an operator looks up: lists, a search, a transcript, a contact, the words for names."""

from datetime import timedelta

from handoff.triage.flows import publish
from handoff.triage.reading import parse
from tests.handoff.conftest import FLOW
from tests.handoff.desk.drafts import thread_of


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
