"""A conversation's states and the moves between them: a table and a pure function."""

from collections.abc import Mapping
from enum import StrEnum

from core.faults import Refused


class State(StrEnum):
    """Where a conversation is; each open state names its holder."""

    INVITED = "invited"
    BOT = "bot"
    QUEUED = "queued"
    RESERVED = "reserved"
    ACTIVE = "active"
    WAITING_CUSTOMER = "waiting_customer"
    WRAPUP = "wrapup"
    AFTER_HOURS = "after_hours"
    SNOOZED = "snoozed"
    PARKED = "parked"
    ABANDONED = "abandoned"
    CLOSED = "closed"


class Move(StrEnum):
    """What can happen to a conversation."""

    ENGAGED = "engaged"
    """The customer answered the invitation."""
    LAPSED = "lapsed"
    """Nobody answered the invitation in time."""
    CONTAINED = "contained"
    """The bot was enough."""
    HANDED_OVER = "handed_over"
    """The bot gives it to people."""
    RESERVED = "reserved"
    """Held out to an operator."""
    ACCEPTED = "accepted"
    """That operator took it."""
    RETURNED = "returned"
    """Back to its queue with its age: declined, missed, operator lost or silent."""
    TRANSFERRED = "transferred"
    """An operator gives it to a queue."""
    ANSWERED = "answered"
    """The operator wrote: now the customer's turn."""
    WROTE = "wrote"
    """The customer wrote while an operator holds it."""
    FINISHED = "finished"
    """The operator is done with the customer."""
    WRAPPED_UP = "wrapped_up"
    """The operator is done with the case."""
    REOPENED = "reopened"
    """The customer came back soon after."""
    DISMISSED = "dismissed"
    """The customer wants none of it, or a call back is no longer needed."""
    DEFERRED = "deferred"
    """Nobody works at this hour."""
    ADMITTED = "admitted"
    """The team works again."""
    SNOOZED = "snoozed"
    """Put aside until a time."""
    AWOKEN = "awoken"
    """That time has come, or the customer wrote."""
    ABANDONED = "abandoned"
    """The customer gave up waiting."""
    PARKED = "parked"
    """On the supervisor's list."""
    UNPARKED = "unparked"
    """Off that list, back to a queue."""


_OPEN_MOVES: Mapping[Move, State] = {Move.DISMISSED: State.CLOSED, Move.PARKED: State.PARKED}

TABLE: Mapping[State, Mapping[Move, State]] = {
    State.INVITED: {
        Move.ENGAGED: State.BOT,
        Move.LAPSED: State.CLOSED,
        **_OPEN_MOVES,
    },
    State.BOT: {
        Move.HANDED_OVER: State.QUEUED,
        Move.CONTAINED: State.CLOSED,
        Move.DEFERRED: State.AFTER_HOURS,
        **_OPEN_MOVES,
    },
    State.QUEUED: {
        Move.RESERVED: State.RESERVED,
        Move.DEFERRED: State.AFTER_HOURS,
        Move.ABANDONED: State.ABANDONED,
        **_OPEN_MOVES,
    },
    State.RESERVED: {
        Move.ACCEPTED: State.ACTIVE,
        Move.RETURNED: State.QUEUED,
        **_OPEN_MOVES,
    },
    State.ACTIVE: {
        Move.ANSWERED: State.WAITING_CUSTOMER,
        Move.RETURNED: State.QUEUED,
        Move.TRANSFERRED: State.QUEUED,
        Move.FINISHED: State.WRAPUP,
        Move.SNOOZED: State.SNOOZED,
        **_OPEN_MOVES,
    },
    State.WAITING_CUSTOMER: {
        Move.WROTE: State.ACTIVE,
        Move.RETURNED: State.QUEUED,
        Move.TRANSFERRED: State.QUEUED,
        Move.FINISHED: State.WRAPUP,
        Move.SNOOZED: State.SNOOZED,
        **_OPEN_MOVES,
    },
    State.WRAPUP: {
        Move.WRAPPED_UP: State.CLOSED,
        # Nobody would read what the customer adds while the case is being filed.
        Move.WROTE: State.ACTIVE,
        **_OPEN_MOVES,
    },
    State.AFTER_HOURS: {Move.ADMITTED: State.QUEUED, **_OPEN_MOVES},
    State.SNOOZED: {Move.AWOKEN: State.QUEUED, **_OPEN_MOVES},
    State.PARKED: {Move.UNPARKED: State.QUEUED, Move.DISMISSED: State.CLOSED},
    State.ABANDONED: {},
    State.CLOSED: {Move.REOPENED: State.QUEUED},
}

OVER = frozenset({State.CLOSED, State.ABANDONED})
"""No longer open."""

WITH_BOT = frozenset({State.INVITED, State.BOT})
"""The bot listens."""

HELD = frozenset({State.RESERVED, State.ACTIVE, State.WAITING_CUSTOMER, State.WRAPUP})
"""Counted in an operator's load."""

TALKING = frozenset({State.ACTIVE, State.WAITING_CUSTOMER})
"""An operator and the customer are in touch."""

SAME_HANDS = frozenset({Move.ANSWERED, Move.WROTE})
"""Moves after which a draft in its holder's hands is still good: the epoch stays."""


class WrongState(Refused, code="wrong_state"):
    """The conversation has moved on, so this can no longer be done to it."""


def next_state(state: State, move: Move) -> State:
    """Where this move leads from here; raises WrongState."""
    to = TABLE[state].get(move)
    if to is None:
        raise WrongState(state=state.value)
    return to
