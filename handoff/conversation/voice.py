"""From a chat back to the telephone: the steps that a room above, which knows about calls, puts
together. Each works on a conversation that is locked already.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from core.events import Events
from core.faults import Refused
from core.ids import ConversationId
from core.postgres import Tx
from core.vocabulary import PhoneNumber
from handoff.conversation import store
from handoff.conversation.closing import close
from handoff.conversation.lifecycle import Move
from handoff.conversation.model import CALL, PRIORITY_STEP, SYSTEM, By, Conversation
from handoff.conversation.opening import open_callback
from messaging import outbox
from messaging.content import Content
from messaging.outbox import Author

log = structlog.get_logger()

RETURNED_TO_VOICE = "returned_to_voice"


async def say(tx: Tx, chat: Conversation, content: Content, at: datetime) -> bool:
    """Tell the customer; False when nobody would hear it."""
    if chat.thread_id is None:
        return False
    try:
        message_id = await outbox.put(
            tx, thread_id=chat.thread_id, content=content, author=Author("bot")
        )
    except Refused as refused:
        log.info("voice.unheard", conversation_id=str(chat.conversation_id), code=refused.code)
        return False
    await store.append_message(tx, chat.conversation_id, message_id, author="bot", at=at)
    return True


async def offer_call(tx: Tx, chat: Conversation, content: Content, at: datetime) -> None:
    """Ask once whether we may call; where nobody hears it, it counts as asked."""
    await say(tx, chat, content, at)
    await note(tx, chat, {"state": "offered"}, at=at, event="call_offered")


async def stand_in(
    tx: Tx,
    chat: Conversation,
    *,
    phone: PhoneNumber,
    queue: str,
    kept_since: datetime,
    noted: Mapping[str, Any],
    at: datetime,
) -> ConversationId:
    """The call back that stands until somebody has called: one a person, with the chat's knowledge,
    at the place that the caller had.
    """
    callback_id = await open_callback(
        tx,
        contact_id=chat.contact_id,
        phone=phone,
        queue=queue,
        card={**(chat.card or {}), "return": {**noted, "at": at.isoformat()}},
        origin=chat.origin,
        reason=RETURNED_TO_VOICE,
        language=chat.language,
        at=at,
        previous_id=chat.conversation_id,
    )
    callback = await store.lock(tx, callback_id)
    since = min(kept_since, callback.enqueued_at or at)
    after = replace(
        callback,
        summary=chat.summary,
        topic=chat.topic,
        tags=chat.tags,
        enqueued_at=since,
        score=since - callback.priority * PRIORITY_STEP,
    )
    await store.save(tx, callback, after, at=at, by=CALL)
    return callback_id


async def leave_for_voice(
    tx: Tx, events: Events, chat: Conversation, content: Content, *, by: By, at: datetime
) -> None:
    """The chat ends here, and the customer knows why."""
    await say(tx, chat, content, at)
    await close(tx, events, chat, Move.DISMISSED, by=by, reason=RETURNED_TO_VOICE, at=at)


async def note(
    tx: Tx,
    conversation: Conversation,
    noted: Mapping[str, Any],
    *,
    at: datetime,
    event: str | None = None,
) -> None:
    """Write on the card how far the return has come, for everyone who looks at it."""
    known = (conversation.card or {}).get("return") or {}
    card = {
        **(conversation.card or {}),
        "return": {**known, **noted, "at": at.isoformat()},
    }
    await store.save(
        tx, conversation, replace(conversation, card=card), at=at, by=SYSTEM, event=event
    )


async def note_called_again(
    tx: Tx, conversation_id: ConversationId, *, at: datetime, calls: int, within_s: int
) -> None:
    """The customer of this chat is calling again: whoever looks at it sees that now."""
    conversation = await store.lock(tx, conversation_id)
    before = (conversation.card or {}).get("called_again") or {}
    if before.get("at") == at.isoformat():
        return
    again = {"at": at.isoformat(), "calls": calls, "within_s": within_s}
    after = replace(conversation, card={**(conversation.card or {}), "called_again": again})
    await store.save(
        tx,
        conversation,
        after,
        at=at,
        by=CALL,
        event="called_again" if conversation.is_open else None,
        params={"calls": calls},
    )


__all__ = [
    "RETURNED_TO_VOICE",
    "leave_for_voice",
    "note",
    "note_called_again",
    "offer_call",
    "say",
    "stand_in",
]
