"""jambonz asks and is told what to do: the offer, the caller in its queue, and who is believed."""

import json
from typing import Any

from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, House
from tests.ivr_bridge.dialects.conftest import (
    Platform,
    verbs,
)
from tests.ivr_bridge.dialects.specification import check_jambonz


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
