"""Every address × every role × another workspace's ids: what one may not know about is not there."""

from dataclasses import dataclass
from typing import Any

import pytest

from core.access.workspaces import Workspace, Workspaces, put_workspace
from core.http import Access
from core.ids import new_id, public
from core.vocabulary import PhoneNumber
from handoff.desk import api, live, sign_in
from handoff.routing.queues import QueueDraft, put_members, put_queue
from messaging import contacts, threads

DESK_ENDPOINTS = [*api.ENDPOINTS, *live.ENDPOINTS]
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/v1/operators/me/presence"): {"declared": "busy"},
    ("POST", "/v1/conversations/{id}/messages"): {"client_id": "x", "epoch": 1, "text": "x"},
    ("POST", "/v1/conversations/{id}/messages/{message_id}/retry"): {"client_id": "x", "epoch": 1},
    ("POST", "/v1/conversations/{id}/read"): {"seq": 1},
    ("POST", "/v1/conversations/{id}/close"): {"epoch": 1},
    ("POST", "/v1/conversations/{id}/wrapup/end"): {"epoch": 1},
    ("POST", "/v1/conversations/{id}/called"): {"epoch": 1, "answered": True},
    ("POST", "/v1/conversations/{id}/transfer"): {"epoch": 1, "queue_id": "{queue}"},
}
NAMED = [endpoint for endpoint in DESK_ENDPOINTS if "{id}" in endpoint.path]


@dataclass
class Things:
    """Ids to ask about."""

    conversation: str
    message: str
    contact: str
    reservation: str
    queue: str

    def path(self, template: str) -> str:
        kind = template.split("/")[2]
        own = {
            "conversations": self.conversation,
            "reservations": self.reservation,
            "contacts": self.contact,
        }
        return template.replace("{id}", own.get(kind, "")).replace("{message_id}", self.message)


def body_of(endpoint: Any, things: Things) -> Any:
    if endpoint.method == "GET":
        return None
    body = BODIES.get((endpoint.method, endpoint.path), {})
    return {name: things.queue if value == "{queue}" else value for name, value in body.items()}


def named(endpoint: Any) -> str:
    return f"{endpoint.method} {endpoint.path}"


async def things_of(house: Any) -> Things:
    """A conversation in the first workspace's queue, held out to nobody in sight."""
    conversation = await house.queued()
    row = await house.owner.fetchrow(
        "SELECT message_id FROM handoff.entry WHERE conversation_id = $1 AND message_id IS NOT NULL",
        conversation.conversation_id,
    )
    return Things(
        conversation=public("cv", conversation.conversation_id),
        message=public("ms", row["message_id"]),
        contact=public("ct", house.contact_id),
        reservation=public("rs", new_id()),
        queue=public("qu", house.queue_id),
    )


def test_the_matrix_covers_every_address_of_the_desk():
    assert {endpoint.access for endpoint in DESK_ENDPOINTS} == {Access.PERSON}
    assert {endpoint.right for endpoint in DESK_ENDPOINTS} == {"desk"}
    assert {(endpoint.method, endpoint.path) for endpoint in DESK_ENDPOINTS} >= BODIES.keys()
    assert len(NAMED) >= 12


@pytest.fixture
async def stranger(desk, database):
    """An operator of another workspace, which has a queue of its own."""
    workspace_id = await Workspaces(database).reserve_number("elsewhere")
    async with database.workspace(workspace_id) as tx:
        await put_workspace(
            tx, Workspace(workspace_id, "elsewhere", "Elsewhere", "UTC", ["en"], {})
        )
    person_id = await desk.person("stranger", roles=("admin",), workspace_id=workspace_id)
    async with database.workspace(workspace_id) as tx:
        queue_id = await put_queue(tx, QueueDraft("theirs", "Theirs"))
    await desk.house.operators.presence(workspace_id, person_id)
    async with database.workspace(workspace_id) as tx:
        await put_members(tx, queue_id, [person_id])
    return await desk.browser(person_id, "stranger")


async def ask_all(browser: Any, endpoints: Any, things: Things) -> dict[str, tuple[int, str]]:
    """Status and code of each address."""
    told = {}
    for endpoint in endpoints:
        path, body = things.path(endpoint.path), body_of(endpoint, things)
        status, answered = await browser.ask(endpoint.method, path, body)
        told[named(endpoint)] = (status, (answered or {}).get("code", "") if status > 399 else "")
    return told


async def test_nobody_without_a_session_and_no_manager_gets_in(desk):
    things = await things_of(desk.house)
    before = await everything(desk)
    manager = await desk.signed_in("mira", roles=("manager",), serves=False)
    told = await ask_all(manager, DESK_ENDPOINTS, things)
    assert told == {named(one): (403, "forbidden") for one in DESK_ENDPOINTS}
    manager.http.cookie_jar.clear()
    told = await ask_all(manager, DESK_ENDPOINTS, things)
    assert told == {named(one): (401, "unauthorized") for one in DESK_ENDPOINTS}
    assert await everything(desk) == before


async def test_another_workspaces_things_are_not_there_even_for_an_admin(desk, stranger):
    things = await things_of(desk.house)
    before = await everything(desk)
    told = await ask_all(stranger, NAMED, things)
    assert {one: status for one, (status, _) in told.items()} == {named(one): 404 for one in NAMED}
    assert await everything(desk) == before
    listed = await stranger.get("/v1/conversations?view=open")
    assert listed["items"] == []
    status, _ = await stranger.ask("GET", f"/v1/conversations?view=open&queue={things.queue}")
    assert status == 404


async def test_another_teams_things_are_not_there(desk):
    things = await things_of(desk.house)
    far = await desk.signed_in("far", serves=False)
    before = await everything(desk)
    told = await ask_all(far, NAMED, things)
    assert {one: status for one, (status, _) in told.items()} == {named(one): 404 for one in NAMED}
    assert await everything(desk) == before


async def test_a_colleague_sees_what_they_may_not_change(desk):
    things = await things_of(desk.house)
    olga = await desk.signed_in("olga")
    before = await everything(desk)
    told = await ask_all(olga, NAMED, things)
    # The reservation is nobody's; the rest is in no hands of hers.
    wanted = {
        named(one): {200} if one.method == "GET" else {404} if "reserv" in one.path else {409}
        for one in NAMED
    }
    wanted["POST /v1/conversations/{id}/messages/{message_id}/retry"] = {404, 409}
    assert {one: told[one] for one in wanted if told[one][0] not in wanted[one]} == {}
    assert await everything(desk) == before


async def test_an_id_that_is_none_names_nothing(desk):
    olga = await desk.signed_in("olga")
    for text in ("cv_", "1", "cv_" + "I" * 26, "rs_'--", "ct_" + "Z" * 26):
        told = await ask_all(olga, NAMED, Things(text, text, text, text, text))
        assert {one: status for one, (status, _) in told.items()} == {
            named(one): 404 for one in NAMED
        }


async def test_changes_come_from_our_own_pages_and_say_nothing_unknown(desk):
    olga = await desk.signed_in("olga")
    things = await things_of(desk.house)
    before = await everything(desk)
    for endpoint in [*api.ENDPOINTS, *sign_in.ENDPOINTS]:
        if endpoint.method == "GET":
            continue
        path, body = things.path(endpoint.path), body_of(endpoint, things)
        status, told = await olga.ask(
            endpoint.method, path, body, headers={"Origin": "https://evil.example"}
        )
        assert (status, told["code"]) == (403, "forbidden"), path
        if endpoint.accepts is not None and "reservations" not in path:
            status, told = await olga.ask(endpoint.method, path, {**body, "surprise": 1})
            assert status == 400, (path, told)
            assert "surprise" in {error["path"] for error in told["errors"]}, path
    assert await everything(desk) == before


async def test_numbers_are_whole_only_for_those_with_the_right(desk):
    house = desk.house
    card = {
        "call_id": "call-7",
        "caller": "+79161234567",
        "context": {"order": 77, "phone": "8 (916) 123-45-67", "list": ["+7 916 123 45 67"]},
    }
    await house.invited(card=card)
    await house.queued()
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE messaging.contact SET name = '+79161234567'")
    olga = await desk.signed_in("olga")
    lead = await desk.signed_in("lead", roles=("lead",))
    trusted = await desk.signed_in("trusted", rights=("see_phone",))
    digits = "9161234567"
    for browser, whole in ((olga, False), (lead, True), (trusted, True)):
        listed = await browser.get("/v1/conversations?view=waiting")
        (one,) = listed["items"]
        shown = [
            listed,
            await browser.get(f"/v1/conversations/{one['id']}"),
            await browser.get(f"/v1/contacts/{one['contact']['id']}"),
            await browser.get("/v1/conversations?view=waiting&q=%2B79161234567"),
        ]
        assert shown[3]["items"], "a whole number finds its contact for anybody who knows it"
        socket = await browser.hello()
        shown.append(await socket.receive_json())
        await house.wrote("still there?")
        while '"conversation"' not in (frame := await socket.receive_str()):
            pass
        shown.append(frame)
        await socket.close()
        for told in shown:
            text = "".join(letter for letter in str(told) if letter.isdigit() or letter == "…")
            assert (digits in text) is whole, told
        assert one["call"]["context"]["order"] == 77
        assert one["contact"]["phone"] == ("+79161234567" if whole else "+79…67")


async def test_a_lead_sees_all_queues_and_an_operator_their_own(desk):
    house = desk.house
    async with house.database.workspace(house.workspace_id) as tx:
        await put_queue(tx, QueueDraft("far", "Far away"))
        ref = await contacts.contact_for_phone(tx, PhoneNumber("+79165550000"))
        far_thread = await threads.thread_for(tx, ref.contact_id, house.account_id)
    await house.invited(far_thread, queue="far")
    await house.queued(far_thread)
    await house.queued()
    olga = await desk.signed_in("olga")
    lead = await desk.signed_in("lead", roles=("lead",), serves=False)
    for view in ("waiting", "open"):
        assert len((await olga.get(f"/v1/conversations?view={view}"))["items"]) == 1
        assert len((await lead.get(f"/v1/conversations?view={view}"))["items"]) == 2
    assert [one["name"] for one in await olga.get("/v1/queues")] == ["support"]
    assert [one["name"] for one in await lead.get("/v1/queues")] == ["far", "support"]
    far = (await lead.get("/v1/queues"))[0]["id"]
    status, told = await olga.ask("GET", f"/v1/conversations?view=waiting&queue={far}")
    assert (status, told["code"]) == (404, "queue_unknown")


async def everything(desk: Any) -> Any:
    """The rows that a request could have changed, as one value."""
    return await desk.house.owner.fetchval(
        "SELECT md5(string_agg(c::text, ';' ORDER BY c.conversation_id)) ||"
        " (SELECT count(*) FROM handoff.entry)::text ||"
        " (SELECT count(*) FROM messaging.message)::text FROM handoff.conversation AS c"
    )
