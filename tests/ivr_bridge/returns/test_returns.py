"""Back to the telephone with the kept place: asked, told to the dialler, called, once."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.access.issuing import KeyWish, issue
from core.clock import utc_now
from core.outgoing import EndpointDraft, put_endpoints
from ivr_bridge.returns.terms import Mode, ReturnTerms
from ivr_bridge.terms import LineTerms
from tests.fakes.crm import SECRET, Crm, crm
from tests.ivr_bridge.conftest import CALLER, LINE, House, Told
from tests.signed import signed

TERMS = ReturnTerms(webhook="dialler", promise_s=60, mode=Mode.AUTO, tries=2)
OPEN_CALLBACKS = (
    "SELECT count(*) FROM handoff.conversation WHERE kind = 'callback' AND closed_at IS NULL"
)


@pytest.fixture
async def dialler(house: House):
    """The company's dialler, told of returns because the line names it."""
    async with crm() as system:
        async with house.database.workspace(house.workspace_id) as tx:
            draft = EndpointDraft("dialler", system.url, [], SECRET, private=True)
            await put_endpoints(tx, house.sealer, [draft])
        await house.change_line(terms=LineTerms(return_to_voice=TERMS))
        yield system


async def says(house: House, **message: Any) -> None:
    """The customer writes or taps, and the bot is done with it."""
    await house.network.ask(
        "POST",
        "/sandbox/inbound",
        {"account": "100000000000001", "from": CALLER, "message": message},
    )
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    for _ in range(2):
        await house.work("inbound", hurry=True)


async def writes(house: House, text: str) -> None:
    await says(house, type="text", text={"body": text})


async def taps(house: House, choice: str) -> None:
    reply = {"type": "button_reply", "button_reply": {"id": choice, "title": "…"}}
    await says(house, type="interactive", interactive=reply)


async def waits_in_the_queue(house: House) -> str:
    """A caller moved to chat who waits for a person; there is no flow, so people get it at once."""
    told = await house.ivr.deflect(
        voice_wait_s=540, queue_position=31, intent="order_status", context={"order": "17"}
    )
    assert told.action == "hangup"
    await writes(house, "Где мой заказ?")
    assert await chat_state(house) == "queued"
    return str(told.json["deflection_id"])


async def chat_state(house: House) -> str:
    state: str = await house.value(
        "SELECT state FROM handoff.conversation WHERE kind = 'chat'"
        " ORDER BY conversation_id DESC LIMIT 1"
    )
    return state


async def asks(house: House, **wanted: Any) -> Told:
    return await house.ivr.post("/v1/calls/return", wanted)


async def waited(house: House, seconds: int) -> None:
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE handoff.conversation SET waiting_since = waiting_since - make_interval(secs => $1)",
            seconds,
        )


async def last_words(house: House) -> str:
    words: str = await house.value(
        "SELECT text FROM messaging.message WHERE direction = 'out' ORDER BY message_id DESC LIMIT 1"
    )
    return words


async def everything(house: House) -> None:
    """What is due now, as a worker does it."""
    for _ in range(3):
        await house.work("urgent", "normal", "outgoing", "send")


async def test_a_missed_promise_becomes_one_call_with_the_kept_place(house: House, dialler: Crm):
    await waits_in_the_queue(house)
    await waited(house, 30)
    await house.work("normal", hurry=True)
    assert await house.value("SELECT count(*) FROM ivr_bridge.voice_return") == 0
    await waited(house, 60)
    for _ in range(2):
        await house.work("normal", hurry=True)
    await everything(house)
    event = await dialler.hears("deflection.return_to_voice")
    data = event["data"]
    assert data["caller"] == CALLER
    assert data["asked_by"] == "promise"
    assert (data["voice_wait_s"], data["queue_position"]) == (540, 31)
    assert (data["intent"], data["context"]) == ("order_status", {"order": "17"})
    kept = datetime.fromisoformat(data["queued_at"])
    asked = datetime.fromisoformat(data["asked_at"])
    assert abs(asked - kept - timedelta(seconds=540)) < timedelta(seconds=1)
    assert await chat_state(house) == "closed"
    assert "место в очереди сохранено" in await last_words(house)
    assert await house.value(OPEN_CALLBACKS) == 1
    callback = (await house.rows("SELECT * FROM handoff.conversation WHERE kind = 'callback'"))[0]
    assert callback["enqueued_at"] == kept
    assert callback["card"]["return"]["state"] == "told"
    assert await house.value("SELECT state FROM ivr_bridge.voice_return") == "told"
    await house.work("normal", hurry=True)
    assert dialler.types() == ["deflection.return_to_voice"]


async def test_the_diallers_word_ends_the_call_back(house: House, dialler: Crm):
    deflection_id = await waits_in_the_queue(house)
    asked = await asks(house, deflection_id=deflection_id)
    assert asked.status == 200
    assert asked.json["state"] == "requested"
    again = await asks(house, line=LINE, call_id="call-1")
    assert again.json["return_id"] == asked.json["return_id"]
    await everything(house)
    for _ in range(2):
        told = await asks(house, return_id=asked.json["return_id"], state="called")
        assert told.json["state"] == "called"
    await everything(house)
    assert await house.value(OPEN_CALLBACKS) == 0
    changed = [each for each in dialler.taken if each["type"] == "deflection.return_changed"]
    assert [each["data"]["state"] for each in changed] == ["called"]
    after = await asks(house, return_id=asked.json["return_id"], state="called_off")
    assert after.json["state"] == "called"


async def test_the_event_returned_of_the_original_call_says_the_same(house: House, dialler: Crm):
    await waits_in_the_queue(house)
    await asks(house, line=LINE, call_id="call-1")
    told = await house.ivr.event("returned")
    assert told.json["accepted"] == 1
    await everything(house)
    assert await house.value("SELECT state FROM ivr_bridge.voice_return") == "called"
    assert await house.value(OPEN_CALLBACKS) == 0


async def test_nobody_picked_up_is_tried_again_until_it_is_enough(house: House, dialler: Crm):
    deflection_id = await waits_in_the_queue(house)
    return_id = (await asks(house, deflection_id=deflection_id)).json["return_id"]
    await asks(house, return_id=return_id, state="no_answer")
    await everything(house)
    row = (await house.rows("SELECT * FROM ivr_bridge.voice_return"))[0]
    assert (row["tries"], row["settled_at"]) == (1, None)
    assert row["next_try_at"] > row["requested_at"] + timedelta(seconds=800)
    await asks(house, return_id=return_id, state="no_answer")
    await everything(house)
    row = (await house.rows("SELECT * FROM ivr_bridge.voice_return"))[0]
    assert (row["state"], row["settled_reason"]) == ("called_off", "not_reached")
    assert await house.value(OPEN_CALLBACKS) == 0


async def test_what_the_customer_writes_does_not_take_the_promise_back(house: House, dialler: Crm):
    deflection_id = await waits_in_the_queue(house)
    await asks(house, deflection_id=deflection_id)
    await writes(house, "Жду звонка")
    await everything(house)
    assert await house.value(OPEN_CALLBACKS) == 1
    assert await house.value("SELECT settled_at FROM ivr_bridge.voice_return") is None


async def test_asked_first_the_customer_may_stay_or_be_called(house: House, dialler: Crm):
    ask = TERMS.model_copy(update={"mode": Mode.ASK})
    await house.change_line(terms=LineTerms(return_to_voice=ask))
    await waits_in_the_queue(house)
    await waited(house, 90)
    for _ in range(2):
        await house.work("normal", hurry=True)
    assert await house.value("SELECT count(*) FROM ivr_bridge.voice_return") == 0
    offers = await house.value(
        "SELECT count(*) FROM messaging.message WHERE text LIKE 'Операторы ещё заняты%'"
    )
    assert offers == 1
    await taps(house, "v:stay")
    await everything(house)
    assert await chat_state(house) == "queued"
    await taps(house, "v:call")
    await everything(house)
    assert await house.value("SELECT asked_by FROM ivr_bridge.voice_return") == "customer"
    assert await chat_state(house) == "closed"
    await taps(house, "v:stay")
    await everything(house)
    assert await house.value("SELECT settled_reason FROM ivr_bridge.voice_return") == (
        "customer_stays"
    )
    assert await chat_state(house) == "queued"
    assert await house.value(OPEN_CALLBACKS) == 0
    assert "не будем" in await last_words(house)


async def test_a_line_without_terms_and_a_foreign_key_are_refused(house: House):
    deflection_id = await waits_in_the_queue(house)
    refused = await asks(house, deflection_id=deflection_id)
    assert (refused.status, refused.json["code"]) == (409, "return_not_offered")
    for wanted in ({}, {"call_id": "call-1"}, {"return_id": "rt_x"}, {"state": "called"}):
        assert (await asks(house, **wanted)).status == 400
    nothing = await asks(house, line=LINE, call_id="another")
    assert (nothing.status, nothing.json["code"]) == (404, "return_unknown")
    house.ivr.key = "ib_a-key-that-nobody-issued"
    assert (await asks(house, deflection_id=deflection_id)).status == 401


async def test_a_dialler_may_sign_what_it_asks(house: House, dialler: Crm):
    deflection_id = await waits_in_the_queue(house)
    async with house.database.workspace(house.workspace_id) as tx:
        wish = KeyWish("dialler", ["ivr"], lines=["main"], signs=True)
        made = await issue(tx, house.sealer, wish)
    house.ivr.key, path = None, "/v1/calls/return"
    body = json.dumps({"deflection_id": deflection_id}).encode()
    headers = signed(made, utc_now().timestamp(), body=body, path=path)
    asked = await house.ivr.post(path, raw=body, **headers)
    assert (asked.status, asked.json["state"]) == (200, "requested")


async def test_who_calls_again_is_seen_at_the_desk_and_needs_no_call_back(
    house: House, dialler: Crm
):
    deflection_id = await waits_in_the_queue(house)
    await asks(house, deflection_id=deflection_id)
    told = await house.ivr.eligible("call-2")
    assert told.reason == "repeat_call"
    for call_id in ("call-2", "call-3"):
        await house.ivr.event("entered", call_id)
    await everything(house)
    card = await house.value("SELECT card FROM handoff.conversation WHERE kind = 'chat'")
    assert card["called_again"]["calls"] == 3
    assert await house.value("SELECT settled_reason FROM ivr_bridge.voice_return") == (
        "customer_called"
    )
    assert await house.value(OPEN_CALLBACKS) == 0
    changed = [each for each in dialler.taken if each["type"] == "deflection.return_changed"]
    assert [each["data"]["why"] for each in changed] == ["customer_called"]


async def test_a_repeat_call_is_told_once_a_call(house: House, dialler: Crm):
    async with house.database.workspace(house.workspace_id) as tx:
        draft = EndpointDraft(
            "dialler", dialler.url, ["deflection.repeat_call"], SECRET, private=True
        )
        await put_endpoints(tx, house.sealer, [draft])
    deflection_id = await waits_in_the_queue(house)
    for _ in range(2):
        await house.ivr.eligible("call-2")
        await house.ivr.event("entered", "call-2")
        await everything(house)
    (event,) = [each for each in dialler.taken if each["type"] == "deflection.repeat_call"]
    assert event["data"]["deflection_id"] == deflection_id
    assert (event["data"]["again_call_id"], event["data"]["calls"]) == ("call-2", 2)
    quiet = await house.value(
        "SELECT count(*) FROM handoff.entry WHERE event ->> 'code' = 'called_again'"
    )
    assert quiet == 1
