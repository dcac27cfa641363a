"""What a customer's message does to the conversation it belongs to.

Runs inside the inbox's transaction, so that the message and its effect are one.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum

import structlog

from core.access.workspaces import workspace
from core.clock import Clock
from core.events import Events
from core.jobs import NewJob, cancel, enqueue
from core.postgres import Tx
from handoff.conversation import store
from handoff.conversation.closing import ENGAGED, NOT_ME, close, tell
from handoff.conversation.lifecycle import WITH_BOT, Move, State
from handoff.conversation.model import CUSTOMER, Conversation, Kind, moved
from handoff.conversation.opening import Birth, begin, close_callbacks
from handoff.conversation.refusing import opt_out
from handoff.routing.queues import queue
from handoff.routing.returning import watch_answer
from handoff.routing.soon import place_soon
from handoff.triage.flows import default_flow
from handoff.triage.state import OPENING_NOT_ME
from messaging.content import Content, ContentType
from messaging.inbox import Received

log = structlog.get_logger()

BOT_TURN = "handoff.bot_turn"

OF_VOICE = "v:"
"""Buttons that begin so are about being called: the room above offers them, and hears of them."""
CHOSEN = "conversation.chosen"

QUIET = timedelta(seconds=1.2)
"""People write in bursts: the bot answers once it has been quiet for so long. A tap is answered at
once."""

PATIENCE = timedelta(seconds=5)
"""Somebody who never stops writing is answered all the same."""

MAX_HEARD = 20


class Effect(Enum):
    """What a message does to the thread's latest conversation."""

    BEGIN = "begin"
    ENGAGE = "engage"
    HEAR = "hear"
    ADD = "add"
    TAKE_UP = "take_up"
    REOPEN = "reopen"
    REFUSE = "refuse"
    REMARK = "remark"


def effect_of(
    latest: Conversation | None, content: Content, at: datetime, reopen_s: int
) -> Effect | None:
    """What this message does; None when there is nothing that it could be about."""
    if content.type is ContentType.REACTION:
        # A thumb under a message is no question, and must not call anybody back.
        return None if latest is None else Effect.REMARK
    refuses = _refuses(content)
    if latest is None:
        return Effect.BEGIN
    match State(latest.state):
        case State.INVITED:
            return Effect.ENGAGE
        case State.BOT:
            return Effect.HEAR
        case _ if refuses:
            return Effect.REFUSE
        case State.CLOSED | State.ABANDONED:
            return Effect.REOPEN if _soon_after(latest, at, reopen_s) else Effect.BEGIN
        case State.WAITING_CUSTOMER | State.WRAPUP:
            return Effect.TAKE_UP
        case _:
            return Effect.ADD


def _refuses(content: Content) -> bool:
    return content.choice is not None and content.choice.startswith(OPENING_NOT_ME)


def _soon_after(closed: Conversation, at: datetime, reopen_s: int) -> bool:
    """Is it still the same case? Only people's cases are: the bot simply begins again."""
    if closed.state != State.CLOSED or closed.closed_at is None or closed.enqueued_at is None:
        return False
    return at <= closed.closed_at + timedelta(seconds=reopen_s)


class Inbound:
    """The handler that the inbox calls with each message of a customer."""

    def __init__(self, events: Events, clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def __call__(self, tx: Tx, received: Received) -> None:
        """Find the conversation, let the message take its effect, and write it down."""
        at = self._clock()
        latest = await store.latest_in_thread(tx, received.thread_id)
        over = latest is not None and not latest.is_open
        reopen_s = (await queue(tx, latest.queue_id)).reopen_s if latest and over else 0
        effect = effect_of(latest, received.content, at, reopen_s)
        if effect is None:
            return
        await close_callbacks(tx, received.contact_id, "customer_wrote")
        if latest is not None and (received.content.choice or "").startswith(OF_VOICE):
            facts = {**latest.facts, "choice": received.content.choice, "at": at.isoformat()}
            await self._events.publish(tx, CHOSEN, facts)
        if effect is Effect.BEGIN or latest is None:
            # Ours, or the one that a call began in the same moment.
            latest = await self._begin(tx, received, latest, at)
            effect = Effect.ENGAGE if latest.state == State.INVITED else Effect.HEAR
        await self._take(tx, received, latest, effect, at)

    async def _take(
        self, tx: Tx, received: Received, before: Conversation, effect: Effect, at: datetime
    ) -> None:
        seq = await store.append_message(
            tx, before.conversation_id, received.message_id, author="customer", at=at
        )
        if effect is Effect.REMARK:
            return
        if effect is Effect.REFUSE:
            await self._refuse(tx, before, at)
            return
        after = self._noted(before, received.content, at)
        move = _MOVES.get(effect)
        if move is not None:
            after = moved(after, move, at)
        if effect in {Effect.HEAR, Effect.ENGAGE}:
            after = _heard(after, received.content, at)
        await store.save(
            tx,
            before,
            after,
            at=at,
            by=CUSTOMER,
            move=move,
            event="reopened" if effect is Effect.REOPEN else None,
        )
        if before.engaged_at is None and after.engaged_at is not None:
            await tell(tx, self._events, ENGAGED, after, at)
        if after.state in WITH_BOT:
            await _wake_bot(tx, after, received.content, at)
        elif effect is Effect.REOPEN:
            await place_soon(tx)
        else:
            await watch_answer(tx, after, at)
        log.info(
            "conversation.message_received", conversation_id=str(after.conversation_id), seq=seq
        )

    @staticmethod
    def _noted(before: Conversation, content: Content, at: datetime) -> Conversation:
        """What every message changes. Refusing a call's invitation is not answering it."""
        with_person = before.state not in WITH_BOT
        return replace(
            before,
            last_inbound_at=at,
            engaged_at=before.engaged_at or (None if _refuses(content) else at),
            unread=before.unread + 1,
            waiting_since=(before.waiting_since or at) if with_person else None,
        )

    async def _begin(
        self, tx: Tx, received: Received, previous: Conversation | None, at: datetime
    ) -> Conversation:
        """A new conversation with the bot. After an invitation that nobody answered in time, it is
        still about that call.
        """
        late = previous if previous is not None and previous.engaged_at is None else None
        queue_name = "" if late is None else (await queue(tx, late.queue_id)).name
        await begin(
            tx,
            Birth(
                kind=Kind.CHAT,
                state=State.BOT,
                contact_id=received.contact_id,
                thread_id=received.thread_id,
                account_id=received.account_id,
                previous_id=None if previous is None else previous.conversation_id,
                queue=queue_name,
                flow=(late and late.flow) or await default_flow(tx),
                language=received.language or (late.language if late else await _language(tx)),
                origin=late.origin if late else None,
                card=late.card if late else None,
                by=CUSTOMER,
                reason="wrote",
                at=at,
            ),
        )
        conversation = await store.latest_in_thread(tx, received.thread_id)
        if conversation is None or not conversation.is_open:
            raise RuntimeError("a thread without an open conversation after one was begun")
        return conversation

    async def _refuse(self, tx: Tx, conversation: Conversation, at: datetime) -> None:
        """*Not me*, while people hold it or after it was closed."""
        await opt_out(tx, conversation, "not_me")
        if conversation.is_open:
            conversation = await close(
                tx,
                self._events,
                conversation,
                Move.DISMISSED,
                by=CUSTOMER,
                reason="not_me",
                at=at,
            )
        await tell(tx, self._events, NOT_ME, conversation, at)


_MOVES = {
    Effect.ENGAGE: Move.ENGAGED,
    Effect.TAKE_UP: Move.WROTE,
    Effect.REOPEN: Move.REOPENED,
}


def _heard(before: Conversation, content: Content, at: datetime) -> Conversation:
    """The bot is told at its next turn."""
    if len(before.heard) >= MAX_HEARD:
        return before
    return replace(
        before, heard=(*before.heard, _words(content)), heard_since=before.heard_since or at
    )


def _words(content: Content) -> dict[str, str]:
    if content.choice is not None:
        return {"choice": content.choice}
    if content.text:
        return {"text": content.text}
    return {"media": content.type.value}


async def _wake_bot(tx: Tx, conversation: Conversation, content: Content, at: datetime) -> None:
    """Have the bot answer: at once after a tap, otherwise when the burst is over."""
    key = str(conversation.conversation_id)
    since = conversation.heard_since or at
    wait = timedelta(0) if content.choice is not None else min(QUIET, since + PATIENCE - at)
    # Of two jobs under one key the earlier time stands: the burst goes on, so the first must go.
    await cancel(tx, BOT_TURN, key)
    await enqueue(
        tx,
        NewJob(
            BOT_TURN,
            {"conversation_id": key},
            band="inbound",
            lane=f"bot:{key}",
            key=key,
            delay_s=max(0.0, wait.total_seconds()),
        ),
    )


async def _language(tx: Tx) -> str:
    """What a stranger is spoken to in, until they choose."""
    return (await workspace(tx)).languages[0]
