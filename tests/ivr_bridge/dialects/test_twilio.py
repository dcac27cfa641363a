"""Twilio asks and is told what to do: the offer, the key pressed, who is believed, and the end of the call."""

import base64
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from ivr_bridge.dialects.secrets import put_secrets
from ivr_bridge.dialects.signatures import Signer
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, LINE, House
from tests.ivr_bridge.dialects.conftest import (
    OLD_TOKEN,
    ONWARD,
    TOKEN,
    Platform,
    attribute,
    verbs,
)

ASK = "/v1/l/demo/eligibility?format=twiml"

MOVE = "/v1/l/demo/deflections?format=twiml"


async def test_twilio_offers_and_a_key_press_moves_the_caller(house: House, platform: Platform):
    offered = await platform.twilio(ASK + "&language=ru&intent=order")
    assert offered.status == 200
    assert offered.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert offered.headers["Content-Length"] == str(len(offered.body))
    assert list(verbs(offered)) == ["Gather", "Say"]
    question = ET.fromstring(offered.body).findtext("Gather/Say")
    assert question is not None
    assert "Demo" in question
    told = await platform.twilio(attribute(offered, "Gather", "action"), Digits="1")
    assert list(verbs(told)) == ["Say", "Hangup"]
    assert await house.network.counts() == {CALLER: 1}
    consent = await house.value("SELECT consent FROM ivr_bridge.deflection")
    assert (consent["source"], consent["method"]) == ("ivr", "dtmf")
    assert await house.value("SELECT offers FROM ivr_bridge.call") == 1


async def test_two_is_no_and_remembered(house: House, platform: Platform):
    await house.change_line(continue_to=ONWARD)
    offered = await platform.twilio(ASK)
    told = await platform.twilio(attribute(offered, "Gather", "action"), Digits="2")
    assert list(verbs(told)) == ["Redirect"]
    assert ET.fromstring(told.body).findtext("Redirect") == ONWARD
    assert await house.value("SELECT declined_at IS NOT NULL FROM ivr_bridge.call")
    again = await platform.twilio(ASK)
    assert list(verbs(again)) == ["Redirect"]
    assert await house.network.counts() == {}


async def test_silence_and_other_keys_are_neither_yes_nor_no(house: House, platform: Platform):
    for digits in ("", "9", "11", "*"):
        told = await platform.twilio(MOVE + "&answers=offer", Digits=digits)
        assert "Hangup" not in verbs(told)
    assert await house.value("SELECT count(*) FROM ivr_bridge.deflection") == 0
    assert await house.value("SELECT count(*) FROM ivr_bridge.call_event") == 0
    assert verbs(await platform.twilio(ASK))[0] == "Gather"


async def test_a_menu_of_the_platforms_own_may_send_the_caller_here(
    house: House, platform: Platform
):
    assert list(verbs(await platform.twilio(MOVE)))[-1] == "Hangup"
    assert await house.network.counts() == {CALLER: 1}


PLACES = [
    (ONWARD, "Redirect", ONWARD),
    ("+74951230000", "Number", "+74951230000"),
    ("tel:+74951230000", "Number", "+74951230000"),
    ("sip:queue@pbx.example", "Sip", "sip:queue@pbx.example"),
]


async def test_who_is_not_on_whatsapp_goes_on_with_a_word(house: House, platform: Platform):
    await house.network.behave(CALLER, "not_on_whatsapp")
    for place, (continue_to, verb, text) in enumerate(PLACES):
        await house.change_line(continue_to=continue_to)
        told = await platform.twilio(
            MOVE + "&answers=offer&language=ru", Digits="1", CallSid=f"CA{place}"
        )
        assert told.status == 200
        assert verbs(told)[0] == "Say"
        assert "Hangup" not in verbs(told)
        assert ET.fromstring(told.body).findtext(f".//{verb}") == text


async def test_a_wrong_signature_goes_on_and_leaves_nothing(house: House, platform: Platform):
    await house.change_line(continue_to=ONWARD)
    for token in ("wrong-token", TOKEN + "x", ""):
        for path in (ASK, MOVE, MOVE + "&answers=offer"):
            told = await platform.twilio(path, token=token, Digits="1")
            assert told.status == 200
            assert ET.fromstring(told.body).findtext("Redirect") == ONWARD
            assert "Hangup" not in verbs(told)
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 0
    assert await house.network.counts() == {}


async def test_a_signature_covers_the_address_and_every_field(house: House, platform: Platform):
    signed = await platform.twilio(ASK)
    assert verbs(signed)[0] == "Gather"
    house.ivr.key = None
    raw = urlencode({"CallSid": "CA2", "From": CALLER, "To": LINE}).encode()
    unsigned = await house.ivr.post(MOVE, raw=raw)
    assert (unsigned.status, list(verbs(unsigned))) == (200, [])
    foreign = await house.ivr.post(
        MOVE, raw=raw, X_Twilio_Signature=base64.b64encode(b"x" * 20).decode()
    )
    assert list(verbs(foreign)) == []
    assert await house.network.counts() == {}


async def test_two_tokens_live_while_one_takes_the_others_place(house: House, platform: Platform):
    assert verbs(await platform.twilio(ASK, token=OLD_TOKEN))[0] == "Gather"
    async with house.database.workspace(house.workspace_id) as tx:
        line_id = await tx.fetchval("SELECT line_id FROM ivr_bridge.line")
        await put_secrets(tx, house.sealer, line_id, {Signer.TWILIO: [TOKEN]})
        assert await tx.fetchval("SELECT count(*) FROM ivr_bridge.line_secret") == 1
        stored = await tx.fetchval("SELECT sealed FROM ivr_bridge.line_secret")
    assert TOKEN.encode() not in stored
    for remembered in house.fresh:
        remembered.clear()
    assert list(verbs(await platform.twilio(ASK, token=OLD_TOKEN))) == []
    assert verbs(await platform.twilio(ASK, token=TOKEN))[0] == "Gather"


async def test_a_workspace_or_line_that_is_not_there_is_left_to_the_platforms_fallback(
    house: House, platform: Platform
):
    nowhere = await platform.twilio("/v1/l/nowhere/eligibility?format=twiml")
    assert (nowhere.status, list(verbs(nowhere))) == (401, [])
    unknown = await platform.twilio(ASK, To="+74990000000", Called="+74990000000")
    assert (unknown.status, list(verbs(unknown))) == (404, [])
    named = await platform.twilio(ASK + "&line=main", To="+74990000000", Called="+74990000000")
    assert verbs(named)[0] == "Gather"


async def test_a_hidden_caller_goes_on(house: House, platform: Platform):
    hidden = ("+266696687", "+7378742833", "anonymous", "Restricted", "sip:a@anonymous.invalid", "")
    for place, caller in enumerate(hidden):
        told = await platform.twilio(MOVE, From=caller, Caller=caller, CallSid=f"CA{place}")
        assert "Hangup" not in verbs(told)
    reasons = await house.rows("SELECT DISTINCT reason FROM ivr_bridge.deflection")
    assert [row["reason"] for row in reasons] == ["caller_withheld"]


async def test_in_a_queue_the_offer_comes_back_and_the_place_is_kept(
    house: House, platform: Platform
):
    await house.change_line(continue_to=ONWARD)
    queue = ASK + "&again_s=60&offer_stage=queue"
    offered = await platform.twilio(queue, QueuePosition="3")
    assert list(verbs(offered)) == ["Gather", "Say", "Pause", "Redirect"]
    assert attribute(offered, "Pause", "length") == "60"
    again = ET.fromstring(offered.body).findtext("Redirect")
    assert again is not None
    assert "again_s=60" in again
    said_no = await platform.twilio(attribute(offered, "Gather", "action"), Digits="2")
    assert list(verbs(said_no)) == ["Pause", "Redirect"]
    assert ET.fromstring(said_no.body).findtext("Redirect") == again
    assert list(verbs(await platform.twilio(again))) == ["Pause", "Redirect"]
    music = "https://cdn.example/hold.mp3"
    await house.change_line(terms=LineTerms.model_validate({"dialects": {"hold_music": music}}))
    assert ET.fromstring((await platform.twilio(again)).body).findtext("Play") == music


async def test_a_slow_decision_is_asked_for_again(house: House, platform: Platform):
    await house.network.behave(CALLER, "reachable", sent_ms=1200, delivered_ms=1300)
    waiting = await platform.twilio(MOVE + "&can_poll=1&deadline_ms=700")
    assert list(verbs(waiting)) == ["Say", "Pause", "Redirect"]
    follow = ET.fromstring(waiting.body).findtext("Redirect")
    assert follow is not None
    assert CALLER[1:] not in follow
    assert list(verbs(await platform.twilio(follow))) == ["Say", "Hangup"]
    refused = await platform.twilio(follow, token="wrong")
    assert "Hangup" not in verbs(refused)


async def test_the_end_of_a_call_is_told_by_the_status_callback(house: House, platform: Platform):
    await platform.twilio(MOVE)
    told = await platform.twilio("/v1/l/demo/calls/events", CallStatus="completed")
    assert told.json["accepted"] == 1
    again = await platform.twilio("/v1/l/demo/calls/events", CallStatus="completed")
    assert again.json["duplicates"] == 1
    assert "hangup_confirmed" in await house.facts()
    other = await platform.twilio(
        "/v1/l/demo/calls/events", CallStatus="completed", Direction="outbound-dial", CallSid="CA2"
    )
    assert other.status == 403
    trunk = {"To": "+74990000000", "Called": "+74990000000", "CallSid": "CA3"}
    named = await platform.twilio(
        "/v1/l/demo/calls/events?line=main", CallStatus="completed", **trunk
    )
    assert named.json["accepted"] == 1
    wrong = await platform.twilio("/v1/l/demo/calls/events", token="wrong", CallStatus="completed")
    assert (wrong.status, wrong.action) == (401, "continue")


async def test_a_verb_dialect_waits_longer_by_itself(house: House, platform: Platform):
    await house.network.behave(CALLER, "reachable", sent_ms=2600, delivered_ms=2650)
    told = await platform.twilio(MOVE)
    assert list(verbs(told))[-1] == "Hangup"
