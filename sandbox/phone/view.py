"""A business's message as the customer reads it, and the reply that a tap makes of it."""

from collections.abc import Callable
from typing import Any

from sandbox.graph import templates
from sandbox.specs import Json, TemplateSpec

MEDIA = frozenset({"image", "document", "audio", "video", "sticker"})
FindTemplate = Callable[[str, str], TemplateSpec | None]


def view(type_: str, body: Json, find: FindTemplate) -> Json:
    """What the bubble shows."""
    if type_ == "template":
        seen = _template(body["template"], find)
    elif type_ == "interactive":
        seen = _interactive(body["interactive"])
    elif type_ in MEDIA:
        seen = {"kind": type_, "text": body[type_].get("caption"), "media": body[type_]}
    elif type_ == "text":
        seen = {"kind": "text", "text": body["text"]["body"]}
    else:
        seen = {"kind": type_, type_: body.get(type_)}
    if (body.get("context") or {}).get("message_id"):
        seen["reply_to"] = body["context"]["message_id"]
    media = seen.get("media")
    if media and media.get("id"):
        seen["media"] = {**media, "src": f"/phone/api/media/{media['id']}"}
    elif media:
        seen["media"] = {**media, "src": media.get("link")}
    return seen


def tapped(seen: Json, wanted: str) -> Json | None:
    """The customer's message when this button or list row is tapped, in Meta's form."""
    for button in seen.get("buttons", []):
        if button.get("id") != wanted:
            continue
        if button["kind"] == "quick_reply":
            return {"type": "button", "button": {"payload": wanted, "text": button["title"]}}
        return _interactive_reply("button_reply", {"id": wanted, "title": button["title"]})
    for section in (seen.get("list") or {}).get("sections", []):
        for row in section["rows"]:
            if row["id"] == wanted:
                return _interactive_reply("list_reply", dict(row))
    return None


def own(message: Json) -> Json:
    """The customer's own message as a bubble."""
    kind = str(message.get("type"))
    seen: Json = {"kind": kind}
    if kind == "text":
        seen["text"] = message["text"]["body"]
    elif kind == "button":
        seen["text"] = message["button"]["text"]
    elif kind == "interactive":
        seen["text"] = _reply_title(message["interactive"])
    elif kind in MEDIA:
        media = message[kind]
        seen["text"] = media.get("caption")
        seen["media"] = (
            {**media, "src": f"/phone/api/media/{media['id']}"} if "id" in media else media
        )
    else:
        seen[kind] = message.get(kind)
    if (message.get("context") or {}).get("id"):
        seen["reply_to"] = message["context"]["id"]
    return seen


def _template(wanted: Json, find: FindTemplate) -> Json:
    template = find(wanted["name"], wanted["language"]["code"])
    if template is None:  # withdrawn between acceptance and delivery
        return {"kind": "template", "name": wanted["name"], "text": wanted["name"], "buttons": []}
    return templates.render(template, wanted.get("components"))


def _interactive(part: Json) -> Json:
    action = part["action"]
    seen: Json = {
        "kind": "interactive",
        "text": part["body"]["text"],
        "footer": (part.get("footer") or {}).get("text"),
        "buttons": [],
    }
    header = part.get("header") or {}
    if header.get("type") == "text":
        seen["header"] = header["text"]
    elif header:
        seen["media"] = {"type": header["type"], **header[header["type"]]}
    match part["type"]:
        case "button":
            seen["buttons"] = [{"kind": "reply", **one["reply"]} for one in action["buttons"]]
        case "list":
            seen["list"] = {"button": action["button"], "sections": action["sections"]}
        case _:
            link = action["parameters"]
            seen["buttons"] = [{"kind": "url", "title": link["display_text"], "url": link["url"]}]
    return seen


def _interactive_reply(kind: str, chosen: Json) -> Json:
    return {"type": "interactive", "interactive": {"type": kind, kind: chosen}}


def _reply_title(interactive: Json) -> Any:
    chosen = interactive.get(str(interactive.get("type")))
    return chosen.get("title") if isinstance(chosen, dict) else None
