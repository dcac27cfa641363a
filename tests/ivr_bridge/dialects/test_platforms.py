"""A platform's own requests, over HTTP: who may ask, what is understood, and what it is told to do."""

import base64
import json
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from ivr_bridge.dialects.secrets import put_secrets
from ivr_bridge.dialects.signatures import Signer
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House
from tests.ivr_bridge.dialects.conftest import (
    OLD_TOKEN,
    TOKEN,
    Platform,
    attribute,
    verbs,
)
from tests.ivr_bridge.dialects.specification import check_jambonz

ASK = "/v1/l/demo/eligibility?format=twiml"
MOVE = "/v1/l/demo/deflections?format=twiml"
ONWARD = "https://pbx.example/queue?a=1&b=2"


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


async def test_jambonz_gathers_and_calls_the_hook_on_silence_too(house: House, platform: Platform):
    offered = await platform.jambonz("/v1/l/demo/eligibility?format=jambonz&language=ru")
    assert offered.headers["Content-Type"].startswith("application/json")
    gather = json.loads(offered.body)[0]
    assert (gather["verb"], gather["numDigits"]) == ("gather", 1)
    silent = await platform.jambonz(gather["actionHook"], reason="timeout")
    assert list(verbs(silent)) == ["tag"]
    assert await house.network.counts() == {}
    told = await platform.jambonz(gather["actionHook"], reason="dtmfDetected", digits="1")
    assert list(verbs(told)) == ["say", "hangup"]
    assert await house.network.counts() == {CALLER: 1}
    assert await house.value("SELECT call_id FROM ivr_bridge.call") == "jb-1"
    ended = await platform.jambonz("/v1/l/demo/calls/events", call_status="completed")
    assert ended.json["accepted"] == 1


async def test_in_jambonzs_queue_the_offer_comes_again(house: House, platform: Platform):
    """A minute in the queue, out of it for the offer, and back; the line's own `enqueue` keeps the place."""
    await house.change_line(continue_to="https://pbx.example/queue")
    back = [{"verb": "redirect", "actionHook": "https://pbx.example/queue"}]
    waits = "/v1/l/demo/eligibility?format=jambonz&language=ru&line=main"
    asks = "/v1/l/demo/eligibility?format=jambonz&language=ru&offer_stage=queue&again_s=45"
    queue: dict[str, Any] = {"queue_sid": "queue:a:support", "queue_time": 3}
    # Of the call, this hook tells only its ids.
    sparse: dict[str, Any] = {
        **queue,
        "queue_position": 1,
        "queue_size": 4,
        "from": None,
        "to": None,
    }
    waiting = await platform.jambonz(waits + "&again_s=45", **sparse)
    check_jambonz(waiting.body)
    assert json.loads(waiting.body) == [{"verb": "pause", "length": 45}, {"verb": "leave"}]
    music = "https://cdn.example/moh.mp3"
    await house.change_line(
        continue_to=back[0]["actionHook"],
        terms=LineTerms.model_validate({"dialects": {"hold_music": music}}),
    )
    waiting = await platform.jambonz(waits, **sparse)
    assert json.loads(waiting.body) == [{"verb": "play", "url": music}, {"verb": "leave"}]
    wrong = await platform.jambonz(waits, secret="another", **sparse)
    assert (wrong.status, wrong.body) == (200, waiting.body)
    # Nothing was asked, and nothing is written about a caller who was not told.
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 0

    left = await platform.jambonz(asks, **queue, queue_result="leave")
    gather, goes_on = json.loads(left.body)
    assert (gather["verb"], [goes_on]) == ("gather", back)
    silent = await platform.jambonz(gather["actionHook"], reason="timeout")
    assert json.loads(silent.body) == back
    at_once = await platform.jambonz(gather["actionHook"], reason="dtmfDetected", digits="1")
    assert list(verbs(at_once)) == ["say", "hangup"]


async def test_jambonzs_queue_tells_who_was_served_or_gone(house: House, platform: Platform):
    await house.change_line(continue_to="https://pbx.example/queue")
    asks = "/v1/l/demo/eligibility?format=jambonz&again_s=45"
    queue: dict[str, Any] = {"queue_sid": "queue:a:support", "queue_time": 61}
    told = {"bridged": ["answered"], "hangup": [], "wait": [], "error": ["offered"]}
    for result, events in told.items():
        heard = await platform.jambonz(asks, **queue, queue_result=result, call_sid=result)
        check_jambonz(heard.body)
        wanted = ["gather", "redirect"] if result == "error" else ["tag"]
        assert list(verbs(heard)) == wanted
        rows = await house.rows(
            "SELECT event FROM ivr_bridge.call_event JOIN ivr_bridge.call USING (workspace_id, call_ref)"
            f" WHERE call_id = '{result}'"
        )
        assert [row["event"] for row in rows] == events


async def test_a_jambonz_signature_that_is_wrong_or_old_goes_on(house: House, platform: Platform):
    await house.change_line(continue_to="sip:queue@pbx.example")
    path = "/v1/l/demo/deflections?format=jambonz"
    for told in (
        await platform.jambonz(path, secret="another"),
        await platform.jambonz(path, ago_s=400),
        await platform.jambonz(path, ago_s=-400),
    ):
        assert told.status == 200
        assert list(verbs(told)) == ["dial"]
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 0
    assert await house.network.counts() == {}


async def test_a_key_opens_every_dialect_where_a_platform_can_send_one(house: House):
    basic = "Basic " + base64.b64encode(f"line:{KEY}".encode()).decode()
    house.ivr.key = None
    told = await house.ivr.post(
        "/v1/deflections?format=jambonz",
        {"call_sid": "jb", "from": CALLER, "to": LINE},
        Authorization=basic,
    )
    assert list(verbs(told)) == ["say", "hangup"]
    wrong = await house.ivr.post(
        "/v1/deflections?format=jambonz",
        {"call_sid": "jb", "from": CALLER, "to": LINE},
        Authorization="Basic eDp5",
    )
    assert (wrong.status, list(verbs(wrong))) == (401, ["tag"])


async def test_voicexml_asks_and_submits_what_it_was_told(house: House):
    form = {"call_id": "vx'\"<1>", "caller": CALLER, "line": LINE}
    offered = await house.ivr.post(
        "/v1/eligibility?format=vxml&language=ru", raw=urlencode(form).encode()
    )
    assert offered.headers["Content-Type"].startswith("application/voicexml+xml")
    told = {
        element.attrib["name"]: json.loads(element.attrib["expr"])
        for element in ET.fromstring(offered.body).iter("{http://www.w3.org/2001/vxml}var")
        if element.attrib["name"] != "action"
    }
    assert told == form
    assert attribute(offered, "submit", "namelist") == "call_id caller line digits"
    moved = await house.ivr.post(
        attribute(offered, "submit", "next"), raw=urlencode({**told, "digits": "1"}).encode()
    )
    assert list(verbs(moved)) == ["form", "block", "prompt", "disconnect"]
    assert await house.network.counts() == {CALLER: 1}


HTTAPI = {
    "session_id": "3f8e0e3c", "hostname": "pbx1", "url": "https://x", "Caller-Direction": "inbound",
    "Caller-Caller-ID-Number": "89005550101", "Caller-Destination-Number": "78002500000",
    "Caller-Privacy-Hide-Number": "false",
}  # fmt: skip


async def test_httapi_asks_again_with_the_key_and_tells_when_the_call_is_over(house: House):
    offered = await house.ivr.post("/v1/eligibility?format=httapi", raw=urlencode(HTTAPI).encode())
    assert offered.headers["Content-Type"].startswith("text/xml")
    path = attribute(offered, "playback", "action")
    assert path.startswith("http://127.0.0.1/v1/deflections?")
    path = path.removeprefix("http://127.0.0.1")
    silent = await house.ivr.post(path, raw=urlencode(HTTAPI).encode())
    assert list(verbs(silent)) == ["work", "break"]
    told = await house.ivr.post(path, raw=urlencode({**HTTAPI, "digits": "1"}).encode())
    assert list(verbs(told)) == ["work", "playback", "hangup"]
    over = await house.ivr.post(path, raw=urlencode({**HTTAPI, "exiting": "true"}).encode())
    assert "hangup" not in verbs(over)
    assert "hangup_confirmed" in await house.facts()
    assert await house.network.counts() == {CALLER: 1}
    hidden = {**HTTAPI, "session_id": "2", "Caller-Privacy-Hide-Number": "true"}
    withheld = await house.ivr.post(path, raw=urlencode({**hidden, "digits": "1"}).encode())
    assert "hangup" not in verbs(withheld)


PASSTHRU = {"CallSid": "ex-1", "CallFrom": "09005550101", "CallTo": LINE, "digits": '"1"'}


async def test_the_status_alone_can_say_it_and_a_get_only_where_the_line_allows_it(house: House):
    path = "/v1/deflections?branch=status&" + urlencode(PASSTHRU | {"CallFrom": CALLER})
    refused = await house.ivr.get(path)
    assert (refused.status, refused.body) == (302, b"continue")
    assert "Location" not in refused.headers
    await house.change_line(
        continue_to=ONWARD, terms=LineTerms.model_validate({"dialects": {"get_form": True}})
    )
    assert (await house.ivr.get(path)).status == 200
    assert await house.network.counts() == {CALLER: 1}
    withheld = await house.ivr.get(
        path.replace("ex-1", "ex-2").replace("%2B" + CALLER[1:], "anonymous")
    )
    assert (withheld.status, withheld.headers["Location"]) == (302, ONWARD)
    house.ivr.key = "wrong"
    assert (await house.ivr.get(path)).status == 302
    house.ivr.key = KEY
    asked = await house.ivr.get(
        "/v1/eligibility?branch=status&format=json&"
        + urlencode(PASSTHRU | {"CallSid": "ex-3", "CallFrom": "+79005550107"})
    )
    assert (asked.status, asked.action) == (200, "offer")


async def test_a_key_in_the_address_only_where_the_line_allows_it(house: House):
    house.ivr.key = None
    form = urlencode({"call_id": "k-1", "caller": CALLER, "line": LINE}).encode()
    path = f"/v1/k/{KEY}/deflections?format=vxml"
    refused = await house.ivr.post(path, raw=form)
    assert (refused.status, "disconnect" in verbs(refused)) == (401, False)
    terms = LineTerms.model_validate({"dialects": {"path_key": True}})
    await house.change_line(terms=terms)
    offered = await house.ivr.post(f"/v1/k/{KEY}/eligibility?format=vxml", raw=form)
    assert attribute(offered, "submit", "next").startswith(f"/v1/k/{KEY}/deflections?")
    assert "disconnect" in verbs(await house.ivr.post(path, raw=form))
    ended = await house.ivr.post(f"/v1/k/{KEY}/calls/events", raw=form + b"&event=ended")
    assert ended.json["accepted"] == 1
    other = await house.ivr.post("/v1/k/ib_nobodys-key/deflections?format=vxml", raw=form)
    assert (other.status, "disconnect" in verbs(other)) == (401, False)


async def test_a_fault_on_a_known_line_is_200_and_goes_on(house: House):
    await house.change_line(continue_to=ONWARD)
    first = await house.ivr.deflect("taken")
    assert first.action == "hangup"
    ends = {"Hangup", "hangup", "disconnect"}
    for view in ("twiml", "vxml", "jambonz", "httapi"):
        path = f"/v1/deflections?format={view}"
        told = await house.ivr.post(path, {"call_id": "1", "line": LINE})
        assert told.status == 200
        assert ONWARD.partition("?")[0].encode() in told.body
        assert not ends & set(verbs(told))
        other = {"call_id": "taken", "line": LINE, "caller": "+79005550199"}
        conflict = await house.ivr.post(path, other)
        assert conflict.status == 200
        assert not ends & set(verbs(conflict))
        assert (await house.ivr.post(path, raw=b"{")).status == 400


async def test_a_verb_dialect_waits_longer_by_itself(house: House, platform: Platform):
    await house.network.behave(CALLER, "reachable", sent_ms=2600, delivered_ms=2650)
    told = await platform.twilio(MOVE)
    assert list(verbs(told))[-1] == "Hangup"
