"""Several channels: which comes first for whom, and what follows a failure while the caller waits."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ivr_bridge.evidence import Confirm
from ivr_bridge.guard import pauses
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, LINE, House

WHATSAPP: Mapping[str, Any] = {"channel": "whatsapp"}
SMS: Mapping[str, Any] = {
    "channel": "sms",
    "text": {"ru": "Toyshop: вы звонили на {line_number}. Ответьте на это сообщение."},
}


def terms(*channels: Mapping[str, Any], **more: Any) -> LineTerms:
    return LineTerms.model_validate({"channels": list(channels), "countries": ["*"], **more})


async def attempts(house: House) -> list[dict[str, Any]]:
    rows = await house.rows("SELECT * FROM ivr_bridge.deflection ORDER BY attempt")
    return [dict(row) for row in rows]


async def sms_to(house: House, number: str = CALLER) -> int:
    return len(await house.network.wire(number, kind="sms"))


# -- a second channel after a definite failure ---------------------------------------------------


@pytest.mark.parametrize("behaviour", ["not_on_whatsapp", "refused", "not_on_whatsapp_after_sent"])
async def test_sms_follows_a_definite_failure_while_there_is_time(house: House, behaviour: str):
    await house.change_line(terms=terms(WHATSAPP, SMS), grace_ms=400)
    await house.network.behave(CALLER, behaviour, sms="reachable", failed_ms=200)
    told = await house.ivr.deflect(deadline_ms=6000)
    assert (told.action, told.json["channel"]) == ("hangup", "sms")
    assert told.json["evidence"] in {"sent_quiet", "delivered_now"}
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)
    (attempt,) = await attempts(house)
    assert (attempt["first_channel"], attempt["channel"]) == ("whatsapp", "sms")
    assert attempt["fallback"] is None
    failed = await house.value(
        "SELECT failed_code FROM messaging.message WHERE message_id = $1",
        attempt["first_message_id"],
    )
    assert failed == "131026"

    # The recorded answer stands, and a later attempt rests on the second message.
    again = await house.ivr.deflect(deadline_ms=6000)
    assert (again.action, again.json["channel"]) == ("hangup", "sms")
    later = await house.ivr.deflect(attempt=2)
    assert (later.action, later.reason) == ("hangup", "already_delivered")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)


@pytest.mark.parametrize("behaviour", ["silent", "breaks", "slow", "blocked"])
async def test_nothing_follows_what_may_still_arrive(house: House, behaviour: str):
    await house.change_line(terms=terms(WHATSAPP, SMS), confirm=Confirm.DELIVERED)
    await house.network.behave(CALLER, behaviour, slow_ms=4000, delivered_ms=60_000)
    told = await house.ivr.deflect(deadline_ms=3000)
    assert (told.action, told.reason) == ("continue", "deadline")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 0)


async def pause(house: House, account: str) -> None:
    async with house.database.workspace(house.workspace_id) as tx:
        await pauses.pause(tx, pauses.Paused("channel", account), for_s=None)
    house.forget()


async def test_a_paused_channel_follows_nothing(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS))
    await house.network.behave(CALLER, "not_on_whatsapp", failed_ms=200)
    await pause(house, "sms")
    told = await house.ivr.deflect(deadline_ms=6000)
    assert (told.action, told.reason) == ("continue", "not_on_channel")
    # Known not to be on WhatsApp by now: nobody is left to write to them.
    again = await house.ivr.deflect("call-2", deadline_ms=6000)
    assert (again.action, again.reason) == ("continue", "not_on_channel")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 0)


async def test_another_channel_stands_in_for_a_paused_one(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS))
    await pause(house, "whatsapp")
    assert (await house.ivr.eligible()).json["channel"] == "sms"
    told = await house.ivr.deflect(deadline_ms=6000)
    assert (told.action, told.json["channel"]) == ("hangup", "sms")
    await pause(house, "sms")
    told = await house.ivr.deflect("call-2", deadline_ms=6000)
    assert (told.action, told.reason) == ("continue", "paused")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (0, 1)


async def allow_users(house: House, account: str, most: int, today: int) -> None:
    """How many people the provider lets this account write to in a day, and how many it has."""
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.account SET version = version + 1,"
            " settings = settings || jsonb_build_object('users_per_day', $2::text) WHERE name = $1",
            account, str(most),
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO ivr_bridge.account_pace (workspace_id, account_id, samples, users_today)"
            " SELECT workspace_id, account_id, 0, $2 FROM messaging.account WHERE name = $1"
            " ON CONFLICT (workspace_id, account_id) DO UPDATE SET users_today = excluded.users_today",
            account, today,
        )  # fmt: skip
    house.forget()


async def test_another_channel_stands_in_for_one_that_has_written_to_enough_people(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS), repeat_call_s=0)
    assert (await house.ivr.deflect("call-1")).json["channel"] == "whatsapp"
    message = {"type": "text", "text": {"body": "Где мой заказ?"}}
    inbound = {"account": "100000000000001", "from": CALLER, "message": message}
    await house.network.ask("POST", "/sandbox/inbound", inbound)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    await allow_users(house, "whatsapp", 2, 2)
    for dry_run in (True, False):
        for ask in (house.ivr.eligible, house.ivr.deflect):
            told = await ask("call-2", "+79005550104", dry_run=dry_run)
            assert (told.reason, told.json["channel"]) == ("ok", "sms")
    # Who chats there already is nobody new.
    told = await house.ivr.deflect("call-3")
    assert (told.reason, told.json["channel"]) == ("resumed", "whatsapp")
    await allow_users(house, "sms", 1, 1)
    told = await house.ivr.deflect("call-4", "+79005550105")
    assert (told.reason, told.json["channel"]) == ("channel_quota", "whatsapp")


async def test_the_channel_that_stands_in_is_held_to_its_own_limit(house: House):
    await house.network.behave(CALLER, "refused")
    await house.ivr.deflect("call-0")
    await house.change_line(terms=terms(WHATSAPP, SMS))
    await allow_users(house, "sms", 1, 1)
    # Known not to be on WhatsApp, and SMS has no room for anybody new; nor may it follow a failure.
    assert (await house.ivr.deflect("call-1")).reason == "not_on_channel"
    fresh = "+79005550106"
    await house.network.behave(fresh, "refused")
    assert (await house.ivr.deflect("call-2", fresh)).reason == "not_on_channel"
    assert await sms_to(house) == await sms_to(house, fresh) == 0


async def test_another_channel_stands_in_for_one_whose_template_is_refused(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS, budget={"hour": 1}))
    await allow_users(house, "whatsapp", 9, 0)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.account_pace SET refused_templates = '{call_to_chat/ru}'"
        )
    house.forget()
    told = await house.ivr.deflect("call-1")
    assert (told.reason, told.json["channel"]) == ("ok", "sms")
    told = await house.ivr.deflect("call-2", "+79005550104")
    assert (told.action, told.reason) == ("continue", "budget"), "it is paid for, too"


async def test_who_told_the_provider_to_stop_us_is_not_chased(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS))
    await house.network.behave(CALLER, "refused", code=131050)
    told = await house.ivr.deflect(deadline_ms=5000)
    assert (told.action, told.reason) == ("continue", "opted_out")
    assert await sms_to(house) == 0


async def test_nothing_follows_when_its_own_evidence_would_come_too_late(house: House):
    await house.change_line(terms=terms(WHATSAPP, {**SMS, "confirm": "delivered"}))
    await house.network.behave(CALLER, "not_on_whatsapp", failed_ms=700)
    told = await house.ivr.deflect(deadline_ms=1500)
    assert (told.action, told.reason) == ("continue", "not_on_channel")
    assert await sms_to(house) == 0


async def test_what_does_not_follow_costs_nothing(house: House):
    late = {**SMS, "confirm": "delivered"}
    await house.change_line(terms=terms(WHATSAPP, late, budget={"hour": 2}))
    for number in range(3):
        caller = f"+790055502{number:02d}"
        await house.network.behave(caller, "not_on_whatsapp", failed_ms=700)
        told = await house.ivr.deflect(f"call-{number}", caller, deadline_ms=1500)
        assert (told.action, told.reason) == (
            "continue",
            "not_on_channel" if number < 2 else "budget",
        )


async def test_both_channels_may_fail_and_the_call_goes_on(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS), grace_ms=400)
    await house.network.behave(CALLER, "refused", sms="refused")
    told = await house.ivr.deflect(deadline_ms=6000)
    assert (told.action, told.reason, told.json["channel"]) == ("continue", "not_on_channel", "sms")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)
    again = await house.ivr.deflect(attempt=2, deadline_ms=6000)
    assert again.action == "continue"
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)


async def test_sms_follows_while_the_ivr_polls(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS), grace_ms=200)
    await house.network.behave(CALLER, "not_on_whatsapp", failed_ms=1500)
    told = await house.ivr.deflect(deadline_ms=1000, can_poll=True)
    assert told.action == "poll"
    for _ in range(10):
        told = await house.ivr.get(f"/v1/deflections/{told.json['deflection_id']}?wait_ms=2000")
        if told.action != "poll":
            break
    assert (told.action, told.json["channel"]) == ("hangup", "sms")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)


async def test_two_readers_let_it_follow_once(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS), grace_ms=200)
    await house.network.behave(CALLER, "not_on_whatsapp", failed_ms=600)
    answers = await asyncio.gather(*(house.ivr.deflect(deadline_ms=6000) for _ in range(5)))
    assert {(told.action, told.json["channel"]) for told in answers} == {("hangup", "sms")}
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)


# -- which channel comes first -------------------------------------------------------------------


async def test_a_number_known_not_to_be_there_is_written_to_on_the_next(house: House):
    await house.network.behave(CALLER, "refused")
    await house.ivr.deflect("call-0")
    await house.change_line(terms=terms(WHATSAPP, SMS))
    offered = await house.ivr.eligible("call-1")
    assert (offered.action, offered.json["channel"]) == ("offer", "sms")
    told = await house.ivr.deflect("call-1")
    assert (told.action, told.json["channel"]) == ("hangup", "sms")
    assert (await house.network.openings(CALLER), await sms_to(house)) == (1, 1)


async def test_a_chat_on_one_channel_promises_nothing_on_another(house: House):
    once = {"policy": {"frequency": [{"at_most": 1, "within_s": 3600}]}}
    await house.change_line(terms=terms(WHATSAPP, SMS, **once), repeat_call_s=0)
    assert (await house.ivr.deflect("call-1")).json["channel"] == "whatsapp"
    message = {"type": "text", "text": {"body": "Где мой заказ?"}}
    inbound = {"account": "100000000000001", "from": CALLER, "message": message}
    await house.network.ask("POST", "/sandbox/inbound", inbound)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    assert (await house.ivr.eligible("call-2")).reason == "ok"
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.account SET stopped_until = now() + interval '1 hour',"
            " stopped_code = '190' WHERE name = 'whatsapp'"
        )
    house.forget()
    # The open chat cannot be gone on with by SMS: it would be another opening, one too many.
    for dry_run in (True, False):
        for ask in (house.ivr.eligible, house.ivr.deflect):
            told = await ask("call-3", dry_run=dry_run)
            assert (told.reason, told.json["channel"]) == ("frequency_cap", "sms")


async def test_countries_and_the_request_choose_among_channels(house: House):
    await house.change_line(terms=terms({**SMS, "countries": ["KZ"]}, WHATSAPP))
    russian = await house.ivr.deflect("call-1")
    kazakh = await house.ivr.deflect("call-2", "+77015550114")
    assert (russian.json["channel"], kazakh.json["channel"]) == ("whatsapp", "sms")
    asked = await house.ivr.deflect("call-3", "+77015550115", channels=["whatsapp"])
    assert asked.json["channel"] == "whatsapp"
    neither = await house.ivr.deflect("call-4", "+77015550116", channels=["telegram"])
    assert (neither.action, neither.reason) == ("continue", "not_on_channel")


async def test_where_whatsapp_is_unreliable_only_delivered_counts(house: House):
    await house.change_line(terms=terms(unreliable_whatsapp_in=["RU"]))
    await house.network.behave(CALLER, "offline")
    told = await house.ivr.deflect("call-1", deadline_ms=2000)
    assert (told.action, told.reason) == ("continue", "deadline")
    assert (await attempts(house))[0]["confirm"] == "delivered"
    elsewhere = await house.ivr.deflect("call-2", "+77015550114")
    assert (elsewhere.action, elsewhere.json["evidence"]) == ("hangup", "sent_quiet")


async def test_where_whatsapp_is_unreliable_another_channel_comes_first(house: House):
    await house.change_line(terms=terms(WHATSAPP, SMS, unreliable_whatsapp_in=["RU"]))
    told = await house.ivr.deflect("call-1")
    assert (told.action, told.json["channel"]) == ("hangup", "sms")
    elsewhere = await house.ivr.deflect("call-2", "+77015550114")
    assert elsewhere.json["channel"] == "whatsapp"


async def test_a_landline_gets_no_message(house: House):
    told = await house.ivr.deflect("call-1", "+74951234567")
    assert (told.action, told.reason) == ("continue", "not_mobile")
    keyed = await house.ivr.deflect("call-2", "+74951234567", messenger_number=CALLER)
    assert keyed.action == "hangup"
    assert (await house.ivr.eligible("call-3", LINE)).reason == "not_mobile"
