"""The tables: what can follow what, and what the database says about it."""

import importlib.util
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import new_id
from handoff.conversation import lifecycle
from handoff.conversation.lifecycle import HELD, OVER, TABLE, Move, State, WrongState, next_state
from handoff.conversation.model import Conversation, moved
from handoff.routing.queues import WaitFacts, expected_wait_s
from handoff.routing.reservations import Status, may_become

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def conversation(**changed: Any) -> Conversation:
    values: dict[str, Any] = dict.fromkeys(Conversation.__slots__)
    values |= {
        "conversation_id": new_id(),
        "kind": "chat",
        "state": "bot",
        "epoch": 1,
        "queue_id": new_id(),
        "heard": ({"text": "hi"},),
        "tags": (),
        "tried": (),
        "priority": 0,
        "opened_at": NOON,
        "last_seq": 0,
        "read_seq": 0,
        "unread": 0,
    }
    return Conversation(**{**values, **changed})


def test_the_diagrams_are_those_of_the_tables():
    spec = importlib.util.spec_from_file_location("lifecycles", ROOT / "scripts" / "lifecycles.py")
    assert spec is not None
    assert spec.loader is not None
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.PAGE.read_text() == drawing.page(), "run: python scripts/lifecycles.py"


def test_every_state_can_be_reached_and_every_open_one_can_be_left():
    reached = {State.INVITED}
    while more := {to for state in reached for to in TABLE[state].values()} - reached:
        reached |= more
    assert reached == set(State)
    for state in set(State) - OVER:
        assert TABLE[state], state


def test_the_database_knows_the_same_states():
    written = (ROOT / "migrations" / "0020_handoff.sql").read_text()
    check = written[written.index("state text NOT NULL CHECK") :].split("))", 1)[0]
    assert {state.value for state in State if f"'{state.value}'" in check} == set(State)


@given(st.sampled_from(State), st.sampled_from(Move))
def test_what_the_table_does_not_name_is_refused(state, move):
    if move in TABLE[state]:
        assert next_state(state, move) is TABLE[state][move]
    else:
        with pytest.raises(WrongState):
            next_state(state, move)


@given(
    st.sampled_from([(state, move) for state, moves in TABLE.items() for move in moves]),
    st.integers(0, 10),
)
def test_every_move_leaves_a_conversation_that_names_its_holder(step, priority):
    state, move = step
    held = state in HELD
    before = conversation(
        state=state.value,
        operator_id=new_id() if held else None,
        priority=priority,
        enqueued_at=None if state in {State.INVITED, State.BOT} else NOON,
        waiting_since=NOON if state is State.ACTIVE else None,
    )
    later = NOON + timedelta(minutes=5)
    more = {"operator_id": new_id()} if move is Move.RESERVED else {}
    after = moved(before, move, later, **more)
    to = State(after.state)
    assert (after.operator_id is not None) == (to in HELD)
    assert after.epoch - before.epoch == (move not in lifecycle.SAME_HANDS)
    assert (after.closed_at is not None) == (to in OVER)
    if to is State.QUEUED:
        kept = before.enqueued_at is not None and move is not Move.REOPENED
        assert after.enqueued_at == (NOON if kept else later)
        assert after.score == after.enqueued_at - priority * timedelta(seconds=60)
        assert after.waiting_since is not None
        assert after.heard == ()


@pytest.mark.parametrize(
    "broken",
    [
        "state = 'active'",
        "operator_id = NULL",
        "state = 'queued'",
        "closed_at = now()",
        "reserved_until = NULL",
        "epoch = 0",
    ],
)
async def test_the_database_refuses_what_the_table_forbids(house, broken):
    await house.at_work()
    held_out = await house.queued()
    assert held_out.state == State.RESERVED
    with pytest.raises(asyncpg.CheckViolationError):
        await house.owner.execute(f"UPDATE handoff.conversation SET {broken}")


async def test_the_database_refuses_a_second_open_conversation_and_a_second_live_reservation(house):
    await house.at_work()
    await house.queued()
    copies = {
        "conversation": ("conversation_id", "conversation_open_thread"),
        "reservation": ("reservation_id", "reservation_live"),
    }
    for table, (key, index) in copies.items():
        with pytest.raises(asyncpg.UniqueViolationError, match=index):
            await house.owner.execute(
                f"INSERT INTO handoff.{table} SELECT (jsonb_populate_record(t, jsonb_build_object("
                f"'{key}', gen_random_uuid()))).* FROM handoff.{table} AS t"
            )


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_a_reservation_ends_once(status, wanted):
    assert may_become(status, wanted) == (status is Status.PENDING and wanted is not status)


def test_a_gap_in_waiting_is_not_counted_twice():
    """Returned to the queue before its breath is over, it still waits for that breath."""
    before = conversation(
        state="reserved",
        operator_id=new_id(),
        enqueued_at=NOON,
        next_eval_at=NOON + timedelta(hours=1),
    )
    after = moved(before, Move.RETURNED, NOON + timedelta(minutes=1))
    assert after.next_eval_at == NOON + timedelta(hours=1)
    late = moved(replace(before, next_eval_at=NOON), Move.RETURNED, NOON + timedelta(minutes=1))
    assert late.next_eval_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("facts", "wait_s"),
    [
        (WaitFacts(waiting=0, capacity=0, free=0, handling_s=None), None),
        (WaitFacts(waiting=9, capacity=0, free=0, handling_s=60), None),
        (WaitFacts(waiting=0, capacity=5, free=1, handling_s=60), 0.0),
        (WaitFacts(waiting=1, capacity=5, free=1, handling_s=60), 12.0),
        (WaitFacts(waiting=9, capacity=5, free=0, handling_s=60), 120.0),
        (WaitFacts(waiting=0, capacity=5, free=0, handling_s=None), 60.0),
    ],
)
def test_the_wait_is_everyone_ahead_through_the_hands_that_work(facts, wait_s):
    assert expected_wait_s(facts) == wait_s
