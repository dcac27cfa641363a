"""What may be sent: Meta's rules for each message type, refused with Meta's codes."""

from collections.abc import Callable
from typing import Any

from sandbox.graph.refusals import Refusal
from sandbox.specs import Json

TEXT_MAX, BODY_MAX, FOOTER_MAX, CAPTION_MAX = 4096, 1024, 60, 1024
BUTTONS_MAX, TITLE_MAX, BUTTON_ID_MAX = 3, 20, 256
ROWS_MAX, SECTIONS_MAX, ROW_TITLE_MAX, ROW_TEXT_MAX, ROW_ID_MAX = 10, 10, 24, 72, 200
TRACKER_MAX = 512
MEDIA_TYPES = frozenset({"image", "document", "audio", "video", "sticker"})

MediaKnown = Callable[[str], str | None]


def need(holder: Json, name: str, where: str) -> Any:
    """A required field, or 131008."""
    if holder.get(name) in (None, "", [], {}):
        raise Refusal(131008, f"The parameter {where}{name} is required.")
    return holder[name]


def words(value: Any, where: str, most: int) -> str:
    """A non-empty text of bounded length, or 131009."""
    if not isinstance(value, str):
        raise Refusal(131009, f"{where} must be a string")
    if not 1 <= len(value) <= most:
        raise Refusal(131009, f"{where} length must be between 1 and {most} characters")
    return value


def block(holder: Json, name: str) -> Json:
    """A required object, or 131008/131009."""
    value = need(holder, name, "")
    if not isinstance(value, dict):
        raise Refusal(131009, f"{name} must be an object")
    return value


def check(kind: str, body: Json, media: MediaKnown) -> None:
    """Refuse a free-form message that Meta would refuse."""
    if kind in MEDIA_TYPES:
        _media(kind, block(body, kind), media)
        return
    match kind:
        case "text":
            words(need(block(body, "text"), "body", "text."), "text.body", TEXT_MAX)
        case "interactive":
            _interactive(block(body, "interactive"), media)
        case "reaction":
            _reaction(block(body, "reaction"))
        case "location":
            _location(block(body, "location"))
        case "contacts":
            _contacts(need(body, "contacts", ""))
        case _:
            raise Refusal(131051, f"Message type {kind!r} is not supported")


def check_envelope(body: Json) -> None:
    """The fields that every message shares."""
    if body.get("recipient_type", "individual") != "individual":
        raise Refusal(131009, "recipient_type must be individual")
    tracker = body.get("biz_opaque_callback_data")
    if tracker is not None:
        words(tracker, "biz_opaque_callback_data", TRACKER_MAX)
    context = body.get("context")
    if context is not None and not (
        isinstance(context, dict) and isinstance(context.get("message_id"), str)
    ):
        raise Refusal(131009, "context.message_id must be a string")


def _media(kind: str, media: Json, known: MediaKnown) -> None:
    source, link = media.get("id"), media.get("link")
    if (source is None) == (link is None):
        raise Refusal(131009, f"{kind} needs either an id or a link")
    if link is not None and not str(link).startswith(("https://", "http://")):
        raise Refusal(131009, f"{kind}.link must be an http or https address")
    if source is not None:
        mime = known(str(source))
        if mime is None:
            raise Refusal(131053, f"{kind}.id: no media with this id, or it has expired")
        if kind in {"image", "audio", "video"} and not mime.startswith(f"{kind}/"):
            raise Refusal(131053, f"{kind}.id: the uploaded file is {mime}")
    if "caption" in media:
        if kind in {"audio", "sticker"}:
            raise Refusal(100, f'Unexpected key "caption" on param "{kind}"')
        words(media["caption"], f"{kind}.caption", CAPTION_MAX)
    if "filename" in media and kind != "document":
        raise Refusal(100, f'Unexpected key "filename" on param "{kind}"')


def _interactive(part: Json, media: MediaKnown) -> None:
    kind = need(part, "type", "interactive.")
    text = need(block(part, "body"), "text", "interactive.body.")
    words(text, "interactive.body.text", BODY_MAX)
    if part.get("footer") is not None:
        words(block(part, "footer").get("text"), "interactive.footer.text", FOOTER_MAX)
    action = block(part, "action")
    match kind:
        case "button":
            _header(part, media, {"text", "image", "video", "document"})
            _buttons(need(action, "buttons", "interactive.action."))
        case "list":
            _header(part, media, {"text"})
            _list(action)
        case "cta_url":
            _header(part, media, {"text", "image", "video", "document"})
            _link(action)
        case _:
            raise Refusal(131009, f"interactive.type {kind!r} is not supported")


def _header(part: Json, media: MediaKnown, allowed: set[str]) -> None:
    header = part.get("header")
    if header is None:
        return
    kind = header.get("type") if isinstance(header, dict) else None
    if kind not in allowed:
        raise Refusal(131009, f"interactive.header.type must be one of {sorted(allowed)}")
    if kind == "text":
        words(header.get("text"), "interactive.header.text", FOOTER_MAX)
    else:
        _media(str(kind), block(header, str(kind)), media)


def _buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS_MAX:
        raise Refusal(131009, f"interactive.action.buttons: 1 to {BUTTONS_MAX} buttons")
    ids: list[str] = []
    titles: list[str] = []
    for number, button in enumerate(buttons):
        where = f"interactive.action.buttons[{number}]"
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise Refusal(131009, f"{where}.type must be reply")
        reply = block(button, "reply")
        ids.append(words(need(reply, "id", f"{where}.reply."), f"{where}.reply.id", BUTTON_ID_MAX))
        title = words(need(reply, "title", f"{where}.reply."), f"{where}.reply.title", TITLE_MAX)
        titles.append(title)
    if len(set(ids)) != len(ids) or len(set(titles)) != len(titles):
        raise Refusal(131009, "interactive.action.buttons: ids and titles must be unique")


def _list(action: Json) -> None:
    words(need(action, "button", "interactive.action."), "interactive.action.button", TITLE_MAX)
    sections = need(action, "sections", "interactive.action.")
    if not isinstance(sections, list) or len(sections) > SECTIONS_MAX:
        raise Refusal(131009, f"interactive.action.sections: 1 to {SECTIONS_MAX} sections")
    rows: list[Any] = []
    for number, section in enumerate(sections):
        where = f"interactive.action.sections[{number}]"
        if not isinstance(section, dict) or not isinstance(section.get("rows"), list):
            raise Refusal(131008, f"The parameter {where}.rows is required.")
        if len(sections) > 1 or section.get("title") is not None:
            words(section.get("title"), f"{where}.title", ROW_TITLE_MAX)
        rows.extend(section["rows"])
    if not 1 <= len(rows) <= ROWS_MAX:
        raise Refusal(131009, f"interactive.action.sections: 1 to {ROWS_MAX} rows in all")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refusal(131009, f"row {number} must be an object")
        words(need(row, "id", f"row {number}: "), f"row {number}: id", ROW_ID_MAX)
        words(need(row, "title", f"row {number}: "), f"row {number}: title", ROW_TITLE_MAX)
        if row.get("description") is not None:
            words(row["description"], f"row {number}: description", ROW_TEXT_MAX)
    if len({row["id"] for row in rows}) != len(rows):
        raise Refusal(131009, "interactive.action.sections: row ids must be unique")


def _link(action: Json) -> None:
    if action.get("name") != "cta_url":
        raise Refusal(131009, "interactive.action.name must be cta_url")
    parameters = block(action, "parameters")
    words(parameters.get("display_text"), "interactive.action.parameters.display_text", TITLE_MAX)
    if not str(parameters.get("url", "")).startswith(("https://", "http://")):
        raise Refusal(131009, "interactive.action.parameters.url must be an http or https address")


def _reaction(part: Json) -> None:
    need(part, "message_id", "reaction.")
    if not isinstance(part.get("emoji"), str):
        raise Refusal(131008, "The parameter reaction.emoji is required (empty to remove).")


def _location(part: Json) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            inside = abs(float(need(part, name, "location."))) <= most
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise Refusal(131009, f"location.{name} must be a number within {most}")


def _contacts(people: Any) -> None:
    if not isinstance(people, list):
        raise Refusal(131009, "contacts must be an array")
    for number, one in enumerate(people):
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise Refusal(
                131008, f"The parameter contacts[{number}].name.formatted_name is required."
            )
