"""After the answer: rescues, late messages, callers who leave, write, or call again."""

import asyncio
from datetime import timedelta

import pytest

from core.clock import utc_now
from ivr_bridge.aftermath import TIDY
from tests.ivr_bridge.conftest import CALLER, House

RESCUES = "SELECT count(*) FROM ivr_bridge.rescue"
CALLBACKS = (
    "SELECT count(*) FROM handoff.conversation WHERE kind = 'callback' AND closed_at IS NULL"
)


async def hung_up_on_sent(house: House, **manner) -> None:
    """The network said `sent`; what it says later is up to the test."""
    await house.network.behave(CALLER, "offline", **manner)
    told = await house.ivr.deflect()
    assert told.action == "hangup"


async def status(house: House, status: str, code: int | None = None) -> None:
    """The network reports once more, and the report is committed."""
    told = {"to": CALLER, "status": status} | ({"code": code} if code else {})
    await house.network.ask("POST", "/sandbox/statuses", told)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})


async def test_a_failure_after_the_hang_up_rescues_at_once_and_once(house: House):
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    assert await house.value(RESCUES) == 1
    assert await house.value(CALLBACKS) == 1
    assert "rescued" in await house.facts()
    card = await house.value("SELECT card FROM handoff.conversation WHERE kind = 'callback'")
    assert card["rescue"]
    assert card["caller"] == CALLER
    await status(house, "failed", 131026)
    await house.work(hurry=True)
    assert await house.value(RESCUES) == 1


async def test_silence_is_looked_at_only_when_the_openings_time_is_over(house: House):
    await house.change_line(rescue_after_s=1000)
    await hung_up_on_sent(house)
    await house.work("urgent", hurry=True)
    assert await house.value(RESCUES) == 0
    assert (
        await house.value("SELECT count(*) FROM core.job WHERE kind = 'ivr_bridge.rescue_check'")
        == 1
    )
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.deflection SET rescue_after_s = 1")
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET decided_at = decided_at - interval '5 seconds'"
        )
    await house.work("urgent", hurry=True)
    assert await house.value(RESCUES) == 1


async def test_a_delivered_message_needs_no_rescue_even_when_it_also_failed(house: House):
    await hung_up_on_sent(house)
    await status(house, "delivered")
    await status(house, "failed", 131026)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET decided_at = decided_at - interval '2 hours'"
        )
    await house.work(hurry=True)
    assert await house.value(RESCUES) == 0


async def test_a_rescue_closes_by_itself_when_the_customer_writes(house: House):
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    assert await house.value(CALLBACKS) == 1
    message = {"type": "text", "text": {"body": "Здравствуйте"}}
    await house.network.ask(
        "POST",
        "/sandbox/inbound",
        {"account": "100000000000001", "from": CALLER, "message": message},
    )
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    await house.work("normal", "urgent")
    assert await house.value(CALLBACKS) == 0
    assert {"rescued", "engaged"} <= await house.facts()
    assert await house.value("SELECT closed_reason FROM ivr_bridge.rescue") == "customer_wrote"


@pytest.mark.parametrize("how", ["entered", "eligibility", "deflection"])
async def test_a_rescue_closes_by_itself_when_the_customer_calls(house: House, how: str):
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    await house.network.behave(CALLER, "reachable")
    if how == "entered":
        await house.ivr.event("entered", "call-2")
    elif how == "eligibility":
        await house.ivr.eligible("call-2")
    else:
        await house.ivr.deflect("call-2")
    await house.work("urgent")
    assert await house.value("SELECT closed_reason FROM ivr_bridge.rescue") == "customer_called"
    assert await house.value(CALLBACKS) == 0
    assert "repeat_call" in await house.facts()


async def test_a_message_that_arrives_after_continue_is_late_and_rescues_nobody(house: House):
    await house.network.behave(CALLER, "late", late_ms=60_000)
    told = await house.ivr.deflect(deadline_ms=1300)
    assert (told.action, told.reason) == ("continue", "deadline")
    await house.network.advance(120)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work(hurry=True)
    assert "late" in await house.facts()
    assert await house.value(RESCUES) == 0
    card = await house.value("SELECT card FROM handoff.conversation")
    assert card["outcome"] == "continue"


async def test_a_reply_that_is_lost_is_unknown_until_a_status_settles_it(house: House):
    await house.network.behave(CALLER, "breaks", sent_ms=3000, delivered_ms=3500)
    told = await house.ivr.deflect(deadline_ms=1300)
    assert told.action == "continue"
    assert await house.value("SELECT status FROM messaging.message") == "unknown"
    again = await house.ivr.deflect(attempt=2, deadline_ms=1300)
    assert again.action == "continue"
    assert await house.network.openings(CALLER) == 1
    await house.network.advance(10)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    assert await house.value("SELECT status FROM messaging.message") == "delivered"
    third = await house.ivr.deflect(attempt=3)
    assert (third.action, third.reason) == ("hangup", "already_delivered")
    assert third.json["prompt_key"] == "already_sent_goodbye"
    assert await house.network.openings(CALLER) == 1


async def test_a_caller_who_leaves_meanwhile_still_gets_the_opening_and_the_rescue(house: House):
    await house.network.behave(CALLER, "manual")
    deciding = asyncio.ensure_future(house.ivr.deflect(deadline_ms=1500))
    await house.network.wire(CALLER, kind="opening", wait_ms=3000)
    await house.ivr.event("ended")
    assert (await deciding).action == "continue"
    assert "caller_left" in await house.facts()
    assert await house.network.openings(CALLER) == 1
    await status(house, "failed", 131026)
    await house.work("urgent", hurry=True)
    assert await house.value(RESCUES) == 1


async def test_a_caller_who_was_answered_did_not_leave_whatever_the_pbx_s_clock_says(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    assert (await house.ivr.deflect()).action == "continue"
    behind = utc_now() - timedelta(minutes=5)
    for minute, event in enumerate(("entered", "queued", "answered", "ended")):
        await house.ivr.event(event, at=(behind + timedelta(minutes=minute)).isoformat())
    await house.work(hurry=True)
    assert "caller_left" not in await house.facts()
    assert await house.value(RESCUES) == 0


async def test_an_answer_told_late_calls_off_the_call_back_of_a_hang_up(house: House):
    await hung_up_on_sent(house)
    await status(house, "failed", 131026)
    await house.work("urgent")
    assert await house.value(CALLBACKS) == 1
    await house.ivr.event("answered", at=(utc_now() + timedelta(seconds=5)).isoformat())
    await house.work("urgent")
    assert await house.value(CALLBACKS) == 0
    assert await house.value("SELECT closed_reason FROM ivr_bridge.rescue") == "call_answered"


async def test_an_answer_told_late_calls_off_the_call_back_of_one_who_had_not_left(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    assert (await house.ivr.deflect()).action == "continue"
    behind = utc_now() - timedelta(minutes=5)
    await house.ivr.event("ended", at=(behind + timedelta(minutes=3)).isoformat())
    await house.work("urgent", hurry=True)
    assert await house.value(CALLBACKS) == 1
    await house.ivr.event("answered", at=behind.isoformat())
    await house.work("urgent")
    assert await house.value(CALLBACKS) == 0
    assert await house.value("SELECT closed_reason FROM ivr_bridge.rescue") == "call_answered"


async def test_an_answer_told_in_time_leaves_nobody_to_be_called_back(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    assert (await house.ivr.deflect()).action == "continue"
    behind = utc_now() - timedelta(minutes=5)
    await house.ivr.event("ended", at=(behind + timedelta(minutes=3)).isoformat())
    await house.ivr.event("answered", at=behind.isoformat())
    await house.work("urgent", hurry=True)
    assert "caller_left" in await house.facts(), "facts are never taken back"
    assert await house.value(RESCUES) == 0


async def test_a_caller_who_was_told_to_stay_and_gives_up_is_not_called_back(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    assert (await house.ivr.deflect()).action == "continue"
    await house.ivr.event("ended", at="2099-01-01T00:00:00Z")
    await house.work(hurry=True)
    assert await house.value(RESCUES) == 0


async def test_an_attempt_whose_process_died_is_settled_as_continue(house: House):
    await house.network.behave(CALLER, "manual")
    told = await house.ivr.deflect(deadline_ms=1300)
    async with house.database.workspace(house.workspace_id) as tx:
        # As a process leaves it that was killed between the commit and the POST.
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET outcome = 'pending', reason = NULL, proof = NULL,"
            " decided_at = NULL, decided_by = NULL, pending_until = now() - interval '5 seconds'"
        )
        await tx.execute(
            "UPDATE messaging.message SET status = 'sending', leased_until = now() - interval '1 second'"
        )
    await house.work("normal", hurry=True)
    row = (await house.rows("SELECT * FROM ivr_bridge.deflection"))[0]
    assert (row["outcome"], row["reason"], row["decided_by"]) == ("continue", "deadline", "sweep")
    assert await house.value("SELECT status FROM messaging.message") == "unknown"
    again = await house.ivr.deflect(deadline_ms=1300)
    assert again.json["deflection_id"] == told.json["deflection_id"]
    assert again.action == "continue"
    assert await house.value("SELECT count(*) FROM core.job WHERE kind = $1", TIDY) == 1


async def test_whoever_meets_an_expired_attempt_settles_it_even_if_the_message_arrived(
    house: House,
):
    await house.network.behave(CALLER, "manual")
    await house.ivr.deflect(deadline_ms=1300)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET outcome = 'pending', reason = NULL, proof = NULL,"
            " decided_at = NULL, decided_by = NULL, pending_until = now() - interval '5 seconds'"
        )
    await status(house, "delivered")
    told = await house.ivr.deflect()
    assert (told.action, told.reason) == ("continue", "deadline")
    assert "late" in await house.facts()


async def test_pace_is_learnt_and_what_is_too_slow_is_not_sent(house: House):
    await house.change_line(grace_ms=0)
    for number in range(6):
        await house.ivr.deflect(f"call-{number}", f"+7900555020{number}")
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.delivery SET recorded_at = recorded_at + interval '4 seconds'"
            " WHERE status IN ('sent', 'delivered')"
        )
    await house.work("normal", hurry=True)
    assert await house.value("SELECT sent_ms FROM ivr_bridge.account_pace") > 3900
    for remembered in house.fresh:
        remembered.clear()
    told = await house.ivr.deflect("call-9", "+79005550209")
    assert (told.action, told.reason) == ("continue", "deadline_short")
    assert await house.network.openings("+79005550209") == 0
    # No offer is made that could not be kept, and the page that tries a call out says so too.
    slow = await house.value("SELECT sent_ms FROM ivr_bridge.account_pace")
    for dry_run in (False, True):
        for ask, call_id in ((house.ivr.eligible, "call-11"), (house.ivr.deflect, "call-12")):
            asked = await ask(call_id, "+79005550211", dry_run=dry_run)
            assert (asked.action, asked.reason) == ("continue", "deadline_short")
            if dry_run:
                (entry,) = [each for each in asked.json["trace"] if each["rule"] == "time_enough"]
                assert entry["saw"] == "refused"
                assert 2000 < entry["found"]["left_ms"] <= 2500
                assert entry["wanted"] == {"needed_ms": slow + 150}
    for patient in ({"deadline_ms": 8000}, {"can_poll": True}):
        offered = await house.ivr.eligible("call-13", "+79005550213", **patient)
        assert (offered.action, offered.reason) == ("offer", "ok")
    wanted = {"call_id": "call-14", "caller": "+79005550214", "line": "main"}
    spoken = await house.ivr.post("/v1/eligibility?format=twiml", wanted)
    assert b"<Gather" in spoken.body
    # Experience that says a number is there makes the quiet dispensable, not the provider faster.
    longer = await house.ivr.deflect("call-10", "+79005550210", deadline_ms=8000)
    assert longer.action == "hangup"


@pytest.mark.parametrize("calls", [3, 6, 12])
async def test_one_opening_that_nobody_reports_stops_no_other_caller(house: House, calls: int):
    await house.change_line(grace_ms=0)
    await house.network.behave(CALLER, "silent")
    await house.ivr.deflect("call-s", deadline_ms=1300)
    for number in range(calls):
        await house.ivr.deflect(f"call-{number}", f"+790055502{number:02d}")
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.delivery SET recorded_at = recorded_at - interval '1 minute'"
        )
    await house.work("normal", hurry=True)
    for remembered in house.fresh:
        remembered.clear()
    told = await house.ivr.deflect("call-x", "+79005550299")
    assert (told.action, told.reason) == ("hangup", "ok")


async def test_an_account_that_takes_everything_and_says_nothing_is_down(house: House):
    await house.change_line(grace_ms=0)
    numbers = [f"+790055503{number:02d}" for number in range(20)]
    for number in numbers:
        await house.network.behave(number, "silent")
    await asyncio.gather(
        *(house.ivr.deflect(f"call-{number}", number, deadline_ms=3000) for number in numbers)
    )
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.delivery SET recorded_at = recorded_at - interval '10 seconds'"
        )
    await house.work("normal", hurry=True)
    for remembered in house.fresh:
        remembered.clear()
    told = await house.ivr.eligible("call-x", "+79005550399")
    assert (told.action, told.reason) == ("continue", "channel_down")


async def test_an_account_that_refuses_every_number_is_not_silent(house: House):
    numbers = [f"+790055504{number:02d}" for number in range(20)]
    for number in numbers:
        await house.network.behave(number, "refused")
    told = await asyncio.gather(
        *(house.ivr.deflect(f"call-{number}", number, deadline_ms=8000) for number in numbers)
    )
    assert {each.reason for each in told} == {"not_on_channel"}
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.delivery SET recorded_at = recorded_at - interval '10 seconds'"
        )
    await house.work("normal", hurry=True)
    house.forget()
    told_next = await house.ivr.eligible("call-x", "+79005550499")
    assert (told_next.action, told_next.reason) == ("offer", "ok")


async def test_resuming_inside_the_window_costs_no_template(house: House):
    await house.ivr.deflect()
    message = {"type": "text", "text": {"body": "Где мой заказ?"}}
    await house.network.ask(
        "POST",
        "/sandbox/inbound",
        {"account": "100000000000001", "from": CALLER, "message": message},
    )
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    await house.change_line(repeat_call_s=0)
    told = await house.ivr.deflect("call-2", context={"order": "17"})
    assert (told.action, told.reason) == ("hangup", "resumed")
    sent = [
        each for each in await house.network.wire(CALLER) if each["kind"] in {"opening", "message"}
    ]
    assert sent[-1]["type"] == "interactive"
    assert await house.value("SELECT count(*) FROM handoff.conversation WHERE kind = 'chat'") == 1
    card = await house.value("SELECT card FROM handoff.conversation WHERE kind = 'chat'")
    assert (card["call_id"], card["context"]) == ("call-2", {"order": "17"})
    # The provider counts the 24 hours, too, and otherwise: from now on it is a template again.
    await house.network.behave(CALLER, "refused", code=131047)
    told = await house.ivr.deflect("call-3")
    assert (told.action, told.reason) == ("continue", "window_closed")
    await house.network.behave(CALLER, "reachable")
    told = await house.ivr.deflect("call-4")
    assert (told.action, told.reason) == ("hangup", "resumed")
    assert (await house.network.wire(CALLER))[-1]["type"] == "template"


@pytest.mark.parametrize("what", ["engaged", "contained", "handed_over", "closed", "not_me"])
async def test_what_becomes_of_the_chat_is_a_fact_about_the_call(house: House, what: str):
    told = await house.ivr.deflect()
    async with house.database.workspace(house.workspace_id) as tx:
        conversation = await tx.fetchrow(
            "SELECT conversation_id, contact_id, origin FROM handoff.conversation"
        )
        assert conversation is not None
        assert conversation["origin"] == told.deflection_id
        facts = {name: str(value) for name, value in conversation.items()}
        for _ in range(2):
            await house.means.events.publish(tx, f"conversation.{what}", {**facts, "at": None})
        unbidden = {**facts, "origin": None, "at": None}
        await house.means.events.publish(tx, f"conversation.{what}", unbidden)
    await house.work("normal")
    rows = await house.rows("SELECT fact, detail FROM ivr_bridge.fact")
    assert [row["fact"] for row in rows] == [what]
    assert rows[0]["detail"]["conversation_id"] == facts["conversation_id"]
    assert await house.value("SELECT count(*) FROM core.job WHERE state = 'buried'") == 0
