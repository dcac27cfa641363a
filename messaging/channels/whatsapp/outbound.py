"""Our messages in the Cloud API's words.

A template's time to live is no part of a send: Meta keeps it on the template as
`message_send_ttl_seconds` (…/whatsapp/templates/time-to-live), so `TemplateUse.ttl_s` says which
template was meant and never goes on the wire.
"""

from messaging.channel import AddressKind, Failure, FailureClass, Outgoing, Recipient, Rejected
from messaging.channels.whatsapp.wire import JsonObject
from messaging.content import MEDIA_TYPES, Content, ContentType, Option, TemplateUse


def message_body(outgoing: Outgoing, media_id: str | None) -> JsonObject:
    """The whole body of `POST /{phone_number_id}/messages`; `Rejected` when it cannot be said."""
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_addressed(outgoing.recipient),
        "biz_opaque_callback_data": str(outgoing.message_id),
        **_said(outgoing, media_id),
    }
    if outgoing.reply_to and outgoing.content.type is not ContentType.REACTION:
        body["context"] = {"message_id": outgoing.reply_to}
    return body


def read_body(provider_id: str, *, typing: bool) -> JsonObject:
    """The body that marks a message as read, and shows a typing mark for 25 s or until a reply."""
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": provider_id,
    }
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return body


def _addressed(recipient: Recipient) -> JsonObject:
    """`to` with its plus, or `recipient`; where both are sent `to` wins, so only one is.

    Without the plus Meta puts the business's own country code in front. A wa_id comes first because
    it is where the person really wrote from; the dialled number may differ (BR, MX, AR).
    """
    known = recipient.addresses
    reachable = known.get(AddressKind.WA_ID) or known.get(AddressKind.PHONE)
    if reachable:
        return {"to": "+" + reachable.removeprefix("+")}
    if user_id := known.get(AddressKind.BSUID):
        return {"recipient": user_id}
    raise _unsayable("no_address")


def _said(outgoing: Outgoing, media_id: str | None) -> JsonObject:
    content = outgoing.content
    if content.type in MEDIA_TYPES:
        return {"type": content.type.value, content.type.value: _media(outgoing, media_id)}
    match content.type:
        case ContentType.TEXT:
            return {"type": "text", "text": {"body": content.text or ""}}
        case ContentType.TEMPLATE:
            return {"type": "template", "template": _template(content.template)}
        case ContentType.BUTTONS:
            return _interactive("button", content, {"buttons": _buttons(content.options)})
        case ContentType.LIST:
            # Meta insists on a label for the button that opens the list.
            action = {"button": content.list_button or "…", "sections": [_section(content.options)]}
            return _interactive("list", content, action)
        case ContentType.REACTION:
            return {"type": "reaction", "reaction": _reaction(outgoing)}
        case ContentType.LOCATION:
            return {"type": "location", "location": _location(content)}
        case _:
            raise _unsayable("not_sendable")


def _reaction(outgoing: Outgoing) -> JsonObject:
    """An empty emoji takes an earlier reaction back."""
    if not outgoing.reply_to:
        raise _unsayable("no_message_to_react_to")
    return {"message_id": outgoing.reply_to, "emoji": outgoing.content.emoji or ""}


def _template(use: TemplateUse | None) -> JsonObject:
    if use is None:
        raise _unsayable("no_template")
    template: dict[str, object] = {"name": use.name, "language": {"code": use.language}}
    components = [*_template_text(use), *_template_buttons(use)]
    if components:
        template["components"] = components
    return template


def _template_text(use: TemplateUse) -> list[JsonObject]:
    if not use.parameters:
        return []
    # Meta refuses line breaks, tabs and runs of spaces in a parameter (132018).
    said = [" ".join(words.split()) for words in use.parameters]
    parameters: list[JsonObject] = [{"type": "text", "text": words} for words in said]
    if use.parameter_names:
        if len(use.parameter_names) != len(said):
            raise _unsayable("parameter_names")
        parameters = [
            {"type": "text", "parameter_name": name, "text": words}
            for name, words in zip(use.parameter_names, said, strict=True)
        ]
    return [{"type": "body", "parameters": parameters}]


def _template_buttons(use: TemplateUse) -> list[JsonObject]:
    buttons = [
        _button(index, "quick_reply", {"type": "payload", "payload": payload})
        for index, payload in enumerate(use.button_payloads)
    ]
    urls = [
        _button(index, "url", {"type": "text", "text": suffix})
        for index, suffix in enumerate(use.url_suffixes, start=len(buttons))
        if suffix
    ]
    return buttons + urls


def _button(index: int, sub_type: str, parameter: JsonObject) -> JsonObject:
    return {
        "type": "button",
        "sub_type": sub_type,
        "index": str(index),
        "parameters": [parameter],
    }


def _interactive(kind: str, content: Content, action: JsonObject) -> JsonObject:
    if not content.options:
        raise _unsayable("no_options")
    interactive = {"type": kind, "body": {"text": content.text or ""}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def _buttons(options: tuple[Option, ...]) -> list[JsonObject]:
    return [
        {"type": "reply", "reply": {"id": option.id, "title": option.title}} for option in options
    ]


def _section(options: tuple[Option, ...]) -> JsonObject:
    """One section needs no title."""
    rows: list[JsonObject] = []
    for option in options:
        row = {"id": option.id, "title": option.title}
        if option.description:
            row["description"] = option.description
        rows.append(row)
    return {"rows": rows}


def _location(content: Content) -> JsonObject:
    if content.location is None:
        raise _unsayable("no_location")
    latitude, longitude = content.location
    place: dict[str, object] = {"latitude": latitude, "longitude": longitude}
    if content.text:
        place["name"] = content.text
    return place


def _media(outgoing: Outgoing, media_id: str | None) -> JsonObject:
    if media_id is None:
        raise _unsayable("no_media")
    content = outgoing.content
    file: dict[str, object] = {"id": media_id}
    # Meta refuses a caption on audio and stickers.
    if content.text and content.type not in {ContentType.AUDIO, ContentType.STICKER}:
        file["caption"] = content.text
    if content.type is ContentType.DOCUMENT and outgoing.media and outgoing.media.name:
        file["filename"] = outgoing.media.name
    return file


def _unsayable(code: str) -> Rejected:
    return Rejected(Failure(FailureClass.OUR_REQUEST, code))
