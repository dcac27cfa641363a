"""Calling somebody back from the desk: spoken with them, or nobody picked up."""

import pytest

from core.vocabulary import PhoneNumber
from handoff.conversation.lifecycle import State, WrongState
from handoff.conversation.model import NotYours
from handoff.conversation.opening import close_callbacks, open_callback


@pytest.fixture
async def held(house):
    """A call back in Olga's hands."""
    olga = await house.at_work("olga")
    async with house.database.workspace(house.workspace_id) as tx:
        await open_callback(
            tx,
            contact_id=house.contact_id,
            phone=PhoneNumber("+79161230001"),
            queue="support",
            card={"call_id": "c1", "return": {"most_tries": 2, "again_after_s": 600}},
            origin=None,
            reason="returned_to_voice",
            language="ru",
            at=house.clock(),
        )
    return olga, await house.accepts(olga)


async def called(house, olga, held, *, answered: bool):
    return await house.conversations.called(
        house.workspace_id, held.conversation_id, by=olga, epoch=held.epoch, answered=answered
    )


async def test_who_was_spoken_with_is_filed_and_closed(house, held):
    olga, callback = held
    after = await called(house, olga, callback, answered=True)
    assert after.state == State.WRAPUP
    assert "callback.called" in house.published.names
    assert ("event", "callback_called") in await house.transcript(callback.conversation_id)
    await house.timeline.advance(3600)
    assert (await house.conversation(callback.conversation_id)).state == State.CLOSED


async def test_nobody_picked_up_is_tried_again_later_and_not_for_ever(house, held):
    olga, callback = held
    after = await called(house, olga, callback, answered=False)
    assert (after.state, after.card["tries"], after.operator_id) == (State.QUEUED, 1, None)
    await house.timeline.advance(60)
    assert (await house.conversation(callback.conversation_id)).state == State.QUEUED
    await house.timeline.advance(600)
    again = await house.accepts(olga)
    assert again.conversation_id == callback.conversation_id
    over = await called(house, olga, again, answered=False)
    assert (over.state, over.closed_reason) == (State.CLOSED, "not_reached")
    tried = [facts for name, facts in house.published.facts if name == "callback.tried"]
    assert [(facts["tries"], facts["next_at"] is None) for facts in tried] == [
        (1, False),
        (2, True),
    ]


async def test_only_its_holder_says_so_and_only_of_a_call_back(house, held):
    olga, callback = held
    with pytest.raises(NotYours):
        await called(house, await house.at_work("pavel"), callback, answered=True)
    await house.invited()
    await house.wrote("operator")
    chat = await house.latest()
    assert chat.kind == "chat"
    with pytest.raises((NotYours, WrongState)):
        await called(house, olga, chat, answered=True)


async def test_a_promised_call_stands_whatever_the_customer_writes(house, held):
    _, callback = held
    async with house.database.workspace(house.workspace_id) as tx:
        await close_callbacks(tx, house.contact_id, "customer_wrote")
    await house.timeline.settle()
    assert ("event", "callback_settled") not in await house.transcript(callback.conversation_id)
