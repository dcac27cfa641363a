"""Meta's webhook bodies as our events. Nothing in a body stops the rest of it from being read.

Statuses are most of the traffic and arrive a thousand at a time, so plain dictionary reads are used
throughout: building models costs more than the whole reading does.
"""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from core.ids import MessageId
from messaging.channel import (
    Account,
    AddressKind,
    InboundEvent,
    OtherEvent,
    ReportedStatus,
    StatusReport,
)
from messaging.channels.whatsapp import wire
from messaging.channels.whatsapp.failures import first_failure
from messaging.channels.whatsapp.messages import ContactBook, inbound_message
from messaging.channels.whatsapp.wire import JsonObject, mapping, sequence, text

_STATUSES = {
    "sent": ReportedStatus.SENT,
    "delivered": ReportedStatus.DELIVERED,
    "read": ReportedStatus.READ,
    # A voice message that was listened to was certainly read.
    "played": ReportedStatus.READ,
    "failed": ReportedStatus.FAILED,
}
_PRICING = ("pricing_model", "category", "type", "billable")


def events(account: Account, body: bytes, now: datetime) -> Iterator[InboundEvent]:
    """Every event in a webhook body that is this account's; ValueError when it is no such body."""
    for entry in map(mapping, sequence(_document(body).get("entry"))):
        for change in map(mapping, sequence(entry.get("changes"))):
            if _is_ours(account, entry, change):
                yield from _told(entry, change, now)


def _document(body: bytes) -> JsonObject:
    document = mapping(wire.document(body))
    if document.get("object") != "whatsapp_business_account" or "entry" not in document:
        raise ValueError("not a WhatsApp webhook")
    return document


def _is_ours(account: Account, entry: JsonObject, change: JsonObject) -> bool:
    """Meta sends every number of an app to one address, so each change names its number.

    Changes about templates and the account name none; they belong to the whole business account.
    """
    metadata = mapping(mapping(change.get("value")).get("metadata"))
    number = text(metadata.get("phone_number_id"))
    if number is not None or change.get("field") == "messages":
        return number == account.external_id
    waba = account.settings.get("waba_id")
    return not waba or text(entry.get("id")) == waba


def _told(entry: JsonObject, change: JsonObject, now: datetime) -> Iterator[InboundEvent]:
    value = mapping(change.get("value"))
    if change.get("field") != "messages":
        yield _about_the_account(entry, change, now)
        return
    for status in sequence(value.get("statuses")):
        yield _status(mapping(status), now)
    if messages := sequence(value.get("messages")):
        contacts = ContactBook(value.get("contacts"))
        for message in messages:
            yield inbound_message(mapping(message), contacts, now)
    for error in map(mapping, sequence(value.get("errors"))):
        kind = f"error.{text(error.get('code')) or 'unknown'}"
        yield OtherEvent(f"o:{wire.digest(entry.get('time'), error)}", kind, now)


def _status(item: JsonObject, now: datetime) -> StatusReport | OtherEvent:
    provider_id = text(item.get("id"))
    word = text(item.get("status"))
    at = wire.moment(item.get("timestamp"), now)
    status = _STATUSES.get(word or "")
    if provider_id is None or status is None:
        key = f"s:{provider_id}:{word}" if provider_id else f"o:{wire.digest(item)}"
        return OtherEvent(key, f"status.{word or 'unknown'}", at)
    return StatusReport(
        event_key=f"s:{provider_id}:{word}",
        status=status,
        at=at,
        provider_id=provider_id,
        message_id=_tracker(item.get("biz_opaque_callback_data")),
        recipient=_recipient(item),
        failure=first_failure(item.get("errors")) if status is ReportedStatus.FAILED else None,
        pricing=_pricing(item),
    )


def _tracker(carried: object) -> MessageId | None:
    """Our id as it came back; what another system of the same number sent means nothing to us."""
    if not isinstance(carried, str):
        return None
    try:
        return MessageId(UUID(carried))
    except ValueError:
        return None


def _recipient(item: JsonObject) -> dict[AddressKind, str]:
    """Either id may be missing: a username hides the number, and a failure omits the BSUID."""
    known: dict[AddressKind, str] = {}
    # To a group, `recipient_id` is the group.
    if item.get("recipient_type") != "group":
        recipient = item.get("recipient_id")
        if found := wire.wa_id(recipient):
            known[AddressKind.WA_ID] = found
        elif found := wire.bsuid(recipient):
            known[AddressKind.BSUID] = found
    if found := wire.bsuid(item.get("recipient_user_id")):
        known[AddressKind.BSUID] = found
    return known


def _pricing(item: JsonObject) -> dict[str, str] | None:
    """What it is charged as: per message (`PMP`), or per conversation in older API versions."""
    told = mapping(item.get("pricing"))
    pricing = {
        key: str(value).lower() if isinstance(value, bool) else wire.storable(str(value))
        for key in _PRICING
        if isinstance(value := told.get(key), str | bool)
    }
    conversation = mapping(item.get("conversation"))
    if found := text(conversation.get("id")):
        pricing["conversation_id"] = found
    if found := text(mapping(conversation.get("origin")).get("type")):
        pricing["conversation_origin"] = found
    return pricing or None


def _about_the_account(entry: JsonObject, change: JsonObject, now: datetime) -> OtherEvent:
    """Template verdicts, quality, limits, bans: `message_template_status_update.paused`."""
    field = text(change.get("field")) or "unknown"
    happened = text(mapping(change.get("value")).get("event"))
    return OtherEvent(
        event_key=f"o:{wire.digest(entry.get('id'), entry.get('time'), change)}",
        type=f"{field}.{happened.lower()}" if happened else field,
        at=wire.moment(entry.get("time"), now),
    )
