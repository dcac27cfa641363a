"""How contents and events are written down as JSON, and read back years later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ids import MediaId
from messaging.channel import AddressKind, InboundMessage, RemoteMedia
from messaging.content import Content, ContentType, Option, TemplateUse

Json = dict[str, Any]


def content_to_json(content: Content) -> Json:
    """Only what is there, so that most rows stay short."""
    written: Json = {"type": content.type.value}
    if content.text is not None:
        written["text"] = content.text
    if content.options:
        written["options"] = [
            {
                "id": option.id,
                "title": option.title,
                **({"description": option.description} if option.description else {}),
            }
            for option in content.options
        ]
    if content.template is not None:
        written["template"] = _template_to_json(content.template)
    if content.media_id is not None:
        written["media_id"] = str(content.media_id)
    if content.location is not None:
        written["location"] = list(content.location)
    for name in ("list_button", "choice", "emoji"):
        if (value := getattr(content, name)) is not None:
            written[name] = value
    if content.extra:
        written["extra"] = content.extra
    return written


def content_from_json(written: Mapping[str, Any]) -> Content:
    """What `content_to_json` wrote."""
    location = written.get("location")
    media_id = written.get("media_id")
    template = written.get("template")
    return Content(
        type=ContentType(written["type"]),
        text=written.get("text"),
        options=tuple(Option(**option) for option in written.get("options", ())),
        list_button=written.get("list_button"),
        media_id=MediaId(UUID(media_id)) if media_id else None,
        template=_template_from_json(template) if template else None,
        choice=written.get("choice"),
        location=(location[0], location[1]) if location else None,
        emoji=written.get("emoji"),
        extra=dict(written.get("extra", {})),
    )


def inbound_to_json(message: InboundMessage) -> Json:
    """A customer's message as the inbox keeps it; orjson writes its time in ISO 8601."""
    written: Json = {
        "event_key": message.event_key,
        "provider_id": message.provider_id,
        "sender": {kind.value: value for kind, value in message.sender.items()},
        "at": message.at,
        "content": content_to_json(message.content),
    }
    if message.profile_name is not None:
        written["profile_name"] = message.profile_name
    if message.reply_to is not None:
        written["reply_to"] = message.reply_to
    if message.media is not None:
        written["media"] = _media_to_json(message.media)
    return written


def inbound_from_json(written: Mapping[str, Any]) -> InboundMessage:
    """What `inbound_to_json` wrote."""
    media = written.get("media")
    return InboundMessage(
        event_key=written["event_key"],
        provider_id=written["provider_id"],
        sender={AddressKind(kind): value for kind, value in written["sender"].items()},
        profile_name=written.get("profile_name"),
        at=datetime.fromisoformat(written["at"]),
        content=content_from_json(written["content"]),
        media=RemoteMedia(**media) if media else None,
        reply_to=written.get("reply_to"),
    )


def _template_to_json(use: TemplateUse) -> Json:
    written: Json = {"name": use.name, "language": use.language}
    for name in ("parameters", "button_payloads", "parameter_names", "url_suffixes"):
        if values := getattr(use, name):
            written[name] = list(values)
    if use.ttl_s is not None:
        written["ttl_s"] = use.ttl_s
    return written


def _template_from_json(written: Mapping[str, Any]) -> TemplateUse:
    return TemplateUse(
        name=written["name"],
        language=written["language"],
        parameters=tuple(written.get("parameters", ())),
        button_payloads=tuple(written.get("button_payloads", ())),
        ttl_s=written.get("ttl_s"),
        parameter_names=tuple(written.get("parameter_names", ())),
        url_suffixes=tuple(written.get("url_suffixes", ())),
    )


def _media_to_json(media: RemoteMedia) -> Json:
    written: Json = {"provider_media_id": media.provider_media_id, "mime": media.mime}
    for name in ("name", "sha256", "url"):
        if (value := getattr(media, name)) is not None:
            written[name] = value
    return written
