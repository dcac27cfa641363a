import asyncio
from typing import Any

import pytest

from sandbox.client import SandboxClient
from tests.sandbox.conftest import ACCOUNT, CALLER, Cloud, account, opening, text
from tests.sandbox.receiver import Receiver

Json = dict[str, Any]


async def test_an_opening_is_accepted_with_a_wamid_and_the_wa_id(cloud: Cloud) -> None:
    status, answer = await cloud.send(opening())
    assert status == 200
    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": CALLER, "wa_id": "79005550101"}]
    assert answer["messages"][0]["message_status"] == "accepted"
    assert answer["messages"][0]["id"].startswith("wamid.")


@pytest.mark.parametrize(
    ("given", "known_as"),
    [
        ("+5531987654321", "553187654321"),  # area code 31 drops the ninth digit
        ("+5511987654321", "5511987654321"),  # area code 11 keeps it
        ("+525512345678", "5215512345678"),
        ("+541123456789", "5491123456789"),
        ("9005550101", "79005550101"),  # no plus: the business's country code comes before it
    ],
)
async def test_the_wa_id_is_learnt_from_the_reply(cloud: Cloud, given: str, known_as: str) -> None:
    _, answer = await cloud.send(opening(given))
    assert answer["contacts"] == [{"input": given, "wa_id": known_as}]


async def test_a_wrong_token_is_code_190(cloud: Cloud) -> None:
    cloud.token = "stolen"
    assert await cloud.refused(opening()) == 190


async def test_another_businesss_id_is_no_object_of_this_token(cloud: Cloud) -> None:
    _, answer = await cloud.send(opening(), account_id="555")
    assert answer["error"]["code"] == 33


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 5000])
async def test_what_is_no_json_object_is_code_100(cloud: Cloud, body: bytes) -> None:
    assert await cloud.refused(body) == 100


WRONG: list[tuple[int, Json]] = [
    (131008, {"to": None}),
    (131009, {"to": "12"}),
    (131009, {"to": "hello"}),
    (131021, {"to": "+78002500000"}),
    (131009, {"recipient_type": "group"}),
    (131009, {"biz_opaque_callback_data": "x" * 513}),
    (131051, {"type": "hologram"}),
    (131062, {"to": None, "recipient": "RU.123"}),
    (131009, {"context": "wamid"}),
]


@pytest.mark.parametrize(("code", "change"), WRONG)
async def test_a_wrong_envelope_is_refused(cloud: Cloud, code: int, change: Json) -> None:
    assert await cloud.refused(opening(**change)) == code


def _opening(**template: Any) -> Json:
    body = opening()
    body["template"] = {**body["template"], **template}
    return body


def _body(*parameters: Json) -> list[Json]:
    return [{"type": "body", "parameters": list(parameters)}]


TOPIC = {"type": "text", "parameter_name": "topic", "text": "заказ"}
WRONG_TEMPLATES: list[tuple[int, Json]] = [
    (132001, _opening(name="nobody_knows")),
    (132001, _opening(language={"code": "en"})),
    (131008, _opening(language=None)),
    (132000, _opening(components=[])),
    (132000, _opening(components=_body(TOPIC, TOPIC))),
    (132012, _opening(components=_body({"type": "text", "text": "no name"}))),
    (132012, _opening(components=_body({"type": "image", "parameter_name": "topic"}))),
    (131008, _opening(components=_body({**TOPIC, "text": ""}))),
    (132018, _opening(components=_body({**TOPIC, "text": "two\nlines"}))),
    (132005, _opening(components=_body({**TOPIC, "text": "x" * 1024}))),
    (131009, _opening(components={"type": "body"})),
    (132000, _opening(components=[*_body(TOPIC), {"type": "header", "parameters": [TOPIC]}])),
    (
        132012,
        _opening(
            components=[
                *_body(TOPIC),
                {"type": "button", "sub_type": "quick_reply", "index": 0, "parameters": [TOPIC]},
            ]
        ),
    ),
]


@pytest.mark.parametrize(("code", "body"), WRONG_TEMPLATES)
async def test_a_wrong_template_is_refused(cloud: Cloud, code: int, body: Json) -> None:
    assert await cloud.refused(body) == code


@pytest.mark.parametrize(("state", "code"), [("PAUSED", 132015), ("DISABLED", 132016)])
async def test_a_stopped_template_is_refused(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver, state: str, code: int
) -> None:
    stopped = account(ear)
    template = stopped.templates[0].model_copy(update={"status": state})
    await sandbox.register(stopped.model_copy(update={"templates": [template]}))
    assert await cloud.refused(opening()) == code


async def test_free_form_needs_a_customers_message_within_24_hours(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    assert await cloud.refused(text()) == 131047
    await sandbox.inbound(ACCOUNT, CALLER, {"type": "text", "text": {"body": "Да"}})
    assert (await cloud.send(text()))[0] == 200
    await sandbox.advance(24 * 3600)
    assert await cloud.refused(text()) == 131047


async def test_the_closed_window_may_also_show_only_later(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, window_errors="async"))
    assert (await cloud.send(text()))[0] == 200
    await sandbox.advance(1)
    await ear.until(lambda heard: bool(heard.statuses))
    assert ear.statuses[0]["status"] == "failed"
    assert ear.statuses[0]["errors"][0]["code"] == 131047


def _interactive(kind: str, action: Json, **more: Any) -> Json:
    part = {"type": kind, "body": {"text": "Выберите"}, "action": action, **more}
    return {
        "messaging_product": "whatsapp",
        "to": CALLER,
        "type": "interactive",
        "interactive": part,
    }


def _buttons(*titles: str) -> Json:
    rows = [
        {"type": "reply", "reply": {"id": f"b{index}", "title": title}}
        for index, title in enumerate(titles)
    ]
    return _interactive("button", {"buttons": rows})


def _list(rows: int, **row: Any) -> Json:
    made = [{"id": f"r{index}", "title": f"Тема {index}", **row} for index in range(rows)]
    return _interactive("list", {"button": "Темы", "sections": [{"rows": made}]})


def _of(kind: str, part: Any) -> Json:
    return {"messaging_product": "whatsapp", "to": CALLER, "type": kind, kind: part}


FREE_FORM: list[tuple[int | None, Json]] = [
    (None, text("x" * 4096)),
    (131009, text("x" * 4097)),
    (131008, text("")),
    (None, _buttons("Один", "Два", "Три")),
    (131009, _buttons("1", "2", "3", "4")),
    (131009, _buttons("Слишком длинное имя кнопки")),
    (131009, _buttons("Да", "Да")),
    (131008, _interactive("button", {"buttons": []})),
    (131009, _interactive("button", {"buttons": [{"type": "reply", "reply": {"id": "x" * 257, "title": "y"}}]})),
    (131009, {**_buttons("Да"), "interactive": {**_buttons("Да")["interactive"], "body": {"text": "x" * 1025}}}),
    (None, _list(10)),
    (131009, _list(11)),
    (131009, _list(1, title="x" * 25)),
    (131009, _list(1, description="x" * 73)),
    (131009, _list(2, id="same")),
    (131009, _list(1, id="x" * 201)),
    (131009, _interactive("carousel", {"cards": [1]})),
    (None, _interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "Открыть", "url": "https://example.org"}})),
    (None, _of("image", {"link": "https://example.org/cat.png", "caption": "Кот"})),
    (131009, _of("image", {"id": "1", "link": "https://example.org/cat.png"})),
    (131053, _of("image", {"id": "404"})),
    (100, _of("audio", {"link": "https://example.org/a.ogg", "caption": "нет"})),
    (None, _of("location", {"latitude": 55.75, "longitude": 37.61})),
    (131009, _of("location", {"latitude": 155, "longitude": 37.61})),
    (None, _of("contacts", [{"name": {"formatted_name": "Анна"}}])),
    (131008, _of("contacts", [{"name": {}}])),
    (None, _of("reaction", {"message_id": "wamid.x", "emoji": ""})),
    (131008, _of("reaction", {"message_id": "wamid.x"})),
]  # fmt: skip


@pytest.mark.parametrize(("code", "body"), FREE_FORM)
async def test_free_form_messages_keep_metas_limits(
    sandbox: SandboxClient, cloud: Cloud, code: int | None, body: Json
) -> None:
    await sandbox.inbound(ACCOUNT, CALLER, {"type": "text", "text": {"body": "Да"}})
    if code is None:
        assert (await cloud.send(body))[0] == 200
    else:
        assert await cloud.refused(body) == code


async def test_throughput_counts_what_goes_in_and_out(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, mps=3))
    await sandbox.inbound(ACCOUNT, CALLER, {"type": "text", "text": {"body": "Да"}})
    sent = await asyncio.gather(*(cloud.send(opening(f"+7900555020{n}")) for n in range(3)))
    assert sorted(status for status, _ in sent) == [200, 200, 429]
    assert [body["error"]["code"] for status, body in sent if status == 429] == [130429]


async def test_one_person_gets_45_at_once_then_one_in_six_seconds(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, mps=0))
    await sandbox.behave(CALLER, "reachable", accepted_ms=0)
    for _ in range(45):
        assert (await cloud.send(opening()))[0] == 200
    assert await cloud.refused(opening()) == 131056
    assert (await cloud.send(opening("+79005550102")))[0] == 200
    await sandbox.advance(6)
    assert (await cloud.send(opening()))[0] == 200


async def test_the_tier_and_templates_can_be_read(cloud: Cloud) -> None:
    status, number = await cloud.ask("GET", f"/v25.0/{ACCOUNT}")
    assert status == 200
    assert number["whatsapp_business_manager_messaging_limit"] == "TIER_250"
    assert number["throughput"] == {"level": "STANDARD"}
    status, listed = await cloud.ask("GET", "/v25.0/900800700/message_templates")
    assert status == 200
    assert listed["data"][0]["message_send_ttl_seconds"] == 60
    assert listed["data"][0]["status"] == "APPROVED"
    cloud.token = "stolen"
    status, _ = await cloud.ask("GET", "/v25.0/900800700/message_templates")
    assert status == 401


async def test_reading_marks_and_types(sandbox: SandboxClient, cloud: Cloud) -> None:
    wamid = await sandbox.phone(CALLER).write(ACCOUNT, "Где мой заказ?")
    body = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    assert await cloud.send(body) == (200, {"success": True})
    shown = await sandbox.ask("GET", "/phone/api/numbers/79005550101")
    assert shown["chats"][0]["typing"] is True
    assert shown["chats"][0]["messages"][0]["read"] is True
    assert await cloud.refused({**body, "message_id": "wamid.unknown"}) == 131009
    assert await cloud.refused({**body, "typing_indicator": {"type": "voice"}}) == 131009


async def test_a_user_id_can_be_sent_to_once_it_was_seen(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, bsuid="only"))
    await sandbox.inbound(ACCOUNT, CALLER, {"type": "text", "text": {"body": "Да"}})
    await ear.until(lambda heard: bool(heard.messages))
    user = ear.messages[0]["from_user_id"]
    assert user.startswith("RU.")
    assert "from" not in ear.messages[0]
    assert "wa_id" not in ear.values[0]["contacts"][0]
    status, answer = await cloud.send({**text(), "to": None, "recipient": user})
    assert status == 200
    assert answer["contacts"] == [{"input": user, "user_id": user}]
