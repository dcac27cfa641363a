"""Each group of rules on a line of its own, and the explanation that a manager and an engineer get."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.journeys.desk import Desk, Json, Refusal, signed_in
from tests.journeys.house import new_phone
from tests.journeys.terminal import printed
from tests.product import Product

CLOSED = {"week": {"mon": "00:00-00:01"}, "dates": {"2020-01-01": []}}
GROUPS: dict[str, Json] = {
    "hours": {"hours": {**CLOSED, "holidays": {"country": "RU"}}},
    "peak": {"peak": {"voice_wait_s": 180, "queue_position": 10}},
    "busy": {"peak": {"calls": 2, "calls_within_min": 5}},
    "chat": {"chat": {"faster_by_s": 60, "staffed": True}},
    "intents": {"intents": {"never": ["fraud"]}, "require_language": True},
    "incident": {"incident": True},
    "share": {"share": {"of": 0}},
    "hold-out": {"hold_out": {"of": 0.5}},
    "consent": {"consent": {"prompt_versions": ["p-1"]}},
    "caps": {"frequency": [{"at_most": 1, "within_s": 1200}]},
    "offers": {"offers": {"every_s": 60, "per_call": 5}},
}
NUMBERS = {name: f"+7800250{place:04d}" for place, name in enumerate(GROUPS, 1001)}


class Line:
    """An IVR on one of the lines."""

    def __init__(self, product: Product, key: str, name: str) -> None:
        self.product, self.number = product, NUMBERS[name]
        self.headers = {"Authorization": f"Bearer {key}"}

    async def ask(self, path: str, phone: Phone, call_id: str | None = None, **more: Any) -> Json:
        body = {
            "call_id": call_id or secrets.token_hex(8),
            "caller": phone.number,
            "line": self.number,
            "deadline_ms": 8000,
            **more,
        }
        async with self.product.http.post(
            self.product.base_url + path, json=body, headers=self.headers
        ) as response:
            assert response.status == 200, await response.text()
            told: Json = await response.json(content_type=None)
            return told

    async def reason(self, phone: Phone, call_id: str | None = None, **more: Any) -> str:
        return str((await self.ask("/v1/eligibility", phone, call_id, **more))["reason"])

    async def press(self, phone: Phone, call_id: str | None = None, **more: Any) -> Json:
        return await self.ask("/v1/deflections", phone, call_id, **more)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def on(own_product: Product) -> AsyncIterator[Callable[[str], Line]]:
    """The lines, kept on the admin pages, and a key from the command line that opens them all."""
    async with signed_in(own_product, "admin") as admin:
        for name, policy in GROUPS.items():
            await _keep(admin, name, policy)
    key = (await printed(own_product, "keys", "issue", "demo", "--name", "rules")).strip()
    yield lambda name: Line(own_product, key, name)


async def _keep(admin: Desk, name: str, policy: Json) -> None:
    wanted: Json = {
        "title": f"Toyshop {name}",
        "numbers": [NUMBERS[name]],
        "country": "RU",
        "account": "whatsapp",
        "flow": "toyshop",
        "queue": "orders",
        "callback_queue": "callbacks",
        "opening": {"ru": {"template": "call_to_chat", "parameters": ["{line_number}"]}},
        "consent": {"prompt_version": "p-1"},
        "terms": {"policy": policy},
    }
    await admin.ask("PUT", f"/v1/lines/{name}", {"line": wanted})


async def test_only_whom_the_line_wants_is_offered_a_chat(own_product: Product, on: Any):
    def phone() -> Phone:
        return new_phone(own_product)

    assert await on("hours").reason(phone()) == "outside_hours"
    assert await on("peak").reason(phone(), voice_wait_s=20) == "below_peak"
    assert await on("peak").reason(phone(), voice_wait_s=20, queue_position=10) == "ok"
    assert await on("peak").reason(phone()) == "ok"
    assert await on("chat").reason(phone(), voice_wait_s=600) == "chat_full"
    assert await on("intents").reason(phone(), intent="Fraud") == "intent_excluded"
    assert await on("intents").reason(phone(), language="de") == "language"
    assert await on("intents").reason(phone(), intent="order", language="ru") == "ok"
    assert await on("incident").reason(phone()) == "incident"
    assert await on("share").reason(phone()) == "share"
    assert await on("busy").reason(phone()) == "below_peak"

    late = phone()
    pressed = await on("incident").press(late, voice_wait_s=1)
    assert (pressed["action"], pressed["reason"]) == ("hangup", "ok")
    wrong = await on("consent").press(phone(), consent={"given": True, "prompt_version": "p-0"})
    assert (wrong["action"], wrong["reason"]) == ("continue", "no_consent")
    assert await on("caps").reason(late, dry_run=True) == "frequency_cap"
    assert (await on("caps").press(late))["reason"] == "frequency_cap"


async def test_an_offer_that_was_declined_is_not_made_again(own_product: Product, on: Any):
    line, caller, call_id = on("offers"), new_phone(own_product), secrets.token_hex(8)
    assert await line.reason(caller, call_id) == "ok"
    await own_product.rows("UPDATE ivr_bridge.eligibility SET at = at - interval '20 s'")
    assert await line.reason(caller, call_id) == "frequency_cap"
    await own_product.rows("UPDATE ivr_bridge.eligibility SET at = at - interval '40 s'")
    assert await line.reason(caller, call_id) == "ok"
    event = {"call_id": call_id, "line": line.number, "event": "declined", "caller": caller.number}
    async with own_product.http.post(
        own_product.base_url + "/v1/calls/events", json=event, headers=line.headers
    ) as response:
        assert response.status == 200
    assert await line.reason(caller, call_id) == "declined"
    assert await line.reason(caller) == "declined"


async def test_whoever_is_held_out_is_explained_as_such(own_product: Product, on: Any):
    line = on("hold-out")
    callers = [new_phone(own_product) for _ in range(12)]
    arms = {}
    for caller in callers:
        told = await line.ask("/v1/eligibility", caller, caller.number)
        arms[caller] = told["variant"]
        assert (told["reason"] == "hold_out") == (told["variant"] == "hold_out")
    held = next(caller for caller in callers if arms[caller] == "hold_out")
    pressed = await line.press(held, held.number)
    assert pressed["action"] == "hangup", "whoever pressed 1 was promised a message"
    path = f"/v1/deflections/{pressed['deflection_id']}/explanation"
    async with signed_in(own_product, "manager") as manager:
        told = await manager.ask("GET", path)
        assert told["call"]["caller"] == f"{held.number[:3]}…{held.number[-2:]}"
        assert told["eligibility"][0]["refused_by"] == "not_held_out"
        assert told["eligibility"][0]["rules"][-1]["wanted"] == {"of": 0.5, "period_days": 30}
        assert told["deflections"][0]["crossed_over"] is True
        assert told["deflections"][0]["timings"]["elapsed_ms"] > 0
    async with signed_in(own_product, "lead") as lead:
        assert (await lead.ask("GET", path))["call"]["caller"] == held.number
    async with signed_in(own_product, "operator") as operator:
        with pytest.raises(Refusal) as refusal:
            await operator.ask("GET", path)
        assert refusal.value.status == 403
    said = await printed(own_product, "explain", "demo", held.number, "--line", line.number)
    for word in ("held out", "not_held_out", "came all the same", "hangup (ok)", "delivered"):
        assert word in said.replace("\n", " "), said
    assert held.number[4:9] not in said.replace(held.number, "")
    as_json = json.loads(
        await printed(own_product, "explain", "demo", pressed["deflection_id"], "--json")
    )
    assert as_json["deflections"][0]["deflection_id"] == pressed["deflection_id"]
