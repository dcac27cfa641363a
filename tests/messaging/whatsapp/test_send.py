from typing import Any

import pytest

from core.ids import MediaId, MessageId, new_id
from messaging.channel import AddressKind, MediaFile, Outgoing, Recipient, Rejected
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType, Option, TemplateUse
from tests.fakes.cloud_api import PHONE_NUMBER_ID, WAMID, accepted
from tests.fakes.provider import Provider
from tests.messaging.whatsapp.conftest import account_at, outgoing

MENU = (Option("a", "Заказ", "Где он сейчас"), Option("b", "Возврат"))
TEMPLATE = TemplateUse("call_to_chat", "ru")


async def on_the_wire(whatsapp: WhatsApp, meta: Provider, said: Outgoing) -> dict[str, Any]:
    """What was sent, beyond what every message carries."""
    meta.answer(accepted())
    await whatsapp.send(account_at(meta.url), said, timeout_s=2)
    (heard,) = meta.heard
    body: dict[str, Any] = heard.json
    for key, value in {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+79005550101",
        "biz_opaque_callback_data": str(said.message_id),
    }.items():
        assert body.pop(key) == value
    return body


async def test_one_post_with_the_token_to_the_versioned_address(
    whatsapp: WhatsApp, meta: Provider
) -> None:
    said = outgoing(Content(ContentType.TEXT, text="Здравствуйте"))
    body = await on_the_wire(whatsapp, meta, said)
    assert body == {"type": "text", "text": {"body": "Здравствуйте"}}
    (heard,) = meta.heard
    assert (heard.method, heard.path) == ("POST", f"/v26.0/{PHONE_NUMBER_ID}/messages")
    assert heard.headers["Authorization"] == "Bearer EAAG-token"
    assert heard.headers["Content-Type"] == "application/json"
    assert heard.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("base", ["", "/", "/proxy", "/proxy/"])
async def test_version_and_base_address_are_settings(
    whatsapp: WhatsApp, meta: Provider, base: str
) -> None:
    meta.answer(accepted())
    account = account_at(meta.url + base, graph_version="v25.0")
    await whatsapp.send(account, outgoing(), timeout_s=2)
    prefix = base.rstrip("/")
    assert meta.heard[0].path == f"{prefix}/v25.0/{PHONE_NUMBER_ID}/messages"


@pytest.mark.parametrize(
    ("use", "components"),
    [
        (TEMPLATE, None),
        (
            TemplateUse("call_to_chat", "ru", parameters=("Заказ\n\t17", " Анна ")),
            [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Заказ 17"},
                        {"type": "text", "text": "Анна"},
                    ],
                }
            ],
        ),
        (
            TemplateUse(
                "call_to_chat",
                "ru",
                parameters=("Заказ 17",),
                parameter_names=("topic",),
                button_payloads=("c:3Jk9", "n:3Jk9"),
                url_suffixes=("", "3Jk9"),
                ttl_s=60,
            ),
            [
                {
                    "type": "body",
                    "parameters": [{"type": "text", "parameter_name": "topic", "text": "Заказ 17"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "c:3Jk9"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "n:3Jk9"}],
                },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "3",
                    "parameters": [{"type": "text", "text": "3Jk9"}],
                },
            ],
        ),
    ],
)
async def test_templates(
    whatsapp: WhatsApp, meta: Provider, use: TemplateUse, components: list[object] | None
) -> None:
    content = Content(ContentType.TEMPLATE, text="Здравствуйте! Вопрос: Заказ 17.", template=use)
    expected: dict[str, object] = {"name": "call_to_chat", "language": {"code": "ru"}}
    if components:
        expected["components"] = components
    body = await on_the_wire(whatsapp, meta, outgoing(content))
    assert body == {"type": "template", "template": expected}


async def test_buttons(whatsapp: WhatsApp, meta: Provider) -> None:
    content = Content(ContentType.BUTTONS, text="О чём вопрос?", options=MENU)
    assert await on_the_wire(whatsapp, meta, outgoing(content)) == {
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "О чём вопрос?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "a", "title": "Заказ"}},
                    {"type": "reply", "reply": {"id": "b", "title": "Возврат"}},
                ]
            },
        },
    }


async def test_a_list(whatsapp: WhatsApp, meta: Provider) -> None:
    content = Content(ContentType.LIST, text="О чём?", options=MENU, list_button="Выбрать")
    rows = [
        {"id": "a", "title": "Заказ", "description": "Где он сейчас"},
        {"id": "b", "title": "Возврат"},
    ]
    assert await on_the_wire(whatsapp, meta, outgoing(content)) == {
        "type": "interactive",
        "interactive": {
            "type": "list",
            "body": {"text": "О чём?"},
            "action": {"button": "Выбрать", "sections": [{"rows": rows}]},
        },
    }


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (ContentType.IMAGE, {"id": "77", "caption": "Чек"}),
        (ContentType.VIDEO, {"id": "77", "caption": "Чек"}),
        (ContentType.DOCUMENT, {"id": "77", "caption": "Чек", "filename": "чек.pdf"}),
        (ContentType.AUDIO, {"id": "77"}),
        (ContentType.STICKER, {"id": "77"}),
    ],
)
async def test_files_go_by_their_id(
    whatsapp: WhatsApp, meta: Provider, kind: ContentType, file: dict[str, str]
) -> None:
    media = MediaFile("application/pdf", "чек.pdf", "77")
    content = Content(kind, text="Чек", media_id=MediaId(new_id()))
    body = await on_the_wire(whatsapp, meta, outgoing(content, media=media))
    assert body == {"type": kind.value, kind.value: file}


async def test_a_place(whatsapp: WhatsApp, meta: Provider) -> None:
    content = Content(ContentType.LOCATION, text="Магазин", location=(55.75, 37.62))
    place = {"latitude": 55.75, "longitude": 37.62, "name": "Магазин"}
    body = await on_the_wire(whatsapp, meta, outgoing(content))
    assert body == {"type": "location", "location": place}


async def test_an_answer_names_what_it_answers(whatsapp: WhatsApp, meta: Provider) -> None:
    body = await on_the_wire(whatsapp, meta, outgoing(reply_to="wamid.IN1"))
    assert body["context"] == {"message_id": "wamid.IN1"}


@pytest.mark.parametrize("emoji", ["👍", None])
async def test_a_reaction_and_taking_it_back(
    whatsapp: WhatsApp, meta: Provider, emoji: str | None
) -> None:
    said = outgoing(Content(ContentType.REACTION, emoji=emoji), reply_to="wamid.IN1")
    reaction = {"message_id": "wamid.IN1", "emoji": emoji or ""}
    assert await on_the_wire(whatsapp, meta, said) == {"type": "reaction", "reaction": reaction}


@pytest.mark.parametrize(
    ("known", "address"),
    [
        ({AddressKind.PHONE: "+5511987654321"}, {"to": "+5511987654321"}),
        ({AddressKind.WA_ID: "551187654321"}, {"to": "+551187654321"}),
        (
            {AddressKind.PHONE: "+5511987654321", AddressKind.WA_ID: "551187654321"},
            {"to": "+551187654321"},
        ),
        ({AddressKind.BSUID: "BR.15"}, {"recipient": "BR.15"}),
        (
            {AddressKind.BSUID: "BR.15", AddressKind.PHONE: "+5511987654321"},
            {"to": "+5511987654321"},
        ),
    ],
)
async def test_a_person_is_addressed_in_one_way(
    whatsapp: WhatsApp, meta: Provider, known: dict[AddressKind, str], address: dict[str, str]
) -> None:
    meta.answer(accepted())
    await whatsapp.send(account_at(meta.url), outgoing(recipient=Recipient(known)), timeout_s=2)
    body = meta.heard[0].json
    assert {key: body[key] for key in ("to", "recipient") if key in body} == address


@pytest.mark.parametrize(
    ("contact", "learnt"),
    [
        ({}, {AddressKind.WA_ID: "79005550101"}),
        ({"wa_id": "551187654321"}, {AddressKind.WA_ID: "551187654321"}),
        (
            {"user_id": "RU.15"},
            {AddressKind.WA_ID: "79005550101", AddressKind.BSUID: "RU.15"},
        ),
        ({"wa_id": "", "user_id": "RU.15"}, {AddressKind.BSUID: "RU.15"}),
        ({"wa_id": "not digits"}, {}),
    ],
)
async def test_the_answer_teaches_addresses(
    whatsapp: WhatsApp, meta: Provider, contact: dict[str, str], learnt: dict[AddressKind, str]
) -> None:
    meta.answer(accepted(**contact))
    took = await whatsapp.send(account_at(meta.url), outgoing(), timeout_s=2)
    assert (took.provider_id, took.learnt) == (WAMID, learnt)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (outgoing(recipient=Recipient({})), "no_address"),
        (outgoing(recipient=Recipient({AddressKind.USER_ID: "7"})), "no_address"),
        (outgoing(Content(ContentType.TEMPLATE)), "no_template"),
        (
            outgoing(
                Content(
                    ContentType.TEMPLATE,
                    template=TemplateUse("t", "ru", ("a", "b"), parameter_names=("one",)),
                )
            ),
            "parameter_names",
        ),
        (outgoing(Content(ContentType.BUTTONS, text="?")), "no_options"),
        (outgoing(Content(ContentType.IMAGE)), "no_media"),
        (outgoing(Content(ContentType.LOCATION)), "no_location"),
        (outgoing(Content(ContentType.REACTION, emoji="👍")), "no_message_to_react_to"),
        (outgoing(Content(ContentType.UNSUPPORTED)), "not_sendable"),
        (outgoing(Content(ContentType.CHOICE)), "not_sendable"),
    ],
)
async def test_what_cannot_be_said_never_reaches_the_wire(
    whatsapp: WhatsApp, meta: Provider, said: Outgoing, code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        await whatsapp.send(account_at(meta.url), said, timeout_s=2)
    assert refused.value.failure.code == code
    assert meta.heard == []


@pytest.mark.parametrize("typing", [True, False])
async def test_reading_and_typing(whatsapp: WhatsApp, meta: Provider, typing: bool) -> None:
    meta.answer({"success": True})
    await whatsapp.mark_read(account_at(meta.url), "wamid.IN1", typing=typing, timeout_s=2)
    expected: dict[str, object] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.IN1",
    }
    if typing:
        expected["typing_indicator"] = {"type": "text"}
    assert meta.heard[0].json == expected


def test_a_message_does_not_print_who_it_is_for() -> None:
    said = outgoing(message_id=MessageId(new_id()))
    assert "9005550101" not in repr(said)
