"""Calling somebody back: done, or nobody picked up and it is tried again later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from core.events import Events
from core.postgres import Tx
from handoff.conversation import store
from handoff.conversation.closing import close, let_go, tell
from handoff.conversation.lifecycle import Move, State, WrongState
from handoff.conversation.model import By, ByKind, Conversation, Kind, moved
from handoff.routing.reservations import Status
from handoff.routing.soon import place_soon

log = structlog.get_logger()

CALLED = "callback.called"
TRIED = "callback.tried"
NOT_REACHED = "not_reached"

MOST_TRIES = 3
AGAIN_AFTER_S = 900


async def note_called(
    tx: Tx, events: Events, callback: Conversation, *, by: By, at: datetime
) -> None:
    """Somebody spoke with the customer; raises WrongState when there was nothing to call about."""
    _must_be_callback(callback)
    await store.save(tx, callback, callback, at=at, by=by, event="callback_called")
    await tell(tx, events, CALLED, callback, at)


async def nobody_answered(
    tx: Tx, events: Events, callback: Conversation, *, by: By, at: datetime
) -> int:
    """Nobody picked up: later again, by whoever is free then, until it was tried often enough.

    Answers how often that was. It is locked.
    """
    _must_be_callback(callback)
    card = callback.card or {}
    manner: Mapping[str, Any] = card.get("return") or {}
    tries = int(card.get("tries") or 0) + 1
    again_at = at + timedelta(seconds=int(manner.get("again_after_s") or AGAIN_AFTER_S))
    # What an operator has in hand is theirs to end, whatever a dialler says.
    theirs = by.kind is not ByKind.OPERATOR and callback.state in {State.ACTIVE, State.WRAPUP}
    over = tries >= int(manner.get("most_tries") or MOST_TRIES) and not theirs
    noted = replace(
        callback,
        card={**card, "tries": tries, "next_try_at": None if over else again_at.isoformat()},
    )
    params = {"tries": tries}
    if over:
        await store.save(
            tx, callback, noted, at=at, by=by, event="callback_no_answer", params=params
        )
        await close(tx, events, noted, Move.DISMISSED, by=by, reason=NOT_REACHED, at=at)
    elif by.kind is ByKind.OPERATOR:
        after = moved(replace(noted, next_eval_at=again_at, tried=()), _give_back(callback), at)
        await store.save(
            tx,
            callback,
            after,
            at=at,
            by=by,
            move=_give_back(callback),
            reason="no_answer",
            event="callback_no_answer",
            params=params,
        )
        await let_go(tx, callback, Status.RESCINDED, at=at, reason="no_answer")
        await place_soon(tx, delay_s=(again_at - at).total_seconds())
    else:
        after = replace(noted, next_eval_at=again_at)
        await store.save(
            tx, callback, after, at=at, by=by, event="callback_no_answer", params=params
        )
    await events.publish(
        tx,
        TRIED,
        {
            **callback.facts,
            "at": at.isoformat(),
            "tries": tries,
            "next_at": None if over else again_at.isoformat(),
        },
    )
    log.info("callback.tried", conversation_id=str(callback.conversation_id), tries=tries)
    return tries


def _give_back(callback: Conversation) -> Move:
    if callback.state != State.ACTIVE:
        raise WrongState(state=callback.state)
    return Move.RETURNED


def _must_be_callback(conversation: Conversation) -> None:
    if conversation.kind != Kind.CALLBACK or not conversation.is_open:
        raise WrongState(state=conversation.state)
