"""Any channel's events in the flat form that `webhook parse` prints."""

from collections.abc import Mapping
from typing import assert_never

from messaging.channel import (
    AddressKind,
    InboundEvent,
    InboundMessage,
    OtherEvent,
    RemoteMedia,
    StatusReport,
)

_BEST_FIRST = (AddressKind.PHONE, AddressKind.WA_ID, AddressKind.USER_ID, AddressKind.BSUID)


def normalised(event: InboundEvent) -> dict[str, object]:
    """One JSON-ready line: who said or reported what, and when, whichever channel it came by."""
    line: dict[str, object] = dict.fromkeys(
        ("kind", "provider_id", "sender", "type", "text", "status", "at", "media")
    )
    line["at"] = event.at.isoformat()
    match event:
        case InboundMessage(content=content):
            line["kind"] = "message"
            line["provider_id"] = event.provider_id
            line["sender"] = _address(event.sender)
            line["type"] = content.type.value
            line["text"] = content.text or content.emoji
            line["media"] = _media(event.media) if event.media else None
        case StatusReport():
            line["kind"] = "status"
            line["provider_id"] = event.provider_id
            line["status"] = event.status.value
        case OtherEvent():
            line["kind"] = "other"
            line["type"] = event.type
        case _:
            assert_never(event)
    return line


def _address(known: Mapping[AddressKind, str]) -> str | None:
    return next((known[kind] for kind in _BEST_FIRST if kind in known), None)


def _media(media: RemoteMedia) -> dict[str, object]:
    return {
        "provider_media_id": media.provider_media_id,
        "mime": media.mime,
        "name": media.name,
        "sha256": media.sha256,
    }
