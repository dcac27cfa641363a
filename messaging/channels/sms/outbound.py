"""Our messages in an SMS provider's words, and what its answer means."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from yarl import URL

from messaging.channel import (
    Accepted,
    AddressKind,
    Ambiguous,
    Failure,
    FailureClass,
    Outgoing,
    Recipient,
    Rejected,
)
from messaging.channels.exchange import Letter, Reply
from messaging.channels.sms.provider import Provider
from messaging.channels.sms.segments import segments
from messaging.channels.wire import text
from messaging.content import MEDIA_TYPES, Content, ContentType

_PLACE = re.compile(r"\{(to|text|id|from)\}")
_CODE = re.compile(r"[\w.:-]{1,64}")
_REDIRECTED = 3
_BY_STATUS = {
    401: FailureClass.ACCOUNT,
    402: FailureClass.ACCOUNT,
    403: FailureClass.ACCOUNT,
    429: FailureClass.TRANSIENT,
}


def values(provider: Provider, outgoing: Outgoing, sender: str) -> Mapping[str, str]:
    """What fills the places; `Rejected` when this cannot be said in a short message."""
    words = said(outgoing.content)
    if segments(words) > provider.max_segments:
        raise _unsayable("too_long")
    number = _number(outgoing.recipient)
    return {
        "to": number if provider.send.number == "e164" else number.removeprefix("+"),
        "text": words,
        "id": str(outgoing.message_id),
        "from": sender,
    }


def address(base_url: str, provider: Provider, filled: Mapping[str, str]) -> URL:
    """Where the request goes; what is filled in cannot change the way there."""
    path = _PLACE.sub(lambda place: quote(filled[place[1]], safe=""), provider.send.path)
    return URL(base_url.rstrip("/") + path, encoded=True)


def headers(provider: Provider, filled: Mapping[str, str]) -> dict[str, str]:
    """The headers that the description gives."""
    return {name: fill(value, filled) for name, value in provider.send.headers.items()}


def letter(provider: Provider, filled: Mapping[str, str]) -> Letter:
    """The body, as JSON or as a form."""
    if provider.send.form is not None:
        form = {name: fill(value, filled) for name, value in provider.send.form.items()}
        return Letter(urlencode(form).encode(), "application/x-www-form-urlencoded")
    body = json.dumps(_filled(provider.send.json_body, filled), ensure_ascii=False)
    return Letter(body.encode(), "application/json")


def fill(pattern: str, filled: Mapping[str, str]) -> str:
    """A text with its places filled; other braces stay."""
    return _PLACE.sub(lambda place: filled[place[1]], pattern)


def judged(provider: Provider, reply: Reply, ours: str) -> Accepted:
    """What the provider's answer means; raises `Rejected` or `Ambiguous`."""
    document = _document(reply.content)
    word = None if provider.accepted.path is None else told(document, provider.accepted.path)
    if reply.status in provider.accepted.statuses:
        if provider.accepted.path is None or word in provider.accepted.values:
            return Accepted(told(document, provider.accepted.id) or ours, {})
        if word not in provider.refused.values:
            raise Ambiguous("unknown_answer")
    elif reply.status not in provider.refused.statuses and reply.status // 100 != _REDIRECTED:
        raise Ambiguous(f"http_{reply.status}")
    code = told(document, provider.refused.code) or word
    known = provider.refused.codes.get(code or "")
    # A code is a name, not a sentence: sentences may carry the number.
    shown = code if code is not None and _CODE.fullmatch(code) else f"http_{reply.status}"
    failure_class = known or _BY_STATUS.get(reply.status, FailureClass.OUR_REQUEST)
    raise Rejected(Failure(failure_class, shown), retry_after_s=reply.retry_after_s)


def said(content: Content) -> str:
    """A message in plain words: choices become numbered lines, which the bot understands as answers."""
    if content.type in MEDIA_TYPES or content.type is ContentType.REACTION:
        raise _unsayable("text_only")
    lines = [content.text or ""]
    lines += [f"{number}. {option.title}" for number, option in enumerate(content.options, 1)]
    words = "\n".join(filter(None, lines))
    if not words:
        raise _unsayable("empty")
    return words


def told(document: object, path: str) -> str | None:
    """The word at a dotted path, `messages.0.id`; None when there is none."""
    found = at(document, path)
    if isinstance(found, bool):
        return str(found).lower()
    return text(found)


def at(document: object, path: str) -> object:
    """Whatever stands at a dotted path."""
    found: object = document
    for step in path.split("."):
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found


def _filled(part: Any, filled: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return fill(part, filled)
    if isinstance(part, dict):
        return {name: _filled(inner, filled) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, filled) for inner in part]
    return part


def _number(recipient: Recipient) -> str:
    """A wa_id is mostly the number too, but only the number itself is certain to be dialled."""
    found = recipient.addresses.get(AddressKind.PHONE)
    if not found:
        raise _unsayable("no_address")
    return "+" + found.removeprefix("+")


def _document(content: bytes | None) -> object:
    try:
        return json.loads(content or b"")
    except (ValueError, RecursionError):
        return None


def _unsayable(code: str) -> Rejected:
    return Rejected(Failure(FailureClass.OUR_REQUEST, code))
