"""What operators do, and what a stale or foreign hand must not."""

import asyncio
from functools import partial

import pytest

from core.ids import ConversationId, PersonId, QueueId, new_id
from handoff.conversation.lifecycle import State, WrongState
from handoff.conversation.model import (
    Conversation,
    ConversationUnknown,
    NotYours,
    StaleEpoch,
)
from handoff.conversation.store import Sent
from handoff.routing.queues import QueueDraft, QueueUnknown, put_queue
from messaging.content import Content, ContentType
from messaging.outbox import OptedOut, WindowClosed
from messaging.receipts import MARK_READ_JOB

WORDS = Content(ContentType.TEXT, text="One moment")


async def held(house, name="olga") -> tuple[PersonId, Conversation]:
    olga = await house.at_work(name)
    await house.queued()
    return olga, await house.accepts(olga)


async def send(house, conversation, by, **changed) -> Sent:
    values = {
        "by": by,
        "by_name": "Olga",
        "epoch": conversation.epoch,
        "client_key": str(new_id()),
        "content": WORDS,
    }
    sent: Sent = await house.conversations.send(
        house.workspace_id, conversation.conversation_id, **{**values, **changed}
    )
    return sent


async def test_an_answer_is_the_customers_turn_and_their_next_word_ours(house):
    olga, conversation = await held(house)
    assert conversation.waiting_since is not None
    await send(house, conversation, olga)
    answered = await house.latest()
    assert (answered.state, answered.waiting_since) == (State.WAITING_CUSTOMER, None)
    assert answered.unread == 0
    await house.wrote("thank you")
    again = await house.latest()
    assert (again.state, again.unread, again.operator_id) == (State.ACTIVE, 1, olga)
    assert again.epoch == conversation.epoch, "a draft in these hands is still good"


async def test_the_same_client_key_is_the_same_message_even_after_it_changed_hands(house):
    olga, conversation = await held(house)
    first = await send(house, conversation, olga, client_key="k1")
    assert await send(house, conversation, olga, client_key="k1") == first
    await house.conversations.transfer(
        house.workspace_id,
        conversation.conversation_id,
        by=olga,
        epoch=conversation.epoch,
        queue_id=house.queue_id,
    )
    assert await send(house, conversation, olga, client_key="k1") == first
    sent = await house.owner.fetchval(
        "SELECT count(*) FROM messaging.message WHERE author_kind = 'operator'"
    )
    assert sent == 1


async def test_clicking_twice_at_once_says_it_once(house):
    olga, conversation = await held(house)
    sent = await asyncio.gather(
        *(send(house, conversation, olga, client_key="k1") for _ in range(5))
    )
    assert len(set(sent)) == 1


@pytest.mark.parametrize("act", ["send", "close", "transfer", "end_wrapup"])
async def test_a_stale_owners_write_is_refused(house, act):
    olga, conversation = await held(house)
    more = {
        "send": {"by_name": "Olga", "client_key": "k1", "content": WORDS},
        "transfer": {"queue_id": house.queue_id},
    }
    write = partial(
        getattr(house.conversations, act),
        house.workspace_id,
        conversation.conversation_id,
        by=olga,
        epoch=conversation.epoch - 1,
        **more.get(act, {}),
    )
    with pytest.raises(StaleEpoch) as refused:
        await write()
    assert refused.value.code == "stale_epoch"
    assert (await house.latest()).state == State.ACTIVE


async def test_a_conversation_in_other_hands_is_refused(house):
    _, conversation = await held(house)
    pavel = await house.operator("pavel")
    with pytest.raises(NotYours):
        await send(house, conversation, pavel)
    with pytest.raises(NotYours):
        await house.conversations.mark_read(
            house.workspace_id, conversation.conversation_id, by=pavel, seq=1
        )
    with pytest.raises(NotYours):
        await house.conversations.typing(house.workspace_id, conversation.conversation_id, by=pavel)


async def test_what_is_only_held_out_is_not_yet_ones_own(house):
    olga = await house.at_work()
    offered = await house.queued()
    with pytest.raises(NotYours):
        await send(house, offered, olga)
    # Whoever looks before taking it has not read it, for the customer and for the next one asked.
    unread = (await house.latest()).unread
    with pytest.raises(NotYours):
        await house.conversations.mark_read(
            house.workspace_id, offered.conversation_id, by=olga, seq=offered.last_seq
        )
    assert (await house.latest()).unread == unread > 0
    assert await house.timeline.waiting(MARK_READ_JOB) == 0


async def test_an_unknown_conversation_is_unknown(house):
    olga = await house.at_work()
    with pytest.raises(ConversationUnknown):
        await house.conversations.close(
            house.workspace_id, ConversationId(new_id()), by=olga, epoch=1
        )


async def test_a_closed_window_and_an_opt_out_are_refused_and_nothing_is_written(house):
    olga, conversation = await held(house)
    before = (await house.latest()).last_seq
    await house.owner.execute("UPDATE messaging.thread SET window_until = now() - interval '1 h'")
    with pytest.raises(WindowClosed):
        await send(house, conversation, olga)
    await house.owner.execute(
        "INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason, at)"
        " VALUES ($1, $2, 'whatsapp', 'stopped', clock_timestamp() + interval '1 hour')",
        house.workspace_id,
        house.contact_id,
    )
    with pytest.raises(OptedOut):
        await send(house, conversation, olga)
    assert (await house.latest()).last_seq == before


async def test_closing_gives_time_to_file_the_case_and_then_closes(house):
    olga, conversation = await held(house)
    answered = await house.answers(conversation)
    filing = await house.conversations.close(
        house.workspace_id,
        conversation.conversation_id,
        by=olga,
        epoch=answered.epoch,
        topic="delivery",
    )
    assert (filing.state, filing.topic) == (State.WRAPUP, "delivery")
    assert await house.load(olga) == 1
    with pytest.raises(WrongState):
        await send(house, filing, olga)
    await house.timeline.advance(31)
    closed = await house.latest()
    assert (closed.state, closed.closed_reason) == (State.CLOSED, "finished")
    assert closed.last_operator_id == olga
    assert await house.load(olga) == 0
    assert house.published.names[-1] == "conversation.closed"


async def test_a_queue_without_wrap_up_closes_at_once(house):
    async with house.database.workspace(house.workspace_id) as tx:
        await put_queue(tx, QueueDraft("support", "Support", wrapup_s=0))
    olga, conversation = await held(house)
    closed = await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=conversation.epoch
    )
    assert closed.state == State.CLOSED
    assert await house.load(olga) == 0


async def test_ending_the_wrap_up_twice_is_ending_it(house):
    olga, conversation = await held(house)
    filing = await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=conversation.epoch
    )
    for _ in range(2):
        closed = await house.conversations.end_wrapup(
            house.workspace_id, conversation.conversation_id, by=olga, epoch=filing.epoch
        )
        assert closed.state == State.CLOSED
    assert await house.load(olga) == 0


async def test_who_writes_while_the_case_is_filed_is_answered_by_the_same_hands(house):
    olga, conversation = await held(house)
    answered = await house.answers(conversation)
    await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=answered.epoch
    )
    await house.timeline.advance(10)
    await house.wrote("one more thing")
    again = await house.latest()
    assert (again.state, again.operator_id) == (State.ACTIVE, olga)
    await house.answers(again)
    filing = await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=again.epoch
    )
    await house.timeline.advance(25)
    assert (await house.latest()).state == State.WRAPUP, "the first timer is not this one's"
    await house.timeline.advance(6)
    assert (await house.latest()).state == State.CLOSED
    assert filing.wrapup_until is not None


async def test_soon_after_closing_the_same_case_goes_on(house):
    olga, conversation = await held(house)
    await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=conversation.epoch
    )
    await house.timeline.advance(31)
    before = await house.latest()
    house.clock.advance(3600)
    await house.wrote("it is broken again")
    reopened = await house.latest()
    assert reopened.conversation_id == conversation.conversation_id
    assert reopened.state == State.QUEUED
    assert reopened.enqueued_at > before.enqueued_at, "a new wait begins"
    assert reopened.epoch > before.epoch
    await house.timeline.settle()
    assert (await house.latest()).operator_id == olga


async def test_long_after_closing_a_new_case_begins_with_the_bot(house):
    olga, conversation = await held(house)
    await house.conversations.close(
        house.workspace_id, conversation.conversation_id, by=olga, epoch=conversation.epoch
    )
    await house.timeline.advance(31)
    await house.timeline.advance(86401)
    await house.wrote("hello")
    new = await house.latest()
    assert new.conversation_id != conversation.conversation_id
    assert (new.state, new.previous_id) == (State.BOT, conversation.conversation_id)
    assert new.origin is None


async def test_what_the_bot_closed_begins_with_the_bot_again(house):
    await house.wrote("hi")
    await house.timeline.advance(3 * 3600)
    first = await house.latest()
    assert first.state == State.CLOSED
    await house.wrote("hi again")
    second = await house.latest()
    assert (second.state, second.previous_id) == (State.BOT, first.conversation_id)


async def test_a_transfer_keeps_the_age_and_frees_the_hand(house):
    olga, conversation = await held(house)
    async with house.database.workspace(house.workspace_id) as tx:
        orders = await put_queue(tx, QueueDraft("orders", "Orders"))
    house.clock.advance(120)
    moved = await house.conversations.transfer(
        house.workspace_id,
        conversation.conversation_id,
        by=olga,
        epoch=conversation.epoch,
        queue_id=orders,
    )
    assert (moved.state, moved.queue_id) == (State.QUEUED, orders)
    assert moved.enqueued_at == conversation.enqueued_at
    assert moved.epoch == conversation.epoch + 1
    assert await house.load(olga) == 0
    with pytest.raises(StaleEpoch):
        await send(house, conversation, olga)


async def test_a_transfer_to_nowhere_is_refused(house):
    olga, conversation = await held(house)
    with pytest.raises(QueueUnknown):
        await house.conversations.transfer(
            house.workspace_id,
            conversation.conversation_id,
            by=olga,
            epoch=conversation.epoch,
            queue_id=QueueId(new_id()),
        )
    assert (await house.latest()).operator_id == olga


async def test_an_accepted_chat_without_an_answer_goes_to_somebody_else(house):
    _, conversation = await held(house)
    pavel = await house.at_work("pavel")
    await house.timeline.advance(179)
    assert (await house.latest()).state == State.ACTIVE
    await house.timeline.advance(2)
    moved = await house.latest()
    assert (moved.operator_id, moved.state) == (pavel, State.RESERVED)
    assert moved.enqueued_at == conversation.enqueued_at


async def test_typing_extends_the_time_to_answer(house):
    olga, conversation = await held(house)
    await house.timeline.advance(170)
    await house.conversations.typing(house.workspace_id, conversation.conversation_id, by=olga)
    await house.timeline.advance(170)
    assert (await house.latest()).operator_id == olga
    await house.timeline.advance(11)
    assert (await house.latest()).state == State.QUEUED


async def test_an_answer_in_time_keeps_the_conversation(house):
    olga, conversation = await held(house)
    await house.timeline.advance(100)
    await house.answers(conversation)
    await house.timeline.advance(600)
    assert (await house.latest()).operator_id == olga


async def test_a_later_question_left_unanswered_is_no_better(house):
    olga, conversation = await held(house)
    await house.answers(conversation)
    await house.timeline.advance(600)
    await house.wrote("and the price?")
    await house.timeline.advance(179)
    assert (await house.latest()).operator_id == olga
    await house.timeline.advance(2)
    assert (await house.latest()).operator_id is None


async def test_reading_counts_down_and_shows_the_customer_ticks(house):
    olga, conversation = await held(house)
    await house.wrote("one")
    await house.wrote("two")
    before = await house.latest()
    await house.conversations.mark_read(
        house.workspace_id, conversation.conversation_id, by=olga, seq=before.last_seq - 1
    )
    assert (await house.latest()).unread == 1
    await house.conversations.mark_read(
        house.workspace_id, conversation.conversation_id, by=olga, seq=10_000
    )
    after = await house.latest()
    assert (after.unread, after.read_seq) == (0, after.last_seq)
    assert await house.timeline.waiting(MARK_READ_JOB) == 2


async def test_a_customer_who_writes_while_waiting_only_adds_to_it(house):
    waiting = await house.queued()
    await house.wrote("are you there?")
    await house.timeline.settle()
    after = await house.latest()
    assert (after.state, after.epoch) == (State.QUEUED, waiting.epoch)
    assert after.unread == waiting.unread + 1
    assert after.enqueued_at == waiting.enqueued_at
    assert after.heard == [], "the bot is out of it"
