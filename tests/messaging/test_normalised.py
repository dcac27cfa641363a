import json

from core.clock import utc_now
from messaging.channel import AddressKind, InboundMessage, OtherEvent
from messaging.channels.normalised import normalised
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType
from tests.fakes.cloud_api import WAMID, payload
from tests.messaging.whatsapp.conftest import account_at

KEYS = ["kind", "provider_id", "sender", "type", "text", "status", "at", "media"]


def line(name: str) -> dict[str, object]:
    whatsapp = WhatsApp(None)  # type: ignore[arg-type]  # parsing needs no session
    (event,) = whatsapp.parse(account_at("https://graph.facebook.com"), payload(name))
    flat = normalised(event)
    assert list(flat) == KEYS
    assert json.loads(json.dumps(flat)) == flat
    return flat


def test_a_message_with_a_file() -> None:
    flat = line("document")
    assert flat["kind"] == "message"
    assert flat["sender"] == "79005550101"
    assert flat["type"] == "document"
    assert flat["at"] == "2025-11-22T00:00:00+00:00"
    assert flat["status"] is None
    assert flat["media"] == {
        "provider_media_id": "1376223850470843",
        "mime": "application/pdf",
        "name": "договор.pdf",
        "sha256": "JGGyHBzZ0zQ3G9mqcWdMbBn8H4MpqDfh1Y5YeHjxUWo=",
    }


def test_words_taps_and_reactions_are_text() -> None:
    assert line("text")["text"] == "Где мой заказ 17?"
    assert line("list_reply")["text"] == "Возврат"
    assert line("reaction")["text"] == "👍"
    assert line("reaction_removed")["text"] is None


def test_someone_without_a_number_is_known_by_the_bsuid() -> None:
    assert line("username_only")["sender"] == "RU.7777120865530274"


def test_a_status() -> None:
    flat = line("status_played")
    assert flat["kind"] == "status"
    assert flat["provider_id"] == WAMID
    assert flat["status"] == "read"
    assert flat["type"] is flat["text"] is flat["sender"] is flat["media"] is None


def test_anything_else() -> None:
    flat = line("template_paused")
    assert flat["kind"] == "other"
    assert flat["type"] == "message_template_status_update.paused"


def test_other_channels_know_people_in_other_ways() -> None:
    content = Content(ContentType.TEXT, text="/start")
    event = InboundMessage("k", "1", {AddressKind.USER_ID: "42"}, None, utc_now(), content)
    assert normalised(event)["sender"] == "42"
    assert normalised(OtherEvent("k", "blocked", utc_now()))["sender"] is None
