"""The life of a return: requested, told to the dialler, and then called, or called off.

The chat ends, the customer is told, a call back stands with the kept place, and the dialler's
webhook is on its way: all that is one transaction. Whatever happens later finds the return by its
id, and the first word about it stands.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from core.events import Events
from core.faults import Refused
from core.ids import ConversationId, new_id, public
from core.jobs import enqueue
from core.postgres import Tx
from core.vocabulary import PhoneNumber
from handoff.conversation import callbacks, voice
from handoff.conversation import store as conversations
from handoff.conversation.lifecycle import State as ChatState
from handoff.conversation.lifecycle import WrongState
from handoff.conversation.model import By, Conversation, StaleEpoch
from handoff.conversation.opening import callback_over
from ivr_bridge import news
from ivr_bridge.news import News
from ivr_bridge.returns import store, words
from ivr_bridge.returns.store import AskedBy, Chat, Return, ReturnId, State
from ivr_bridge.returns.terms import ReturnTerms

log = structlog.get_logger()

RETURNS = Counter("ivr_bridge_returns_total", "Returns to voice", ["moved_to"])

_OF_CARD = ("intent", "ivr_path", "digits", "context", "customer")


class ReturnNotOffered(Refused, code="return_not_offered"):
    """This line does not call back: its terms have no `return_to_voice`."""


class NumberUnknown(Refused, code="number_unknown"):
    """There is no number to call this customer at."""


async def request(
    tx: Tx,
    events: Events,
    chat_id: ConversationId,
    *,
    asked_by: AskedBy,
    by: By,
    at: datetime,
    epoch: int | None = None,
) -> Return:
    """Have this customer called; the open return when there is one already.

    Raises ReturnUnknown, ReturnNotOffered, NumberUnknown, WrongState, StaleEpoch.
    """
    chat = await conversations.lock(tx, chat_id)
    before = await store.latest_of_chat(tx, chat_id)
    if before is not None and before.is_open:
        return before
    from_chat = await store.chat(tx, chat_id)
    promised = from_chat.promised
    if promised is None:
        raise ReturnNotOffered
    if epoch is not None and chat.epoch != epoch:
        raise StaleEpoch(epoch=chat.epoch)
    if not chat.is_open or chat.state == ChatState.INVITED:
        raise WrongState(state=chat.state)
    if from_chat.phone is None:
        raise NumberUnknown
    phone = PhoneNumber(from_chat.phone)
    return await _begin(
        tx, events, chat, from_chat, promised, phone, asked_by=asked_by, by=by, at=at
    )


async def _begin(
    tx: Tx,
    events: Events,
    chat: Conversation,
    from_chat: Chat,
    promised: ReturnTerms,
    phone: PhoneNumber,
    *,
    asked_by: AskedBy,
    by: By,
    at: datetime,
) -> Return:
    return_id = ReturnId(new_id())
    callback_id = await voice.stand_in(
        tx,
        chat,
        phone=phone,
        queue=promised.queue or from_chat.callback_queue,
        kept_since=from_chat.queued_at,
        noted={
            "id": public("rt", return_id),
            "state": State.REQUESTED.value,
            "asked_by": asked_by.value,
            "queued_at": from_chat.queued_at.isoformat(),
            "most_tries": promised.tries,
            "again_after_s": promised.again_after_s,
        },
        at=at,
    )
    added = await store.add(tx, return_id, from_chat, callback_id, asked_by, at)
    await voice.leave_for_voice(tx, events, chat, words.promise(chat.language), by=by, at=at)
    if not added:
        # The same person is being called about another chat already: that call is this one, too.
        (open_id,) = await store.open_of_contact(tx, from_chat.contact_id)
        return await store.get(tx, open_id)
    await news.tell(
        tx,
        News.RETURN_TO_VOICE,
        from_chat.deflection_id,
        at=at,
        key=str(return_id),
        meant_for=promised.webhook,
        **_told(chat, from_chat, return_id, callback_id, asked_by, at),
    )
    RETURNS.labels(State.REQUESTED.value).inc()
    log.info("return.requested", return_id=str(return_id), asked_by=asked_by.value)
    return await store.get(tx, return_id)


async def told(tx: Tx, return_id: ReturnId, endpoint: str, at: datetime) -> None:
    """An endpoint took the news: when it is the dialler's, the dialler knows."""
    standing = await store.get(tx, return_id)
    promised = (await store.chat(tx, standing.chat_id)).promised
    if promised is None or promised.webhook != endpoint:
        return
    # The conversation first: whoever moves a call back holds it and may settle its return.
    callback = await conversations.lock(tx, standing.callback_id)
    known = await tx.fetchval(*store.SQL["tell"](workspace=tx.workspace_id, return_id=return_id))
    if known is not None and callback.is_open:
        await voice.note(tx, callback, {"state": State.TOLD.value}, at=at, event="dialler_told")
        RETURNS.labels(State.TOLD.value).inc()


async def settle(
    tx: Tx,
    return_id: ReturnId,
    state: State,
    reason: str,
    at: datetime,
    *,
    by_callback: bool = False,
) -> bool:
    """Somebody has called, or nobody needs to: the call back goes, and the dialler hears of it.

    `by_callback`: the call back itself has just ended. False when it was known already.
    """
    if not await store.settle(tx, return_id, state, reason, at):
        return False
    settled = await store.get(tx, return_id)
    if not by_callback:
        await enqueue(tx, callback_over(settled.callback_id, reason))
    await tell_changed(tx, settled, state.value, reason, at)
    RETURNS.labels(state.value).inc()
    log.info("return.settled", return_id=str(return_id), state=state.value, reason=reason)
    return True


async def tell_changed(tx: Tx, about: Return, state: str, reason: str, at: datetime) -> None:
    """The dialler must not call whom somebody else calls."""
    promised = (await store.chat(tx, about.chat_id)).promised
    await news.tell(
        tx,
        News.RETURN_CHANGED,
        about.deflection_id,
        at=at,
        key=f"{about.return_id}:{state}:{at.isoformat() if state == 'taken' else ''}",
        meant_for=None if promised is None else promised.webhook,
        return_id=public("rt", about.return_id),
        state=state,
        why=reason,
    )


async def nobody_answered(tx: Tx, events: Events, about: Return, *, by: By, at: datetime) -> None:
    """The dialler did not reach them: counted where operators count theirs."""
    callback = await conversations.lock(tx, about.callback_id)
    if about.is_open and callback.is_open:
        await callbacks.nobody_answered(tx, events, callback, by=by, at=at)


def _told(
    chat: Conversation,
    from_chat: Chat,
    return_id: ReturnId,
    callback_id: ConversationId,
    asked_by: AskedBy,
    at: datetime,
) -> Mapping[str, Any]:
    """What travels back to the telephone: plain values, nothing that anybody wrote."""
    card, learnt = chat.card or {}, chat.summary or {}
    return {
        "return_id": public("rt", return_id),
        "asked_by": asked_by.value,
        "requested_at": at.isoformat(),
        "queued_at": from_chat.queued_at.isoformat(),
        "call_began_at": from_chat.call_began_at.isoformat(),
        "voice_wait_s": from_chat.voice_wait_s,
        "queue_position": from_chat.queue_position,
        "callback_id": public("cv", callback_id),
        "language": chat.language,
        "topic": chat.topic,
        "tags": list(chat.tags),
        "slots": dict(learnt.get("slots") or {}),
        **{name: card.get(name) for name in _OF_CARD},
    }
