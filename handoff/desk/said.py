"""From the rows of a transcript to what the API shows. Pure."""

from collections.abc import Callable, Mapping
from typing import Literal, cast

from core.ids import MediaId, public
from handoff.desk import transcript
from handoff.desk.rows import MessageRow
from messaging.channel import FailureClass
from messaging.delivery import REACHED, Status

MediaUrl = Callable[[MediaId], str]
"""A link under which a browser may fetch the file for a while."""

_WHY_FAILED: Mapping[str, str] = {
    FailureClass.TRANSIENT: "The messenger could not take it, several times over.",
    FailureClass.PAIR_RATE: "Too many messages to this person in a short time.",
    FailureClass.NOT_ON_CHANNEL: "This person cannot be reached on this messenger.",
    FailureClass.RECIPIENT: "This person cannot be written to.",
    FailureClass.OPTED_OUT: "This person told the messenger to stop our messages.",
    FailureClass.NOT_TODAY: "The messenger chose not to deliver it; try again tomorrow.",
    FailureClass.WINDOW_CLOSED: "The customer last wrote too long ago: send a template.",
    FailureClass.OUR_REQUEST: "The messenger did not understand the message.",
    FailureClass.TEMPLATE: "The template is paused or not approved.",
    FailureClass.ACCOUNT: "Our account is stopped by the messenger.",
    FailureClass.EXPIRED: "It was not delivered in time.",
    FailureClass.UNKNOWN: "The messenger gave a reason that is not known here.",
}


def message(row: MessageRow, media_url: MediaUrl) -> transcript.Message:
    """An entry of the transcript."""
    if row.message_id is None:
        return _event(row)
    return transcript.Message(
        id=public("ms", row.message_id),
        conversation_id=public("cv", row.conversation_id),
        seq=row.seq,
        direction=cast("Literal['in', 'out']", row.direction),
        author=_author(row, row.author),
        at=row.at,
        type=row.type or "unsupported",
        text=row.text,
        options=[
            transcript.OptionShown(id=option["id"], title=option["title"])
            for option in (row.content or {}).get("options", ())
        ],
        media=_media(row, media_url),
        event=None,
        delivery=_delivery(row),
        client_id=row.client_key,
        reply_to=None if row.reply_to is None else public("ms", row.reply_to),
    )


def _event(row: MessageRow) -> transcript.Message:
    event = row.event or {}
    conversation_id = public("cv", row.conversation_id)
    return transcript.Message(
        id=f"ev_{conversation_id.removeprefix('cv_')}_{row.seq}",
        conversation_id=conversation_id,
        seq=row.seq,
        direction="out",
        # A line about what a person did is told as theirs.
        author=_author(row, "operator" if row.author_id is not None else row.author),
        at=row.at,
        type="event",
        text=None,
        options=[],
        media=None,
        event=transcript.EventShown(code=str(event.get("code")), params=event.get("params") or {}),
        delivery=None,
        client_id=None,
        reply_to=None,
    )


def _author(row: MessageRow, kind: str) -> transcript.Author:
    return transcript.Author(
        kind=cast("Literal['customer', 'bot', 'operator', 'system', 'business']", kind),
        id=None if row.author_id is None else public("pe", row.author_id),
        name=row.author_name,
    )


def _media(row: MessageRow, media_url: MediaUrl) -> transcript.Media | None:
    if row.media_id is None or row.media_mime is None:
        return None
    states: Mapping[str | None, Literal["pending", "ready"]] = {
        "pending": "pending",
        "ready": "ready",
    }
    return transcript.Media(
        id=public("md", row.media_id),
        url=media_url(row.media_id),
        mime=row.media_mime,
        name=row.media_name,
        size=row.media_size,
        width=row.media_width,
        height=row.media_height,
        state=states.get(row.media_state, "failed"),
    )


def _delivery(row: MessageRow) -> transcript.Delivery | None:
    if row.direction != "out" or row.status is None:
        return None
    failed = row.failed_class is not None and Status(row.status) not in REACHED
    return transcript.Delivery(
        state=row.status,
        failed=transcript.Failed(
            code=row.failed_class or "", text=_WHY_FAILED.get(row.failed_class or "")
        )
        if failed
        else None,
        at=row.status_at,
    )
