from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from messaging.channel import (
    Account,
    AddressKind,
    Failure,
    FailureClass,
    InboundEvent,
    InboundMessage,
    OtherEvent,
    ReportedStatus,
    StatusReport,
)
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType
from tests.fakes.cloud_api import WAMID, message, payload, payload_names, webhook
from tests.messaging.whatsapp.conftest import account_at

ANNA = {AddressKind.WA_ID: "79005550101", AddressKind.BSUID: "RU.13491208655302741918"}
OURS = UUID("01932c5e-7a1b-7c3d-8e4f-0123456789ab")


def only(events: Sequence[InboundEvent]) -> InboundEvent:
    (event,) = events
    return event


def read(whatsapp: WhatsApp, account: Account, name: str) -> InboundMessage:
    event = only(whatsapp.parse(account, payload(name)))
    assert isinstance(event, InboundMessage)
    return event


def reported(whatsapp: WhatsApp, account: Account, name: str) -> StatusReport:
    event = only(whatsapp.parse(account, payload(name)))
    assert isinstance(event, StatusReport)
    return event


CONTENTS = {
    "text": Content(ContentType.TEXT, text="Где мой заказ 17?"),
    "text_reply": Content(ContentType.TEXT, text="Да, этот"),
    "template_button": Content(ContentType.CHOICE, text="Продолжить", choice="c:3Jk9"),
    "button_reply": Content(ContentType.CHOICE, text="Где заказ", choice="order_status"),
    "list_reply": Content(ContentType.CHOICE, text="Возврат", choice="returns"),
    "flow_reply": Content(
        ContentType.CHOICE,
        text="Sent",
        choice="callback:17",
        extra={"form": {"flow_token": "callback:17", "time": "18:00"}},
    ),
    "call_permission_reply": Content(
        ContentType.UNSUPPORTED, extra={"provider_type": "interactive"}
    ),
    "image": Content(ContentType.IMAGE, text="Вот чек"),
    "document": Content(ContentType.DOCUMENT),
    "voice": Content(ContentType.AUDIO, extra={"voice": True}),
    "video": Content(ContentType.VIDEO, text="Не работает"),
    "sticker": Content(ContentType.STICKER),
    "location": Content(
        ContentType.LOCATION, text="Красная площадь, Москва", location=(55.7558, 37.6173)
    ),
    "reaction": Content(ContentType.REACTION, emoji="👍"),
    "reaction_removed": Content(ContentType.REACTION),
    "unsupported": Content(
        ContentType.UNSUPPORTED,
        extra={"provider_type": "poll_creation", "error_codes": ["131051"]},
    ),
    "image_lost": Content(
        ContentType.UNSUPPORTED, extra={"provider_type": "image", "error_codes": ["131052"]}
    ),
    "type_of_tomorrow": Content(ContentType.UNSUPPORTED, extra={"provider_type": "hologram"}),
}


@pytest.mark.parametrize("name", CONTENTS)
async def test_every_inbound_type_is_told_in_our_words(
    whatsapp: WhatsApp, account: Account, name: str
) -> None:
    event = read(whatsapp, account, name)
    assert event.content == CONTENTS[name]
    assert event.sender == ANNA
    assert event.profile_name == "Анна Соколова"
    assert event.at == datetime.fromtimestamp(1763769600, UTC)
    assert event.event_key == f"m:{event.provider_id}"
    assert event.provider_id.startswith("wamid.")


async def test_contact_cards_keep_names_and_numbers(whatsapp: WhatsApp, account: Account) -> None:
    event = read(whatsapp, account, "contacts")
    assert event.content.type is ContentType.CONTACTS
    assert event.content.text == "Пётр Иванов"
    (card,) = event.content.extra["contacts"]  # type: ignore[misc]
    assert card["phones"][0]["wa_id"] == "79005550177"  # type: ignore[has-type]


async def test_an_order_keeps_its_words_and_items(whatsapp: WhatsApp, account: Account) -> None:
    content = read(whatsapp, account, "order").content
    assert (content.type, content.text) == (ContentType.UNSUPPORTED, "Можно к вечеру?")
    assert content.extra["order"]["product_items"][0]["quantity"] == 2  # type: ignore[index]


async def test_an_advertisement_is_named_beside_the_text(
    whatsapp: WhatsApp, account: Account
) -> None:
    content = read(whatsapp, account, "text_from_ad").content
    assert content.text == "Здравствуйте"
    assert content.extra["referral"]["source_id"] == "120226305854810726"  # type: ignore[index]


@pytest.mark.parametrize(
    "name", ["text_reply", "template_button", "button_reply", "reaction", "reaction_removed"]
)
async def test_what_is_answered_is_known(whatsapp: WhatsApp, account: Account, name: str) -> None:
    assert read(whatsapp, account, name).reply_to == WAMID


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image", ("1003383421387256", "image/jpeg", None)),
        ("document", ("1376223850470843", "application/pdf", "договор.pdf")),
        ("voice", ("1908647269898587", "audio/ogg; codecs=opus", None)),
        ("video", ("1166846181421424", "video/mp4", None)),
        ("sticker", ("798882015472548", "image/webp", None)),
    ],
)
async def test_files_wait_at_meta(
    whatsapp: WhatsApp, account: Account, name: str, expected: tuple[str, str, str | None]
) -> None:
    media = read(whatsapp, account, name).media
    assert media is not None
    assert (media.provider_media_id, media.mime, media.name) == expected
    assert media.sha256
    assert (media.url is not None) == (name == "image")


async def test_a_username_hides_the_number(whatsapp: WhatsApp, account: Account) -> None:
    event = read(whatsapp, account, "username_only")
    assert event.sender == {AddressKind.BSUID: "RU.7777120865530274"}
    assert event.profile_name == "Мария"


async def test_the_wa_id_counts_where_it_differs_from_the_number(
    whatsapp: WhatsApp, account: Account
) -> None:
    event = read(whatsapp, account, "brazil_ids_differ")
    assert event.sender == {AddressKind.WA_ID: "551187654321"}
    assert event.profile_name == "João"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("system_number_changed", "system.user_changed_number"),
        ("group_text", "message.group"),
        ("account_error", "error.130429"),
        ("template_paused", "message_template_status_update.paused"),
        ("account_restricted", "account_update.account_restriction"),
        ("status_of_tomorrow", "status.held_for_quality_assessment"),
    ],
)
async def test_the_rest_is_kept_without_acting(
    whatsapp: WhatsApp, account: Account, name: str, kind: str
) -> None:
    event = only(whatsapp.parse(account, payload(name)))
    assert isinstance(event, OtherEvent)
    assert event.type == kind
    assert event.event_key == only(whatsapp.parse(account, payload(name))).event_key


PMP = {"pricing_model": "PMP", "type": "regular", "category": "utility", "billable": "true"}


@pytest.mark.parametrize(
    ("name", "status", "pricing"),
    [
        ("status_sent", ReportedStatus.SENT, PMP),
        (
            "status_delivered",
            ReportedStatus.DELIVERED,
            {"pricing_model": "PMP", "type": "free_customer_service", "category": "service"},
        ),
        ("status_read", ReportedStatus.READ, None),
        ("status_played", ReportedStatus.READ, None),
    ],
)
async def test_statuses_come_back_to_our_message(
    whatsapp: WhatsApp,
    account: Account,
    name: str,
    status: ReportedStatus,
    pricing: dict[str, str] | None,
) -> None:
    event = reported(whatsapp, account, name)
    assert event.status is status
    assert event.event_key == f"s:{WAMID}:{name.removeprefix('status_')}"
    assert event.message_id == OURS
    assert event.recipient == ANNA
    assert event.pricing == pricing
    assert event.failure is None


async def test_older_versions_charge_by_conversation(whatsapp: WhatsApp, account: Account) -> None:
    event = reported(whatsapp, account, "status_sent_by_conversation")
    assert event.pricing == {
        "pricing_model": "CBP",
        "category": "utility",
        "billable": "true",
        "conversation_id": "6ceb9d929c9bdc4f90e967a32f8639b4",
        "conversation_origin": "utility",
    }


async def test_a_failure_is_told_in_our_words_without_the_number(
    whatsapp: WhatsApp, account: Account
) -> None:
    event = reported(whatsapp, account, "status_failed")
    assert event.status is ReportedStatus.FAILED
    assert event.failure == Failure(
        FailureClass.NOT_ON_CHANNEL, "131026", "Message undeliverable to …."
    )
    assert event.recipient == {AddressKind.WA_ID: "79005550101"}


async def test_a_failure_without_a_reason_is_still_one(
    whatsapp: WhatsApp, account: Account
) -> None:
    event = only(whatsapp.parse(account, webhook(statuses=[{"id": "w", "status": "failed"}])))
    assert isinstance(event, StatusReport)
    assert event.failure == Failure(FailureClass.UNKNOWN, "")


async def test_statuses_may_lack_the_number_or_carry_a_foreign_tracker(
    whatsapp: WhatsApp, account: Account
) -> None:
    by_name = reported(whatsapp, account, "status_by_username")
    assert by_name.recipient == {AddressKind.BSUID: ANNA[AddressKind.BSUID]}
    foreign = reported(whatsapp, account, "status_of_another_system")
    assert foreign.message_id is None


async def test_every_entry_and_change_of_our_number_counts_and_no_other(
    whatsapp: WhatsApp, account: Account
) -> None:
    events = whatsapp.parse(account, payload("several_entries"))
    said = [event.content.text for event in events if isinstance(event, InboundMessage)]
    assert said == ["Раз", "Два", "Три"]
    assert sum(isinstance(event, StatusReport) for event in events) == 1
    senders = [event.profile_name for event in events if isinstance(event, InboundMessage)]
    assert senders == ["Анна Соколова", "Борис", "Анна Соколова"]


@pytest.mark.parametrize("name", payload_names())
async def test_another_number_or_business_hears_nothing(whatsapp: WhatsApp, name: str) -> None:
    stranger = account_at("https://graph.facebook.com", waba_id="1")
    foreign = type(stranger)(
        stranger.workspace_id,
        stranger.id,
        stranger.name,
        stranger.kind,
        stranger.base_url,
        "123",
        stranger.settings,
        stranger.secrets,
    )
    assert whatsapp.parse(foreign, payload(name)) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"no json",
        b"\xff\xfe",
        b'{"object":"page","entry":[]}',
        b'{"object":"whatsapp_business_account"}',
        b'{"a":' + b"[" * 100_000,
        b'{"a":' + b"9" * 10_000 + b"}",
    ],
)
async def test_what_is_no_webhook_is_refused_whole(
    whatsapp: WhatsApp, account: Account, body: bytes
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the contract
        whatsapp.parse(account, body)


async def test_text_that_a_database_cannot_hold_is_made_fit(
    whatsapp: WhatsApp, account: Account
) -> None:
    body = webhook(messages=[message("text", {"body": "a\0b\ud83d \ud83d\ude00 я"})])
    event = only(whatsapp.parse(account, body))
    assert isinstance(event, InboundMessage)
    assert event.content.text == "ab? 😀 я"


async def test_a_message_nobody_sent_cannot_be_answered(
    whatsapp: WhatsApp, account: Account
) -> None:
    nameless = message("text", {"body": "?"}) | {"from": None}
    event = only(whatsapp.parse(account, webhook(messages=[nameless])))
    assert event == OtherEvent("m:wamid.IN1", "message.incomplete", event.at)


async def test_a_time_out_of_any_calendar_becomes_now(account: Account) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    whatsapp = WhatsApp(None, clock=lambda: now)  # type: ignore[arg-type]
    strange: tuple[object, ...] = ("", "soon", "9" * 40, None, {}, "1e9")
    for broken in strange:
        told = message("text", {"body": "?"}, timestamp=broken)
        assert only(whatsapp.parse(account, webhook(messages=[told]))).at == now


async def test_a_file_id_that_is_no_name_is_not_followed(
    whatsapp: WhatsApp, account: Account
) -> None:
    body = webhook(messages=[message("image", {"id": "../me?fields=name", "mime_type": "x/y"})])
    event = only(whatsapp.parse(account, body))
    assert isinstance(event, InboundMessage)
    assert event.media is None
    assert event.content.type is ContentType.UNSUPPORTED
