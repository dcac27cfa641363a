"""What an IVR can rely on: the views, the refusals, the last word, and one answer for ever."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.access.keys import put_key
from core.ids import new_id, public
from ivr_bridge.dialects.telling import VERBS
from ivr_bridge.evidence import Confirm
from ivr_bridge.lines import put_line
from tests.ivr_bridge.conftest import CALLER, KEY, LINE, House, line_draft
from tests.ivr_bridge.ivr import Told

BODY = {"call_id": "call-1", "caller": CALLER, "line": LINE}


async def test_the_form_ends_with_the_action_and_a_mark(house: House):
    told = await house.ivr.post("/v1/deflections?format=form", BODY)
    assert told.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert told.body.endswith(b"&action=hangup&end=1")
    fields = parse_qs(told.body.decode())
    assert fields["reason"] == ["ok"]
    assert fields["deflection_id"][0].startswith("d_")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/plain", "text/plain"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("image/png, text/plain;q=0.5", "text/plain"),
        ("image/png", "application/json"),
    ],
)
async def test_without_format_accept_decides(house: House, accept: str, content_type: str):
    told = await house.ivr.post("/v1/eligibility", BODY, Accept=accept)
    assert told.headers["Content-Type"].startswith(content_type)


async def test_the_document_has_every_member_and_the_action_last(house: House):
    told = await house.ivr.deflect()
    assert list(told.json) == [
        "deflection_id", "state", "reason", "channel", "reachability", "evidence", "prompt_key",
        "chat_wait_s", "variant", "valid_for_s", "poll_after_ms", "elapsed_ms", "trace_id", "action",
    ]  # fmt: skip
    assert told.headers["Content-Length"] == str(len(told.body))
    assert "Transfer-Encoding" not in told.headers


async def test_an_answer_leaves_in_one_piece_with_its_length(house: House):
    """A client that times out keeps what has come so far: it must be nothing or everything."""
    url = urlsplit(house.ivr.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    body = json.dumps(BODY).encode()
    writer.write(
        b"POST /v1/deflections?format=form HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + KEY.encode() + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )  # fmt: skip
    first = await reader.read(65536)
    writer.close()
    assert first.endswith(b"action=hangup&end=1")
    assert b"Content-Length: " in first


BAD_BODIES = [
    (b"", 400),
    (b"not a request", 400),
    (b'{"call_id":"c","caller":"1"', 400),
    (b"[1,2]", 400),
    (json.dumps({"caller": CALLER, "line": LINE}).encode(), 400),
    (json.dumps({"call_id": "c", "line": LINE}).encode(), 400),
    (json.dumps({"call_id": "c", "caller": CALLER}).encode(), 400),
    (b'{"x":' * 3000, 400),
    (b"x" * (65 * 1024), 413),
]


@pytest.mark.parametrize("path", ["/v1/deflections", "/v1/eligibility"])
@pytest.mark.parametrize(("raw", "status"), BAD_BODIES)
async def test_every_refusal_says_what_to_change_and_goes_on(
    house: House, path: str, raw: bytes, status: int
):
    told = await house.ivr.post(path, raw=raw)
    assert told.status == status
    assert told.headers["Content-Type"].startswith("application/problem+json")
    document = told.json
    assert list(document)[-2:] == ["trace_id", "action"]
    assert document["action"] == "continue"
    assert document["detail"]
    assert b"hangup" not in told.body
    form = await house.ivr.post(path + "?format=form", raw=raw)
    assert form.status == status
    assert form.body.endswith(b"&action=continue&end=1")
    text = await house.ivr.post(path + "?format=text", raw=raw)
    assert (text.status, text.body) == (status, b"continue")
    assert await house.network.counts() == {}
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 0


@pytest.mark.parametrize("key", [None, "ib_wrong", "", "x" * 5000])
async def test_without_a_valid_key_the_call_goes_on(house: House, key: str | None):
    house.ivr.key = key
    told = await house.ivr.deflect()
    assert told.status == 401
    assert told.json["code"] == "unauthorized"
    assert list(told.json)[-1] == "action"
    assert told.action == "continue"
    assert "WWW-Authenticate" in told.headers
    assert (await house.ivr.get(f"/v1/deflections/{public('d', new_id())}")).status == 401
    assert (await house.ivr.event("entered")).status == 401


async def test_a_key_of_other_lines_or_another_scope_is_refused(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        await put_line(tx, line_draft(name="second", numbers=["+78002500001"]))
        await put_key(
            tx, name="second", key="ib_second-line-key", scopes=["ivr"], lines=["+78002500001"]
        )
        await put_key(tx, name="reports", key="ib_reports-key", scopes=["reports"])
    made = await house.ivr.deflect("call-0")
    house.ivr.key = "ib_second-line-key"
    told = await house.ivr.deflect()
    assert (told.status, told.json["code"]) == (403, "line_or_ip_forbidden")
    assert told.action == "continue"
    assert (await house.ivr.deflect(line="8 800 250 00 01")).action == "hangup"
    foreign = await house.ivr.get(f"/v1/deflections/{made.json['deflection_id']}")
    assert (foreign.status, foreign.action) == (404, "continue")
    house.ivr.key = "ib_reports-key"
    assert (await house.ivr.deflect()).status == 403


async def test_nothing_is_seen_across_workspaces(house: House, other_workspace_id):
    async with house.database.workspace(other_workspace_id) as tx:
        await put_key(tx, name="line", key="ib_the-other-tenants", scopes=["ivr"])
    made = await house.ivr.deflect()
    house.ivr.key = "ib_the-other-tenants"
    told = await house.ivr.deflect()
    assert (told.status, told.reason) == (200, "line_unknown")
    foreign = await house.ivr.get(f"/v1/deflections/{made.json['deflection_id']}")
    assert foreign.status == 404
    events = await house.ivr.event("ended")
    assert events.json["accepted"] == 0
    async with house.database.workspace(other_workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM ivr_bridge.deflection") == 0


@pytest.mark.parametrize(
    "path", ["d_x", "d_" + "0" * 26, "cv_" + "0" * 26, "..%2F", "d_" + "Z" * 26]
)
async def test_an_id_that_names_nothing_is_not_found_and_goes_on(house: House, path: str):
    told = await house.ivr.get(f"/v1/deflections/{path}")
    assert told.status == 404
    assert told.action == "continue"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/deflection", 404, "not_found"),
        ("POST", "/v1/deflections/", 404, "not_found"),
        ("POST", "/v1/Eligibility", 404, "not_found"),
        ("POST", "/v1//deflections", 404, "not_found"),
        ("POST", "/v1/api/deflections", 404, "not_found"),
        ("POST", "/v1/call/events", 404, "not_found"),
        ("POST", "/v1/k/ib_x/defections", 404, "not_found"),
        ("POST", "/v1/l/demo", 404, "not_found"),
        ("POST", "/deflections", 404, "not_found"),
        ("POST", "/ivr/v1/deflections", 404, "not_found"),
        ("POST", "/v2/eligibility", 404, "not_found"),
        ("POST", "/v1/operatorz", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
        ("GET", "/v1/calls/events", 405, "method_not_allowed"),
        ("PUT", "/v1/deflections", 405, "method_not_allowed"),
        ("DELETE", "/v1/k/ib_x/eligibility", 405, "method_not_allowed"),
    ],
)
async def test_an_ivr_that_misses_the_address_goes_on(
    house: House, method: str, path: str, status: int, code: str
):
    async def ask(view: str) -> Told:
        return await house.ivr.ask(method, path + view, json.dumps(BODY).encode())

    told = await ask("")
    assert (told.status, told.json["code"], told.action) == (status, code, "continue")
    assert told.headers["Content-Type"].startswith("application/problem+json")
    assert list(told.json)[-2:] == ["trace_id", "action"]
    assert ("Allow" in told.headers) == (status == 405)
    assert (await ask("?format=form")).body.endswith(b"&action=continue&end=1")
    assert (await ask("?format=text")).body == b"continue"
    assert (await ask("?branch=status")).status == 302
    for view in VERBS:
        verbs = await ask(f"?format={view.value}")
        assert verbs.status == status, "the platform uses its own fallback"
        assert b"hangup" not in verbs.body.lower()
    told = await ask("?format=yaml")
    assert (told.status, told.action) == (status, "continue")


@pytest.mark.parametrize("form", ["smil", "yaml", "JSON5"])
async def test_an_unknown_format_is_refused(house: House, form: str):
    told = await house.ivr.post(f"/v1/deflections?format={form}", BODY)
    assert (told.status, told.action) == (400, "continue")
    assert await house.network.counts() == {}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"caller": "anonymous"}, "caller_withheld"),
        ({"caller": ""}, "caller_withheld"),
        ({"caller_withheld": True}, "caller_withheld"),
        ({"caller": "101"}, "invalid_number"),
        ({"consent": {"given": False}}, "no_consent"),
        ({"consent": {"given": "perhaps"}}, "no_consent"),
        ({"consent": {"given": False, "at": "just now"}}, "no_consent"),
        ({"channels": ["sms"]}, "not_on_channel"),
    ],
)
async def test_business_refusals_are_answers(house: House, more: dict[str, Any], reason: str):
    told = await house.ivr.deflect(**more)
    assert (told.status, told.action, told.reason) == (200, "continue", reason)
    assert await house.network.counts() == {}
    assert await house.value("SELECT outcome FROM ivr_bridge.deflection") == "continue"


async def test_a_disabled_line_sends_nothing(house: House):
    await house.change_line(enabled=False)
    assert (await house.ivr.deflect()).reason == "line_disabled"
    assert (await house.ivr.eligible("call-2")).reason == "line_disabled"
    assert await house.network.counts() == {}


async def test_an_opted_out_person_is_left_alone(house: House):
    await house.ivr.deflect()
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason)"
            " SELECT workspace_id, contact_id, 'whatsapp', 'asked' FROM messaging.contact"
        )
    assert (await house.ivr.deflect("call-2")).reason == "opted_out"
    assert (await house.ivr.eligible("call-3")).reason == "opted_out"
    assert await house.network.counts() == {CALLER: 1}


async def test_fresh_negative_evidence_refuses_at_once(house: House):
    await house.network.behave(CALLER, "not_on_whatsapp")
    await house.ivr.deflect()
    told = await house.ivr.deflect("call-2")
    assert (told.reason, told.json["reachability"]) == ("not_on_channel", "unreachable")
    assert told.json["evidence"] == "history"
    assert await house.network.counts() == {CALLER: 1}
    assert (await house.ivr.eligible("call-3")).reason == "not_on_channel"


async def test_the_answer_is_the_same_for_ever_and_other_fields_may_differ(house: House):
    first = await house.ivr.deflect(intent="order")
    again = await house.ivr.deflect(intent="other", context={"a": 1}, deadline_ms=500)
    assert again.json["deflection_id"] == first.json["deflection_id"]
    assert again.action == first.action == "hangup"
    assert await house.network.counts() == {CALLER: 1}


async def test_fresh_positive_evidence_makes_acceptance_enough(house: House):
    await house.change_line(confirm=Confirm.ACCEPTED, grace_ms=800)
    await house.ivr.deflect("call-1")
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.network.ask("POST", "/sandbox/statuses", {"to": CALLER, "status": "delivered"})
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.network.behave(CALLER, "manual")
    told = await house.ivr.deflect("call-2")
    assert (told.action, told.json["evidence"]) == ("hangup", "accepted_known")


async def test_a_request_may_ask_for_more_evidence_than_its_line(house: House):
    await house.network.behave(CALLER, "offline")
    told = await house.ivr.deflect(confirm="delivered", deadline_ms=1500)
    assert (told.action, told.reason) == ("continue", "deadline")
    weaker = await house.ivr.deflect("call-2", "+79005550102", confirm="accepted")
    assert weaker.json["evidence"] in {"sent_quiet", "delivered_now"}


async def test_call_ids_may_contain_anything(house: House):
    ids = ["a\x00b", "a\\u0000b", "a\ud800b", "' OR 1=1 --", "x" * 512, "ключ", " ", "a/b?c#d"]
    for place, call_id in enumerate(ids):
        told = await house.ivr.deflect(call_id, f"+790055504{place:02d}")
        assert told.action == "hangup", call_id
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == len(ids)


async def test_a_context_that_no_column_could_hold_does_no_harm(house: House):
    told = await house.ivr.deflect(
        context={"a\x00": "b\x00", "c": "\ud800", "n": float("nan"), "deep": [[["x"]]]},
        intent="\x00", ivr_path=["\x00", 1], digits=1,
    )  # fmt: skip
    assert told.action == "hangup"


async def test_a_rehearsal_answers_with_the_trace_and_does_nothing(house: House):
    told = await house.ivr.deflect(dry_run=True)
    assert told.action == "continue"
    assert told.reason == "ok"
    assert told.json["trace"][0]["rule"] == "line_enabled"
    asked = await house.ivr.eligible(dry_run=True)
    assert asked.action == "offer"
    assert asked.json["trace"]
    assert await house.network.counts() == {}
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 0
    assert (await house.ivr.deflect()).action == "hangup"


async def test_redis_away_costs_a_sweep_and_nothing_else(house: House, monkeypatch):
    monkeypatch.setattr(house.wake, "_ring", lambda topic: None)
    told = await house.ivr.deflect()
    assert told.action == "hangup"


async def test_a_withheld_caller_may_key_in_a_mobile(house: House):
    told = await house.ivr.deflect(caller="anonymous", messenger_number="8 900 555-01-09")
    assert told.action == "hangup"
    assert await house.network.counts() == {"+79005550109": 1}
    row = (await house.rows("SELECT caller FROM ivr_bridge.call"))[0]
    assert row["caller"] is None
    assert (await house.value("SELECT asked FROM ivr_bridge.deflection"))["keyed_in"] is True
