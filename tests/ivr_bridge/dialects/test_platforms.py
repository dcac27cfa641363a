"""Platforms that send a key, or none: VoiceXML, HTTAPI, answers by status, keys in addresses."""

import base64
import json
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House
from tests.ivr_bridge.dialects.conftest import ONWARD, attribute, verbs


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
