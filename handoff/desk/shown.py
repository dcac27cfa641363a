"""From rows to what the API shows; whoever may not see telephone numbers gets them masked here. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from core.ids import public
from core.vocabulary import mask
from handoff.desk import objects
from handoff.desk.rows import (
    ConversationRow,
    PresenceRow,
    QueueRow,
    ReservationRow,
    ViewerRow,
)

_BY_PHONE = ("voice", "phone")
_NUMBER = re.compile(r"\+?[\d\s().-]{7,}")
_WORTH_HIDING = 7  # shorter runs of digits are amounts and order numbers


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
            name=called(row.contact_name, see_phone=see_phone),
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
        wrapup_until=row.wrapup_until,
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


def called(written: str | None, *, see_phone: bool) -> str | None:
    """What a customer calls themselves; some call themselves by their number."""
    if see_phone or written is None or not _NUMBER.fullmatch(written.strip()):
        return written
    return mask(written.strip())


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
        may_return=bool(card.get("return_to_voice")),
        returning=_returning(card.get("return")),
        tries=int(card.get("tries") or 0),
        next_try_at=_moment(card.get("next_try_at")),
        called_again=_called_again(card.get("called_again")),
    )


def _returning(told: Mapping[str, Any] | None) -> objects.Returning | None:
    if not told:
        return None
    return objects.Returning(
        state=str(told["state"]),
        at=datetime.fromisoformat(told["at"]),
        asked_by=told.get("asked_by"),
        queued_at=_moment(told.get("queued_at")),
    )


def _called_again(told: Mapping[str, Any] | None) -> objects.CalledAgain | None:
    if not told:
        return None
    return objects.CalledAgain(
        at=datetime.fromisoformat(told["at"]), calls=told["calls"], within_s=told["within_s"]
    )


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


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
