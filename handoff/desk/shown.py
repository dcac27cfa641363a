"""From rows to what the API shows; whoever may not see telephone numbers gets them masked here. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from core.ids import MediaId, public
from core.vocabulary import mask
from handoff.desk import objects
from handoff.desk.rows import (
    ConversationRow,
    MessageRow,
    PresenceRow,
    QueueRow,
    ReservationRow,
    ViewerRow,
)
from messaging.channel import FailureClass
from messaging.delivery import REACHED, Status

MediaUrl = Callable[[MediaId], str]
"""A link under which a browser may fetch the file for a while."""

_BY_PHONE = ("voice", "phone")
_WORTH_HIDING = 7  # shorter runs of digits are amounts and order numbers

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


def conversation(
    row: ConversationRow, viewers: Iterable[objects.Viewer], *, see_phone: bool
) -> objects.Conversation:
    """A row of the list."""
    kind, name = _BY_PHONE
    return objects.Conversation(
        id=public("cv", row.conversation_id),
        kind=cast("Literal['chat', 'callback']", row.kind),
        state=row.state,
        epoch=row.epoch,
        queue=objects.Titled(id=public("qu", row.queue_id), title=row.queue_title),
        operator=None
        if row.operator_id is None
        else objects.Named(id=public("pe", row.operator_id), name=row.operator_name or ""),
        contact=objects.ContactBrief(
            id=public("ct", row.contact_id),
            name=row.contact_name,
            phone=phone(row.contact_phone, see_phone=see_phone),
            language=row.contact_language,
        ),
        channel=objects.ChannelBrief(kind=row.channel_kind or kind, name=row.channel_name or name),
        last=None
        if row.last_at is None
        else objects.Last(
            text=row.last_text or row.last_type or "",
            author=row.last_author or "system",
            at=row.last_at,
        ),
        unread=row.unread,
        enqueued_at=row.enqueued_at,
        waiting_since=row.waiting_since,
        reserved_until=row.reserved_until,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_reason=row.closed_reason,
        topic=row.topic,
        tags=row.tags,
        priority=row.priority,
        window_until=_representable(row.window_until),
        viewers=list(viewers),
        call=call_card(row, see_phone=see_phone),
        last_seq=row.last_seq,
        summary=_summary(row.summary, row.contact_phone, see_phone=see_phone),
    )


def viewers(rows: Iterable[ViewerRow], now: datetime) -> list[objects.Viewer]:
    """Who looks, and who of them writes."""
    return [
        objects.Viewer(
            id=public("pe", row.person_id),
            name=row.name,
            typing=row.typing_until is not None and row.typing_until > now,
        )
        for row in rows
    ]


def phone(number: str | None, *, see_phone: bool) -> str | None:
    """The number, or as much of it as may be read by somebody without the right to see it."""
    return number if see_phone or number is None else mask(number)


def call_card(row: ConversationRow, *, see_phone: bool) -> objects.CallCard | None:
    """The call; a card without a call (a call back that was asked for in writing) shows as none."""
    card = row.card
    if not card or "call_id" not in card:
        return None
    caller = card.get("caller")
    hidden = [] if see_phone else [number for number in (caller, row.contact_phone) if number]
    line = card.get("line") or {}
    called_at = card.get("at")
    return objects.CallCard(
        call_id=str(card["call_id"]),
        line=objects.CardLine(
            number=str(line.get("number") or ""), title=str(line.get("title") or "")
        ),
        caller=phone(caller, see_phone=see_phone),
        at=row.opened_at if called_at is None else datetime.fromisoformat(called_at),
        ivr_path=list(card.get("ivr_path") or ()),
        digits=card.get("digits"),
        intent=card.get("intent"),
        voice_wait_s=card.get("voice_wait_s"),
        queue_position=card.get("queue_position"),
        context=without_numbers(card.get("context") or {}, hidden),
        deflection_id=card.get("deflection_id"),
        earlier_calls=int(card.get("earlier_calls") or 0),
        outcome=card.get("outcome"),
        rescue=bool(card.get("rescue")),
    )


def without_numbers(value: Any, numbers: Sequence[str]) -> Any:
    """The same value with these telephone numbers masked, however they are written."""
    if not numbers:
        return value
    if isinstance(value, Mapping):
        return {key: without_numbers(inner, numbers) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_numbers(inner, numbers) for inner in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        digits = _digits(str(value))
        for number in numbers:
            # Without the country's code or trunk digit it is still the same number.
            tail = _digits(number)[-10:]
            if len(tail) >= _WORTH_HIDING and tail in digits:
                return mask(str(value))
    return value


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _summary(
    learnt: Mapping[str, Any] | None, contact_phone: str | None, *, see_phone: bool
) -> objects.Summary | None:
    if learnt is None:
        return None
    hidden = [contact_phone] if contact_phone and not see_phone else []
    return objects.Summary(
        language=learnt.get("language"),
        slots=without_numbers(learnt.get("slots") or {}, hidden),
        path=list(learnt.get("path") or ()),
        reason=learnt.get("reason"),
    )


def message(row: MessageRow, media_url: MediaUrl) -> objects.Message:
    """An entry of the transcript."""
    if row.message_id is None:
        return _event(row)
    return objects.Message(
        id=public("ms", row.message_id),
        conversation_id=public("cv", row.conversation_id),
        seq=row.seq,
        direction=cast("Literal['in', 'out']", row.direction),
        author=_author(row, row.author),
        at=row.at,
        type=row.type or "unsupported",
        text=row.text,
        options=[
            objects.OptionShown(id=option["id"], title=option["title"])
            for option in (row.content or {}).get("options", ())
        ],
        media=_media(row, media_url),
        event=None,
        delivery=_delivery(row),
        client_id=row.client_key,
        reply_to=None if row.reply_to is None else public("ms", row.reply_to),
    )


def _event(row: MessageRow) -> objects.Message:
    event = row.event or {}
    conversation_id = public("cv", row.conversation_id)
    return objects.Message(
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
        event=objects.EventShown(code=str(event.get("code")), params=event.get("params") or {}),
        delivery=None,
        client_id=None,
        reply_to=None,
    )


def _author(row: MessageRow, kind: str) -> objects.Author:
    return objects.Author(
        kind=cast("Literal['customer', 'bot', 'operator', 'system', 'business']", kind),
        id=None if row.author_id is None else public("pe", row.author_id),
        name=row.author_name,
    )


def _media(row: MessageRow, media_url: MediaUrl) -> objects.Media | None:
    if row.media_id is None or row.media_mime is None:
        return None
    states: Mapping[str | None, Literal["pending", "ready"]] = {
        "pending": "pending",
        "ready": "ready",
    }
    return objects.Media(
        id=public("md", row.media_id),
        url=media_url(row.media_id),
        mime=row.media_mime,
        name=row.media_name,
        size=row.media_size,
        width=row.media_width,
        height=row.media_height,
        state=states.get(row.media_state, "failed"),
    )


def _delivery(row: MessageRow) -> objects.Delivery | None:
    if row.direction != "out" or row.status is None:
        return None
    failed = row.failed_class is not None and Status(row.status) not in REACHED
    return objects.Delivery(
        state=row.status,
        failed=objects.Failed(
            code=row.failed_class or "", text=_WHY_FAILED.get(row.failed_class or "")
        )
        if failed
        else None,
        at=row.status_at,
    )


def reservation(
    row: ReservationRow, held_out: objects.Conversation, now: datetime
) -> objects.Reservation:
    """What is held out to the person who asks."""
    since = held_out.enqueued_at or held_out.opened_at or now
    return objects.Reservation(
        id=public("rs", row.reservation_id),
        conversation=held_out,
        reason=held_out.summary.reason if held_out.summary else None,
        waiting_s=max(0, int((now - since).total_seconds())),
        expires_at=row.expires_at,
        server_now=now,
    )


def presence(row: PresenceRow) -> objects.Presence:
    """How somebody stands."""
    return objects.Presence.model_validate(
        {
            "declared": row.declared,
            "reason": row.reason,
            "link": row.link,
            "not_responding": row.not_responding,
            "load": row.load,
            "capacity": row.capacity,
            "since": row.since,
        }
    )


def queue(row: QueueRow) -> objects.Queue:
    """A queue."""
    return objects.Queue(
        id=public("qu", row.queue_id),
        name=row.name,
        title=row.title,
        waiting=row.waiting,
        reservation_s=row.reservation_s,
        wrapup_s=row.wrapup_s,
        open=row.open,
    )


_LAST_MOMENT = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def _representable(moment: datetime | None) -> datetime | None:
    """A window that never closes is stored as infinity, which no calendar has."""
    if moment is None:
        return None
    return min(moment if moment.tzinfo else moment.replace(tzinfo=UTC), _LAST_MOMENT)
