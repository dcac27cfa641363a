"""From the customer's first message to the bot's last word."""

from datetime import timedelta

import pytest

from handoff.conversation.inbound import BOT_TURN
from handoff.conversation.lifecycle import State
from handoff.triage.flows import recall
from handoff.triage.state import OPENING_CONTINUE, OPENING_NOT_ME
from messaging.content import Content, ContentType


async def test_the_first_message_after_a_call_starts_the_flow(house):
    invited = await house.invited()
    assert (await house.latest()).state == State.INVITED
    await house.wrote("hi")
    assert (await house.latest()).state == State.BOT
    await house.timeline.advance(2)
    conversation = await house.latest()
    assert conversation.conversation_id == invited.conversation_id
    assert await house.transcript(conversation.conversation_id) == [
        ("event", "call_card"),
        ("business", "Hello"),
        ("customer", "hi"),
        ("bot", "Hello!\n\nWhat can we do for you?"),
    ]
    assert house.published.names == ["conversation.engaged"]
    facts = house.published.facts[0][1]
    assert facts["origin"] == str(conversation.origin)
    assert facts["contact_id"] == str(house.contact_id)


async def test_a_burst_is_one_turn_and_a_tap_is_answered_at_once(house):
    await house.wrote("hi")
    await house.timeline.advance(1)
    await house.wrote("are you there")
    await house.timeline.advance(1)
    assert (await house.latest()).bot_state is None, "the burst is not over"
    await house.timeline.advance(0.3)
    conversation = await house.latest()
    assert conversation.bot_state["turns"] == 1
    await house.tapped("f:menu:hours")
    await house.timeline.settle()
    said = await house.transcript(conversation.conversation_id)
    assert said[-1][0] == "bot"
    assert said[-1][1].startswith("We are open from nine to five.")


async def test_somebody_who_never_stops_writing_is_answered_all_the_same(house):
    for _ in range(8):
        await house.wrote("and another thing")
        await house.timeline.advance(1)
    assert (await house.latest()).bot_state is not None


async def test_an_album_is_one_conversation_and_one_turn(house):
    for _ in range(6):
        await house.wrote(content=Content(ContentType.IMAGE))
    await house.timeline.advance(2)
    conversation = await house.latest()
    count = await house.owner.fetchval("SELECT count(*) FROM handoff.conversation")
    assert count == 1
    assert conversation.bot_state["turns"] == 1
    assert conversation.last_seq == 1 + 6 + 1


async def test_asking_for_a_person_hands_over_with_what_the_bot_learnt(house):
    conversation = await house.queued()
    assert conversation.state == State.QUEUED
    assert conversation.queue_id == house.queue_id
    assert conversation.summary["reason"] == "asked"
    assert conversation.summary["language"] == "en"
    assert conversation.waiting_since is not None
    assert conversation.score == conversation.enqueued_at - conversation.priority * timedelta(
        seconds=60
    )
    assert "conversation.handed_over" in house.published.names
    assert (await house.transcript(conversation.conversation_id))[-1] == ("event", "handed_over")


async def test_a_menu_that_leads_to_people_raises_priority_and_tags(house):
    await house.wrote("hi")
    await house.timeline.advance(2)
    await house.tapped("f:menu:person")
    await house.timeline.settle()
    conversation = await house.latest()
    assert conversation.state == State.QUEUED
    assert (conversation.priority, list(conversation.tags)) == (2, ["from_ivr"])


async def test_an_answer_that_helped_closes_contained(house):
    await house.wrote("hi")
    await house.timeline.advance(2)
    await house.tapped("f:menu:hours")
    await house.timeline.settle()
    helped = next(
        option["id"]
        for row in await house.owner.fetch(
            "SELECT content FROM messaging.message WHERE direction = 'out' ORDER BY message_id DESC"
        )
        for option in row["content"].get("options", ())
    )
    await house.tapped(helped)
    await house.timeline.settle()
    conversation = await house.latest()
    assert (conversation.state, conversation.closed_reason) == (State.CLOSED, "solved")
    assert house.published.names == [
        "conversation.engaged",
        "conversation.closed",
        "conversation.contained",
    ]


async def test_silence_after_the_bots_answer_is_contained(house):
    await house.wrote("hi")
    await house.timeline.advance(3600)
    await house.wrote("hm")
    await house.timeline.advance(3600 + 1800)
    assert (await house.latest()).state == State.BOT, "two hours count from the last word"
    await house.timeline.advance(1900)
    conversation = await house.latest()
    assert (conversation.state, conversation.closed_reason) == (State.CLOSED, "silent")


async def test_not_me_opts_out_and_is_no_engagement(house):
    invited = await house.invited()
    await house.tapped(f"{OPENING_NOT_ME}abc")
    await house.timeline.settle()
    conversation = await house.conversation(invited.conversation_id)
    assert (conversation.state, conversation.closed_reason) == (State.CLOSED, "not_me")
    assert house.published.names == ["conversation.closed", "conversation.not_me"]
    reason = await house.owner.fetchval("SELECT reason FROM messaging.opt_out")
    assert reason == "not_me"


async def test_not_me_while_an_operator_holds_it_closes_and_frees_them(house):
    olga = await house.at_work()
    await house.queued()
    await house.accepts(olga)
    await house.tapped(f"{OPENING_NOT_ME}abc")
    conversation = await house.latest()
    assert (conversation.state, conversation.closed_reason) == (State.CLOSED, "not_me")
    assert await house.load(olga) == 0
    assert await house.owner.fetchval("SELECT count(*) FROM messaging.opt_out") == 1


async def test_continue_starts_the_bot_at_once(house):
    await house.invited()
    await house.tapped(f"{OPENING_CONTINUE}abc")
    await house.timeline.settle()
    conversation = await house.latest()
    assert conversation.state == State.BOT
    assert (await house.transcript(conversation.conversation_id))[-1][0] == "bot"
    assert house.published.names == ["conversation.engaged"]


async def test_without_any_flow_people_take_over(house):
    await house.owner.execute("DELETE FROM handoff.flow")
    await house.wrote("hi")
    await house.timeline.advance(2)
    conversation = await house.latest()
    assert conversation.state == State.QUEUED
    assert conversation.summary["reason"] == "fault"


async def test_a_recalled_version_gives_its_conversations_to_people(house):
    await house.wrote("hi")
    await house.timeline.advance(2)
    conversation = await house.latest()
    async with house.database.workspace(house.workspace_id) as tx:
        await recall(tx, "support", conversation.flow_version, at=house.clock())
    await house.wrote("and now?")
    await house.timeline.advance(2)
    assert (await house.latest()).state == State.QUEUED


@pytest.mark.parametrize("broken", ['{"not": "a state"}', '{"version": 7}', "[]"])
async def test_a_state_that_cannot_be_read_hands_over(house, broken):
    await house.wrote("hi")
    await house.timeline.advance(2)
    await house.owner.execute("UPDATE handoff.conversation SET bot_state = $1::text::jsonb", broken)
    await house.wrote("and now?")
    await house.timeline.advance(2)
    assert (await house.latest()).state == State.QUEUED


async def test_a_flow_that_cannot_be_read_hands_over(house):
    await house.owner.execute("UPDATE handoff.flow_version SET content = 'no flow'")
    await house.wrote("hi")
    await house.timeline.advance(2)
    conversation = await house.latest()
    assert (conversation.state, conversation.summary["reason"]) == (State.QUEUED, "fault")


async def test_a_turn_that_kills_its_worker_goes_to_people_instead_of_being_tried_forever(house):
    await house.wrote("hi")
    await house.owner.execute("UPDATE core.job SET attempt = 2 WHERE kind = $1", BOT_TURN)
    await house.timeline.advance(2)
    assert (await house.latest()).state == State.QUEUED


async def test_who_opted_out_meanwhile_is_heard_by_people(house):
    """The bot's words would not go out, so the customer would look at silence."""
    await house.wrote("hi")
    await house.owner.execute(
        "INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason, at)"
        " VALUES ($1, $2, 'whatsapp', 'stopped', clock_timestamp() + interval '1 hour')",
        house.workspace_id,
        house.contact_id,
    )
    await house.timeline.advance(2)
    assert (await house.latest()).state == State.QUEUED


async def test_an_invitation_that_nobody_answers_lapses_and_a_late_answer_is_about_the_same_call(
    house,
):
    invited = await house.invited()
    await house.timeline.advance(24 * 3600 + 1)
    lapsed = await house.conversation(invited.conversation_id)
    assert (lapsed.state, lapsed.closed_reason) == (State.CLOSED, "lapsed")
    assert "conversation.contained" not in house.published.names
    await house.wrote("sorry, only now")
    late = await house.latest()
    assert late.conversation_id != lapsed.conversation_id
    assert (late.origin, late.previous_id) == (lapsed.origin, lapsed.conversation_id)
    assert late.card == lapsed.card


async def test_a_call_resumes_an_open_conversation_with_its_card(house):
    first = await house.invited()
    await house.wrote("hi")
    await house.timeline.advance(2)
    again = await house.invited(card={"call_id": "call-2"}, opening_message_id=None)
    assert (again.conversation_id, again.resumed) == (first.conversation_id, True)
    conversation = await house.latest()
    assert conversation.card == {"call_id": "call-2"}
    await house.wrote("I called again")
    assert house.published.names == ["conversation.engaged", "conversation.engaged"]
    assert house.published.facts[1][1]["origin"] == str(conversation.origin)


async def test_a_thumb_under_a_message_starts_nothing(house):
    await house.wrote(content=Content(ContentType.REACTION, emoji="👍"))
    assert await house.owner.fetchval("SELECT count(*) FROM handoff.conversation") == 0
    await house.wrote("hi")
    await house.timeline.advance(2)
    await house.wrote(content=Content(ContentType.REACTION, emoji="👍"))
    conversation = await house.latest()
    assert conversation.heard == []
