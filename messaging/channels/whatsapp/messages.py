"""What a customer sent, in our words. A type that nobody told us about is `unsupported`, never an error."""

import json
from collections.abc import Callable
from datetime import datetime

from messaging.channel import AddressKind, InboundMessage, OtherEvent, RemoteMedia
from messaging.channels.whatsapp import wire
from messaging.channels.whatsapp.wire import JsonObject, mapping, sequence, text
from messaging.content import Content, ContentType

Said = tuple[Content, RemoteMedia | None]
Reader = Callable[[object], Said | None]


class ContactBook:
    """The `contacts[]` beside a change's messages, found by either id.

    A lone contact is the writer of all of them, even where ids differ (BR, MX).
    """

    def __init__(self, contacts: object) -> None:
        all_of_them = [mapping(contact) for contact in sequence(contacts)]
        self._lone = all_of_them[0] if len(all_of_them) == 1 else None
        self._by_id: dict[str, JsonObject] = {}
        if self._lone is None:
            for contact in all_of_them:
                for key in ("wa_id", "user_id"):
                    if found := text(contact.get(key)):
                        self._by_id.setdefault(found, contact)

    def of(self, message: JsonObject) -> JsonObject:
        """Who wrote this message."""
        if self._lone is not None:
            return self._lone
        for key in ("from_user_id", "from"):
            contact = self._by_id.get(text(message.get(key)) or "")
            if contact is not None:
                return contact
        return {}


def inbound_message(
    item: JsonObject, contacts: ContactBook, now: datetime
) -> InboundMessage | OtherEvent:
    """One element of `messages[]`."""
    provider_id = text(item.get("id"))
    kind = text(item.get("type")) or "unknown"
    at = wire.moment(item.get("timestamp"), now)
    contact = contacts.of(item)
    sender = _sender(item, contact)
    if kind == "system":
        # WhatsApp says that a number or id changed: nobody wrote, so no window opens.
        kind = f"system.{text(mapping(item.get('system')).get('type')) or 'unknown'}"
    elif item.get("group_id"):
        kind = "message.group"
    elif provider_id is None or not sender:
        kind = "message.incomplete"
    else:
        content, media = _said(kind, item)
        return InboundMessage(
            event_key=f"m:{provider_id}",
            provider_id=provider_id,
            sender=sender,
            profile_name=text(mapping(contact.get("profile")).get("name")),
            at=at,
            content=content,
            media=media,
            reply_to=_answered(item),
        )
    return OtherEvent(f"m:{provider_id}" if provider_id else f"o:{wire.digest(item)}", kind, at)


def _sender(item: JsonObject, contact: JsonObject) -> dict[AddressKind, str]:
    """Both ids where both are known; with a username the number may be missing."""
    known: dict[AddressKind, str] = {}
    if found := wire.wa_id(contact.get("wa_id")) or wire.wa_id(item.get("from")):
        known[AddressKind.WA_ID] = found
    for claim in (item.get("from_user_id"), contact.get("user_id"), item.get("from")):
        if found := wire.bsuid(claim):
            known[AddressKind.BSUID] = found
            break
    return known


def _answered(item: JsonObject) -> str | None:
    return text(mapping(item.get("reaction")).get("message_id")) or text(
        mapping(item.get("context")).get("id")
    )


def _said(kind: str, item: JsonObject) -> Said:
    reader = _READERS.get(kind)
    read = reader(item.get(kind)) if reader else None
    content, media = read or (_unsupported(kind, item), None)
    if referral := mapping(item.get("referral")):
        # From an advertisement that opens the chat; says which one.
        content.extra["referral"] = wire.plain(referral)
    return content, media


def _unsupported(kind: str, item: JsonObject) -> Content:
    """What cannot be shown, with what Meta says about it (131051 and the like)."""
    extra: dict[str, object] = {"provider_type": kind}
    if named := text(mapping(item.get("unsupported")).get("type")):
        extra["provider_type"] = named
    codes = [text(mapping(error).get("code")) for error in sequence(item.get("errors"))]
    if codes:
        extra["error_codes"] = [code for code in codes if code]
    if kind == "order":
        extra["order"] = wire.plain(item.get("order"))
    return Content(
        ContentType.UNSUPPORTED, text=text(mapping(item.get(kind)).get("text")), extra=extra
    )


def _text(told: object) -> Said | None:
    part = mapping(told)
    words = text(part.get("body"))
    return (Content(ContentType.TEXT, text=words), None) if words else None


def _template_button(told: object) -> Said | None:
    """A quick reply under a template: the payload routes, the text is only for eyes."""
    part = mapping(told)
    title, payload = text(part.get("text")), text(part.get("payload"))
    if payload is None and title is None:
        return None
    return Content(ContentType.CHOICE, text=title, choice=payload or title), None


def _interactive(told: object) -> Said | None:
    part = mapping(told)
    for kind in ("button_reply", "list_reply"):
        reply = mapping(part.get(kind))
        if chosen := text(reply.get("id")):
            return Content(ContentType.CHOICE, text=text(reply.get("title")), choice=chosen), None
    if form := mapping(part.get("nfm_reply")):
        return _form(form), None
    return None


def _form(reply: JsonObject) -> Content:
    """A filled-in WhatsApp Flow; its `flow_token` is ours and routes like a button's id."""
    try:
        answers = mapping(json.loads(text(reply.get("response_json")) or "{}"))
    except (ValueError, RecursionError):
        answers = {}
    return Content(
        ContentType.CHOICE,
        text=text(reply.get("body")),
        choice=text(answers.get("flow_token")) or text(reply.get("name")) or "flow",
        extra={"form": wire.plain(answers)},
    )


def _media(kind: ContentType) -> Reader:
    def read(told: object) -> Said | None:
        part = mapping(told)
        media_id = wire.media_id(part.get("id"))
        if media_id is None:
            return None
        media = RemoteMedia(
            provider_media_id=media_id,
            mime=text(part.get("mime_type")) or "application/octet-stream",
            name=text(part.get("filename")),
            sha256=text(part.get("sha256")),
            url=text(part.get("url")),
        )
        extra: dict[str, object] = {"voice": True} if part.get("voice") is True else {}
        return Content(kind, text=text(part.get("caption")), extra=extra), media

    return read


def _location(told: object) -> Said | None:
    part = mapping(told)
    latitude, longitude = wire.number(part.get("latitude")), wire.number(part.get("longitude"))
    if latitude is None or longitude is None:
        return None
    named = ", ".join(filter(None, (text(part.get("name")), text(part.get("address")))))
    return Content(ContentType.LOCATION, text=named or None, location=(latitude, longitude)), None


def _reaction(told: object) -> Said | None:
    """An empty or missing emoji takes the reaction back."""
    part = mapping(told)
    return Content(ContentType.REACTION, emoji=text(part.get("emoji"))), None


def _contact_cards(told: object) -> Said | None:
    cards = [mapping(card) for card in sequence(told)]
    if not cards:
        return None
    names = [text(mapping(card.get("name")).get("formatted_name")) for card in cards]
    named = ", ".join(name for name in names if name)
    extra: dict[str, object] = {"contacts": wire.plain(told)}
    return Content(ContentType.CONTACTS, text=named or None, extra=extra), None


_READERS: dict[str, Reader] = {
    "text": _text,
    "button": _template_button,
    "interactive": _interactive,
    "image": _media(ContentType.IMAGE),
    "document": _media(ContentType.DOCUMENT),
    "audio": _media(ContentType.AUDIO),
    "video": _media(ContentType.VIDEO),
    "sticker": _media(ContentType.STICKER),
    "location": _location,
    "reaction": _reaction,
    "contacts": _contact_cards,
}
