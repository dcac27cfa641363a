"""A line that no file keeps: added on the pages, tried without effect, changed, and used by an IVR."""

import copy
import secrets

import pytest

from sandbox.client import Phone
from tests.journeys.desk import Desk, Json, Refusal, signed_in
from tests.product import LINE, Product

WANTED: Json = {
    "title": "Toyshop evenings",
    "numbers": ["+78002500001"],
    "country": "RU",
    "account": "whatsapp",
    "flow": "toyshop",
    "queue": "orders",
    "callback_queue": "callbacks",
    "opening": {"ru": {"template": "call_to_chat", "parameters": ["{line_number}"]}},
    "consent": {"prompt_version": "evening-1"},
    "terms": {"dialects": {"get_form": True}},
}


async def test_a_line_is_added_changed_and_answers(product: Product, phone: Phone):
    async with signed_in(product, "admin") as admin:
        choices = await admin.ask("GET", "/v1/line-choices")
        assert "whatsapp" in choices["accounts"]
        assert choices["languages"] == ["ru", "en"]
        assert {
            (each["account"], each["language"])
            for each in choices["templates"]
            if each["name"] == "call_to_chat"
        } >= {("whatsapp", "ru"), ("whatsapp", "en")}

        added = await admin.ask("PUT", "/v1/lines/evenings", {"line": WANTED})
        assert (added["managed_by"], added["version"]) == ("pages", 1)
        assert added["line"]["terms"]["dialects"]["get_form"] is True
        shown = {each["name"]: each for each in (await admin.ask("GET", "/v1/lines"))["lines"]}
        assert shown["evenings"] == added
        assert shown["main"]["managed_by"] == "file"

        changed = {**WANTED, "title": "Toyshop at night"}
        kept = await admin.ask("PUT", "/v1/lines/evenings", {"line": changed, "version": 1})
        assert (kept["version"], kept["line"]["title"]) == (2, "Toyshop at night")
        await _refused(admin, "evenings", WANTED, 1, "changed_meanwhile")
        await _refused(admin, "evenings", WANTED, None, "name_taken")
        await _refused(admin, "main", WANTED, shown["main"]["version"], "managed_by_file")
        await _refused(admin, "other", {**WANTED, "numbers": [LINE]}, None, "number_taken")
        await _refused(admin, "nobody", WANTED, 1, "line_unknown")
        await _refused(admin, "Not A Name", WANTED, None, "invalid_request")
        for wrong, path in (
            ({"queue": "nowhere"}, "line.queue"),
            ({"flow": "nowhere"}, "line.flow"),
            ({"account": "nowhere"}, "line.account"),
            ({"opening": {"de": {"template": "call_to_chat"}}}, "line.opening.de"),
            ({"opening": {"ru": {"template": "call_to_chat"}}}, "values_wrong"),
            # The demo's template may arrive later than anybody waits on the line.
            ({"confirm": "delivered"}, "time to live"),
            ({"terms": {"channels": [{"channel": "nowhere"}]}}, "line.terms.channels.0.channel"),
            (
                {"terms": {"channels": [{"channel": "whatsapp", "confirm": "delivered"}]}},
                "time to live",
            ),
            (
                {
                    "terms": {
                        "rescue": {"by": "sms", "channel": "whatsapp", "text": {"ru": "{link}"}}
                    }
                },
                "line.terms.rescue.channel",
            ),
            ({"grace_ms": -1}, "line.grace_ms"),
            ({"surprise": 1}, "line.surprise"),
        ):
            refusal = await _refused(admin, "other", {**WANTED, **wrong}, None, "invalid_request")
            assert path in refusal
        names = {line["name"] for line in (await admin.ask("GET", "/v1/lines"))["lines"]}
        assert {"evenings", "main"} <= names
        assert not names & {"other", "nobody"}
    trail = await product.rows(
        "SELECT action, facts FROM core.audit WHERE subject = 'evenings' ORDER BY at"
    )
    assert [row["action"] for row in trail] == ["line.added", "line.changed"]
    await product.rows("DELETE FROM ivr_bridge.line_number WHERE number = '+78002500001'")
    await product.rows("DELETE FROM ivr_bridge.line WHERE name = 'evenings'")


async def test_a_call_is_tried_without_effect(product: Product, phone: Phone):
    counted = "SELECT count(*) AS n FROM ivr_bridge.call"
    before = await product.rows(counted)
    async with signed_in(product, "admin") as admin:
        told = await admin.ask("POST", "/v1/lines/main/trial", {"caller": phone.number})
        assert (told["offer"]["action"], told["offer"]["reason"]) == ("offer", "ok")
        assert (told["press"]["action"], told["press"]["reason"]) == ("continue", "ok")
        assert {step["rule"] for step in told["press"]["trace"]} >= {"number_valid", "reachable"}

        hidden = await admin.ask("POST", "/v1/lines/main/trial", {"caller_withheld": True})
        assert hidden["offer"]["reason"] == hidden["press"]["reason"] == "caller_withheld"
        with pytest.raises(Refusal) as refusal:
            await admin.ask("POST", "/v1/lines/nowhere/trial", {"caller": phone.number})
        assert refusal.value.code == "line_unknown"
        odd = {"caller": phone.number, "consent": {"given": "perhaps"}, "channels": ["x" * 300]}
        with pytest.raises(Refusal) as refusal:
            await admin.ask("POST", "/v1/lines/main/trial", odd)
        assert (refusal.value.status, refusal.value.code) == (400, "invalid_request")
    assert await product.rows(counted) == before
    assert await product.sandbox.openings(phone.number) == 0


@pytest.mark.parametrize("role", ["operator", "lead", "manager"])
async def test_nobody_else_may_look(product: Product, role: str):
    async with signed_in(product, role) as person:
        for method, path, body in (
            ("GET", "/v1/lines", None),
            ("GET", "/v1/lines/main", None),
            ("GET", "/v1/line-choices", None),
            ("PUT", f"/v1/lines/{secrets.token_hex(4)}", {"line": copy.deepcopy(WANTED)}),
            ("POST", "/v1/lines/main/trial", {"caller": "+79260000000"}),
        ):
            with pytest.raises(Refusal) as refusal:
                await person.ask(method, path, body)
            assert refusal.value.status == 403, path


async def _refused(admin: Desk, name: str, line: Json, version: int | None, code: str) -> str:
    change: Json = {"line": line}
    if version is not None:
        change["version"] = version
    with pytest.raises(Refusal) as refusal:
        await admin.ask("PUT", f"/v1/lines/{name}", change)
    assert refusal.value.code == code
    return str(refusal.value.problem)
