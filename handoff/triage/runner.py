"""The bot's turns: what a customer said goes through the flow, and what comes out is committed with
what it means for the conversation. Whatever breaks, people take over.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core.clock import Clock
from core.events import Events
from core.faults import Refused, Unavailable
from core.ids import ConversationId
from core.jobs import Job, LeaseLost, NewJob, enqueue, finish
from core.postgres import Database, Tx
from core.vocabulary import Language
from handoff.conversation import store
from handoff.conversation.closing import HANDED_OVER, NOT_ME, close, tell
from handoff.conversation.lifecycle import Move, State
from handoff.conversation.model import BOT, SYSTEM, Conversation, moved
from handoff.conversation.refusing import opt_out
from handoff.routing.queues import queue, queue_named
from handoff.routing.soon import place_soon
from handoff.triage.flow import Flow, Limits
from handoff.triage.flows import Flows
from handoff.triage.hearing import lost, played, remembered, summary, union
from handoff.triage.says import Say
from handoff.triage.state import Closing, Continue, End, Handoff, Reason, Step
from handoff.triage.wording import render
from messaging import contacts, outbox
from messaging.outbox import Author

log = structlog.get_logger()

BOT_IDLE = "handoff.bot_idle"

RETURN_ASKED = "conversation.return_asked"
"""A flow wants the customer called; the room that knows of calls arranges it."""

_ARRANGING = timedelta(seconds=5)

TRIES = 2
"""After so many attempts at a turn people take over, instead of a customer waiting for a retry."""

_AUTHOR = Author("bot")

_OPTS_OUT = frozenset({Closing.STOPPED, Closing.NOT_ME})


class BotRunner:
    """Plays the turns that customers' messages ask for."""

    def __init__(self, database: Database, events: Events, clock: Clock) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._flows = Flows()

    async def turn(self, job: Job) -> None:
        """Answer what was said since the last turn, or give the conversation to people."""
        conversation_id = ConversationId(UUID(job.payload["conversation_id"]))
        try:
            if job.attempt <= TRIES:
                async with self._database.workspace(job.workspace_id) as tx:
                    await self._play(tx, conversation_id)
                    await finish(tx, job)
                return
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - a failing bot must open the chat to operators
            # The words of an exception may quote the customer: only its type is written down.
            log.error(  # noqa: TRY400
                "bot.turn_failed",
                conversation_id=str(conversation_id),
                error=type(error).__name__,
            )
        async with self._database.workspace(job.workspace_id) as tx:
            await self._give_up(tx, conversation_id)
            await finish(tx, job)

    async def idle(self, tx: Tx, job: Job) -> None:
        """The customer has been silent for as long as the flow allows: the bot was enough."""
        conversation = await store.lock(tx, ConversationId(UUID(job.payload["conversation_id"])))
        if conversation.state != State.BOT:
            return
        now = self._clock()
        flow = await self._flows.pinned(tx, conversation.flow, conversation.flow_version)
        limits = Limits() if flow is None else flow.limits
        silent_since = conversation.last_inbound_at or conversation.opened_at
        if conversation.heard or not conversation.bot_answered:
            await self._hand_over(tx, conversation, lost(conversation), now)
        elif silent_since + limits.idle > now:
            await _watch_silence(tx, conversation, silent_since + limits.idle - now)
        else:
            await close(
                tx, self._events, conversation, Move.CONTAINED, by=SYSTEM, reason="silent", at=now
            )

    async def _play(self, tx: Tx, conversation_id: ConversationId) -> None:
        conversation = await store.lock(tx, conversation_id)
        if conversation.state != State.BOT or not conversation.heard:
            # An operator has it, or an earlier turn has answered this too.
            return
        now = self._clock()
        flow = await self._flows.pinned(tx, conversation.flow, conversation.flow_version)
        if flow is None:
            log.warning("bot.no_flow", conversation_id=str(conversation_id))
            step = lost(conversation)
        else:
            step = played(flow, conversation)
        after = remembered(conversation, step)
        await store.save(tx, conversation, after, at=now, by=BOT)
        if after.language != conversation.language:
            await contacts.set_language(tx, after.contact_id, Language(after.language))
        says = [*step.says]
        if flow is not None and _wants_voice(step) and not _calls_back(conversation):
            # Nobody calls from this line, so it is an operator who takes over: say that.
            says.append(Say(render(flow, "t.handing_over", step.state)))
        if not await self._say(tx, after, says, now) and isinstance(step.outcome, Continue):
            # Nobody would hear the bot: people may know another way.
            step = lost(after)
        await self._settle(tx, after, step, flow, now)

    async def _settle(
        self, tx: Tx, conversation: Conversation, step: Step, flow: Flow | None, now: datetime
    ) -> None:
        match step.outcome:
            case Continue():
                await _watch_silence(tx, conversation, (flow.limits if flow else Limits()).idle)
            case End(closing=closing):
                await self._end(tx, conversation, closing, now)
            case Handoff():
                await self._hand_over(tx, conversation, step, now)

    async def _end(
        self, tx: Tx, conversation: Conversation, closing: Closing, now: datetime
    ) -> None:
        refused = closing in _OPTS_OUT
        after = await close(
            tx,
            self._events,
            conversation,
            Move.DISMISSED if refused else Move.CONTAINED,
            by=BOT,
            reason=closing.value,
            at=now,
        )
        if refused:
            await opt_out(tx, after, closing.value)
        if closing is Closing.NOT_ME:
            await tell(tx, self._events, NOT_ME, after, now)

    async def _hand_over(
        self, tx: Tx, conversation: Conversation, step: Step, now: datetime
    ) -> None:
        """To the queue that the flow names, or the one that the call did, with all the bot learnt."""
        outcome = step.outcome
        assert isinstance(outcome, Handoff)  # noqa: S101 - who calls has seen to it
        if outcome.queue is None:
            target = await queue(tx, conversation.queue_id)
        else:
            # A queue that is gone is no reason to leave the customer nowhere: the default one stands in.
            target = await queue_named(tx, outcome.queue)
        to_voice = _wants_voice(step) and _calls_back(conversation)
        after = moved(
            conversation,
            Move.HANDED_OVER,
            now,
            # It waits a moment before anybody is asked: the call is being arranged.
            next_eval_at=now + _ARRANGING if to_voice else conversation.next_eval_at,
            queue_id=target.queue_id,
            priority=conversation.priority + outcome.priority,
            tags=union(conversation.tags, outcome.tags),
            topic=outcome.topic or conversation.topic,
            summary=summary(step),
        )
        await store.save(
            tx,
            conversation,
            after,
            at=now,
            by=BOT,
            move=Move.HANDED_OVER,
            reason=outcome.reason.value,
            event="handed_over",
            params={"queue": target.title, "reason": outcome.reason.value},
        )
        await tell(tx, self._events, HANDED_OVER, after, now, reason=outcome.reason.value)
        if to_voice:
            await tell(tx, self._events, RETURN_ASKED, after, now)
        await place_soon(tx, delay_s=_ARRANGING.total_seconds() if to_voice else 0.0)

    async def _give_up(self, tx: Tx, conversation_id: ConversationId) -> None:
        """People take over from a bot that broke; without a word when even that cannot be said."""
        conversation = await store.lock(tx, conversation_id)
        if conversation.state != State.BOT:
            return
        step = lost(conversation)
        now = self._clock()
        await self._say(tx, conversation, step.says, now)
        await self._hand_over(tx, conversation, step, now)

    async def _say(
        self, tx: Tx, conversation: Conversation, says: Iterable[Say], now: datetime
    ) -> bool:
        """Put the words out and into the transcript; False when nobody would hear them."""
        if conversation.thread_id is None:
            return False
        for say in says:
            try:
                message_id = await outbox.put(
                    tx, thread_id=conversation.thread_id, content=say.content(), author=_AUTHOR
                )
            except Refused as refused:
                log.info(
                    "bot.unheard",
                    conversation_id=str(conversation.conversation_id),
                    code=refused.code,
                )
                return False
            await store.append_message(
                tx, conversation.conversation_id, message_id, author="bot", at=now
            )
        return True


def _wants_voice(step: Step) -> bool:
    return isinstance(step.outcome, Handoff) and step.outcome.reason is Reason.VOICE


def _calls_back(conversation: Conversation) -> bool:
    """Did the line that began this say that it calls back?"""
    return bool((conversation.card or {}).get("return_to_voice"))


async def _watch_silence(tx: Tx, conversation: Conversation, wait: timedelta) -> None:
    key = str(conversation.conversation_id)
    await enqueue(
        tx,
        NewJob(BOT_IDLE, {"conversation_id": key}, key=key, delay_s=wait.total_seconds()),
    )
