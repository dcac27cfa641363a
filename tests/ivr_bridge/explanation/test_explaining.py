"""A call explained: everything that decided about it, to whoever may know."""

from datetime import timedelta
from typing import Any

import pytest

from core.access.keys import put_key
from core.clock import utc_now
from core.ids import WorkspaceId, new_id
from ivr_bridge.explanation import Asker, CallUnknown, Explanations
from ivr_bridge.explanation.telling import SQL
from ivr_bridge.lines import Lines, put_line
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.busy import busy_workspace, read_by
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House, line_draft

CONSENT = {"given": True, "prompt_version": "wa-1", "method": "dtmf"}


async def explained(house: House, path: str, body: Any = None) -> dict[str, Any]:
    told = await (house.ivr.get(path) if body is None else house.ivr.post(path, body))
    assert told.status == 200, told.body
    assert told.headers["Cache-Control"] == "private, no-store"
    return told.json


async def test_everything_about_a_call_from_the_offer_to_its_end(house: House):
    await house.change_line(
        terms=LineTerms.model_validate({"policy": {"peak": {"voice_wait_s": 60}}})
    )
    await house.ivr.event("entered", at=(utc_now() - timedelta(seconds=30)).isoformat())
    first = await house.ivr.eligible(voice_wait_s=20, intent="order_status")
    assert first.reason == "below_peak"
    assert (await house.ivr.eligible(voice_wait_s=300, language="en")).action == "offer"
    moved = await house.ivr.deflect(
        confirm="delivered", consent=CONSENT, digits="4111111111111111", deadline_ms=8000
    )
    assert moved.action == "hangup"
    await house.ivr.event("ended", at=(utc_now() + timedelta(seconds=1)).isoformat())
    told = await explained(house, f"/v1/deflections/{moved.json['deflection_id']}/explanation")

    assert told["call"]["caller"] == "+79…01"
    assert told["call"]["line"] == {"name": "main", "title": "Toyshop", "number": LINE}
    assert [event["event"] for event in told["call"]["events"]] == ["entered", "ended"]
    quiet, offered = told["eligibility"]
    assert (quiet["reason"], quiet["refused_by"]) == ("below_peak", "peak")
    assert quiet["asked"]["intent"] == "order_status"
    (peak,) = [each for each in quiet["rules"] if each["rule"] == "peak"]
    assert peak["found"] == {"voice_wait_s": 20}
    assert peak["wanted"] == {"voice_wait_s": 60}
    assert (offered["action"], offered["variant"], offered["refused_by"]) == (
        "offer",
        "treat",
        None,
    )
    assert offered["asked"]["asked_language"] == "en"
    assert offered["evidence"] == {"state": "unknown", "source": None, "at": None, "age_s": None}
    assert offered["took_ms"] < 2000

    (attempt,) = told["deflections"]
    assert attempt["consent"] == {"source": "ivr", **CONSENT}
    assert attempt["asked"]["digits"] == "411…11"
    assert attempt["outcome"] == {
        "action": "hangup",
        "reason": "ok",
        "refused_by": None,
        "evidence": moved.json["evidence"],
        "decided_by": "race",
    }
    timings = attempt["timings"]
    order = [
        "received_at",
        "begun_at",
        "sending_at",
        "accepted_at",
        "sent_at",
        "delivered_at",
        "decided_at",
    ]
    moments = [timings[name] for name in order]
    assert None not in moments
    assert moments[0] <= moments[1]
    assert moments[2:] == sorted(moments[2:])
    assert abs(timings["elapsed_ms"] - moved.json["elapsed_ms"]) < 250
    (message,) = attempt["messages"]
    assert (message["part"], message["channel"]) == ("opening", "whatsapp")
    assert {"sending", "accepted", "sent"} <= {each["status"] for each in message["transitions"]}
    assert [fact["fact"] for fact in attempt["facts"]] == ["hangup_confirmed"]
    assert told["rescue"] is None
    assert told["repeat_calls"] == []
    assert CALLER not in str(told)

    assert (await house.ivr.eligible("call-2", voice_wait_s=300)).reason == "repeat_call"
    again = await explained(house, "/v1/calls/explanation", {"call_id": "call-1", "line": "main"})
    assert [back["call_id"] for back in again["repeat_calls"]] == ["call-2"]
    only_asked = await explained(house, "/v1/calls/explanation", {"call_id": "call-2"})
    assert only_asked["deflections"] == []
    (answer,) = only_asked["eligibility"]
    assert (answer["reason"], answer["refused_by"]) == ("repeat_call", "first_call")
    assert answer["evidence"]["state"] == "confirmed"
    assert answer["evidence"]["source"]
    assert 0 <= answer["evidence"]["age_s"] < 60


async def test_a_failed_opening_is_told_with_its_code(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    moved = await house.ivr.deflect()
    assert moved.reason == "not_on_channel"
    told = await explained(house, f"/v1/deflections/{moved.json['deflection_id']}/explanation")
    (attempt,) = told["deflections"]
    assert attempt["consent"]["source"] == "declared_by_line"
    (message,) = attempt["messages"]
    assert message["failed_code"]
    assert attempt["timings"]["failed_at"]


async def test_nobody_hears_of_another_lines_calls(house: House):
    moved = await house.ivr.deflect()
    async with house.database.workspace(house.workspace_id) as tx:
        await put_line(tx, line_draft(name="other", numbers=["+78002500001"]))
        await put_key(
            tx, name="o", key="ib_another-key-of-tests-01", scopes=["ivr"], lines=["other"]
        )
        await put_key(tx, name="r", key="ib_another-key-of-tests-02", scopes=["reports"])
    for remembered in house.fresh:
        remembered.clear()
    path = f"/v1/deflections/{moved.json['deflection_id']}/explanation"
    asked = {"call_id": "call-1"}
    house.ivr.key = "ib_another-key-of-tests-01"
    assert (await house.ivr.get(path)).status == 404
    assert (await house.ivr.post("/v1/calls/explanation", asked)).status == 404
    assert (await house.ivr.post("/v1/calls/explanation", {**asked, "line": LINE})).status == 404
    own = {"call_id": "call-1", "caller": CALLER, "line": "+78002500001"}
    await house.ivr.post("/v1/eligibility", own)
    assert (await house.ivr.post("/v1/calls/explanation", asked)).status == 200
    # The same person calls the first line again: nothing that the second line's IVR is to know.
    house.ivr.key = KEY
    await house.ivr.eligible("call-3")
    on_other = {**asked, "line": "other"}
    known = (await house.ivr.post("/v1/calls/explanation", on_other)).json
    assert [back["call_id"] for back in known["repeat_calls"]] == ["call-3"]
    house.ivr.key = "ib_another-key-of-tests-01"
    assert (await house.ivr.post("/v1/calls/explanation", asked)).json["repeat_calls"] == []
    house.ivr.key = "ib_another-key-of-tests-02"
    assert (await house.ivr.get(path)).status == 403
    house.ivr.key = "ib_the-key-of-the-tests-0001"
    both = await house.ivr.post("/v1/calls/explanation", asked)
    assert (both.status, both.json["code"]) == (409, "several_calls")
    assert (await house.ivr.get("/v1/deflections/d_0/explanation")).status == 404
    assert (await house.ivr.post("/v1/calls/explanation", {"call_id": "none"})).status == 404


async def test_whoever_may_see_numbers_sees_them_on_record(house: House):
    moved = await house.ivr.deflect(f"pbx-{CALLER}-1")
    await house.ivr.eligible(f"{CALLER[1:]}@pbx")
    explanations = Explanations(house.database, Lines(house.database))
    someone = str(new_id())
    asker = Asker(house.workspace_id, sees_numbers=True, kind="person", name=someone)
    told = await explanations.of_deflection(asker, moved.deflection_id)
    assert (told.call.caller, told.call.call_id) == (CALLER, f"pbx-{CALLER}-1")
    assert [again.call_id for again in told.repeat_calls] == [f"{CALLER[1:]}@pbx"]
    (noted,) = await house.rows(
        "SELECT actor_id, facts FROM core.audit WHERE action = 'call.explained'"
    )
    assert (noted["actor_id"], noted["facts"]) == (someone, {"number_shown": True})
    masked = await explanations.of_deflection(
        Asker(house.workspace_id, kind="person", name=someone), moved.deflection_id
    )
    assert masked.call.call_id == "pbx-+79…01-1"
    assert CALLER[2:] not in masked.model_dump_json()
    stranger = Asker(WorkspaceId(house.workspace_id + 1))
    with pytest.raises(CallUnknown):
        await explanations.of_deflection(stranger, moved.deflection_id)


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "never analysed"])
async def test_an_explanation_reads_its_own_rows(database_url, analysed):
    async with busy_workspace(database_url) as busy:
        await busy.execute(
            "UPDATE ivr_bridge.call SET caller = '+7900' || lpad(call_id, 7, '0');"
            "INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)"
            " SELECT 1, message_id, 'delivered', 'webhook', now() FROM ivr_bridge.deflection"
        )
        if analysed:
            await busy.execute("RESET ROLE; ANALYZE; SET ROLE ivr_bridge_service")
        row = await busy.fetchrow(
            "SELECT deflection_id, call_ref, line_id, message_id, created_at FROM ivr_bridge.deflection"
            " OFFSET 4321 LIMIT 1"
        )
        assert row is not None
        known: dict[str, Any] = {
            "workspace": 1, "deflection": row["deflection_id"], "call_ref": row["call_ref"],
            "messages": [row["message_id"]], "deflections": [row["deflection_id"]],
            "call_id": "4322", "caller": "+79000004322", "after": row["created_at"],
            "within_s": 86_400, "lines": [row["line_id"]],
        }  # fmt: skip
        for statement in SQL.values():
            values = {each: known[each] for each in statement.parameters}
            for place, rows in (await read_by(busy, *statement(**values))).items():
                assert rows <= 4, (statement.name, place, rows)


async def test_a_candidate_policy_is_told_beside_the_one_that_decided(house: House):
    await house.change_line(terms=LineTerms.model_validate({"shadow": {"incident": True}}))
    assert (await house.ivr.eligible()).action == "offer"
    told = await explained(house, "/v1/calls/explanation", {"call_id": "call-1"})
    (answer,) = told["eligibility"]
    assert (answer["reason"], answer["refused_by"]) == ("ok", None)
    assert (answer["shadow"]["reason"], answer["shadow"]["refused_by"]) == (
        "incident",
        "no_incident",
    )
