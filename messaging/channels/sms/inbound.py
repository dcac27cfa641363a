"""What an SMS provider tells us, in our words: reports about our messages, and what customers answer."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID

from core.ids import MessageId
from core.vocabulary import phone_number
from messaging.channel import (
    AddressKind,
    Failure,
    FailureClass,
    InboundEvent,
    InboundMessage,
    OtherEvent,
    ReportedStatus,
    StatusReport,
)
from messaging.channels import wire
from messaging.channels.sms.outbound import at, told
from messaging.channels.sms.provider import Secret, Signature, Webhook
from messaging.content import Content, ContentType

_MILLISECONDS_FROM = 100_000_000_000
_LONGEST_CODE = 64


def is_known(webhook: Webhook, headers: Mapping[str, str], body: bytes) -> bool:
    """Does the sender prove itself, in every way that the description asks for?

    Where it comes from is looked at before this (messaging/webhooks.py).
    """
    given = {name.lower(): value for name, value in headers.items()}
    if webhook.signature is not None and not _signed(webhook.signature, given, body):
        return False
    return webhook.secret is None or _knows(webhook.secret, given)


def events(webhook: Webhook, body: bytes, now: datetime) -> Iterator[InboundEvent]:
    """Every event of a body; ValueError when it is neither JSON nor a form."""
    for item in _items(webhook, _document(body)):
        yield _event(webhook, item, now)


def _event(webhook: Webhook, item: object, now: datetime) -> InboundEvent:
    fields = webhook.report
    word = (told(item, fields.status) or "").lower()
    meaning = {name.lower(): meant for name, meant in webhook.statuses.items()}.get(word)
    provider_id = told(item, fields.id) or told(item, fields.reference)
    if meaning == "ignored":
        return OtherEvent(f"o:{wire.digest(item)}", f"status.{word}", _moment(item, fields.at, now))
    if meaning is not None and provider_id is not None:
        status = ReportedStatus.FAILED if meaning == "expired" else ReportedStatus(meaning)
        failed = status is ReportedStatus.FAILED
        return StatusReport(
            event_key=f"s:{provider_id}:{word}",
            status=status,
            at=_moment(item, fields.at, now),
            provider_id=provider_id,
            message_id=_ours(told(item, fields.reference)),
            recipient={},
            failure=_failure(webhook, item, expired=meaning == "expired") if failed else None,
        )
    return _message(webhook, item, now, status=word)


def _message(webhook: Webhook, item: object, now: datetime, *, status: str) -> InboundEvent:
    fields = webhook.message
    sender = phone_number("+" + (told(item, fields.sender) or "").strip().removeprefix("+"))
    words = told(item, fields.text)
    when = _moment(item, fields.at, now)
    if sender is None or (status and not words):
        # A report that nobody described, or a sender with a name (a bank), who cannot be answered.
        return OtherEvent(f"o:{wire.digest(item)}", f"status.{status or 'unknown'}", when)
    provider_id = told(item, fields.id) or f"in:{wire.digest(item)}"
    kind = ContentType.TEXT if words else ContentType.UNSUPPORTED
    return InboundMessage(
        event_key=f"m:{provider_id}",
        provider_id=provider_id,
        sender={AddressKind.PHONE: sender.e164},
        profile_name=None,
        at=when,
        content=Content(kind, text=words),
    )


def _failure(webhook: Webhook, item: object, *, expired: bool) -> Failure:
    code = (told(item, webhook.report.code) or "")[:_LONGEST_CODE]
    if expired:
        return Failure(FailureClass.EXPIRED, code or "expired")
    return Failure(webhook.codes.get(code, FailureClass.UNKNOWN), code or "undelivered")


def _items(webhook: Webhook, document: object) -> list[object]:
    if webhook.items is not None:
        return wire.sequence(at(document, webhook.items))
    return document if isinstance(document, list) else [document]


def _document(body: bytes) -> object:
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("too deep") from None
    except ValueError:
        document = dict(
            parse_qsl(body.decode().strip(), keep_blank_values=True, strict_parsing=True)
        )
    if not document or not isinstance(document, dict | list):
        raise ValueError("no object and no list of them")
    return document


def _moment(item: object, path: str, now: datetime) -> datetime:
    """ISO 8601, or seconds or milliseconds since 1970; without any, now."""
    written = told(item, path)
    if written is None:
        return now
    if written.isdigit():
        number = int(written)
        return wire.moment(number // 1000 if number >= _MILLISECONDS_FROM else number, now)
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return now
    return wire.believed(found if found.tzinfo else found.replace(tzinfo=UTC), now)


def _ours(carried: str | None) -> MessageId | None:
    try:
        return MessageId(UUID(carried)) if carried else None
    except ValueError:
        return None


def _signed(signature: Signature, given: Mapping[str, str], body: bytes) -> bool:
    digest = hmac.new(
        signature.secret.encode(), body, getattr(hashlib, signature.algorithm)
    ).digest()
    expected = digest.hex() if signature.encoding == "hex" else base64.b64encode(digest).decode()
    claimed = given.get(signature.header.lower(), "").removeprefix(signature.prefix)
    if signature.encoding == "hex":
        claimed = claimed.lower()
    return hmac.compare_digest(claimed.encode("utf-8", "replace"), expected.encode())


def _knows(secret: Secret, given: Mapping[str, str]) -> bool:
    claimed = given.get(secret.header.lower(), "")
    return hmac.compare_digest(claimed.encode("utf-8", "replace"), secret.value.encode())
