"""The lifecycle of a deflection: decided once, then only facts are added."""

from enum import StrEnum

from ivr_bridge.evidence import Proof
from messaging.channel import FailureClass


class Outcome(StrEnum):
    """What the IVR was told, as recorded."""

    PENDING = "pending"
    HANGUP = "hangup"
    CONTINUE = "continue"


MOVES: dict[Outcome, frozenset[Outcome]] = {
    Outcome.PENDING: frozenset({Outcome.HANGUP, Outcome.CONTINUE}),
    Outcome.HANGUP: frozenset(),
    Outcome.CONTINUE: frozenset(),
}


def decide(current: Outcome, wanted: Outcome) -> Outcome:
    """The outcome that stands: the first decision, whoever made it."""
    return wanted if wanted in MOVES[current] else current


class Action(StrEnum):
    """The one word an IVR needs."""

    OFFER = "offer"
    HANGUP = "hangup"
    CONTINUE = "continue"
    POLL = "poll"


class Reason(StrEnum):
    """Why: the closed list of the contract (docs/ivr/api.md)."""

    OK = "ok"
    RESUMED = "resumed"
    ALREADY_DELIVERED = "already_delivered"
    CALLER_WITHHELD = "caller_withheld"
    INVALID_NUMBER = "invalid_number"
    LINE_UNKNOWN = "line_unknown"
    LINE_DISABLED = "line_disabled"
    PAUSED = "paused"
    NOT_MOBILE = "not_mobile"
    NOT_ON_CHANNEL = "not_on_channel"
    REACHABILITY_UNKNOWN = "reachability_unknown"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    DECLINED = "declined"
    FREQUENCY_CAP = "frequency_cap"
    REPEAT_CALL = "repeat_call"
    OUTSIDE_HOURS = "outside_hours"
    BELOW_PEAK = "below_peak"
    CHAT_SLOWER = "chat_slower"
    CHAT_FULL = "chat_full"
    SHARE = "share"
    INTENT_EXCLUDED = "intent_excluded"
    LANGUAGE = "language"
    INCIDENT = "incident"
    HOLD_OUT = "hold_out"
    COUNTRY_BLOCKED = "country_blocked"
    BUDGET = "budget"
    VELOCITY = "velocity"
    CHANNEL_QUOTA = "channel_quota"
    CHANNEL_THROTTLED = "channel_throttled"
    CHANNEL_DOWN = "channel_down"
    TEMPLATE_BLOCKED = "template_blocked"
    WINDOW_CLOSED = "window_closed"
    DEADLINE_SHORT = "deadline_short"
    DEADLINE = "deadline"


_OF_FAILURE: dict[FailureClass, Reason] = {
    FailureClass.TRANSIENT: Reason.CHANNEL_THROTTLED,
    FailureClass.PAIR_RATE: Reason.CHANNEL_THROTTLED,
    FailureClass.NOT_ON_CHANNEL: Reason.NOT_ON_CHANNEL,
    FailureClass.RECIPIENT: Reason.NOT_ON_CHANNEL,
    FailureClass.OPTED_OUT: Reason.OPTED_OUT,
    # Meta caps what one person gets (131049) or keeps a person apart (130472); the account's own users a
    # day have no code at all and are counted here.
    FailureClass.NOT_TODAY: Reason.FREQUENCY_CAP,
    FailureClass.WINDOW_CLOSED: Reason.WINDOW_CLOSED,
    FailureClass.OUR_REQUEST: Reason.TEMPLATE_BLOCKED,
    FailureClass.TEMPLATE: Reason.TEMPLATE_BLOCKED,
    FailureClass.ACCOUNT: Reason.CHANNEL_DOWN,
    FailureClass.EXPIRED: Reason.DEADLINE,
    FailureClass.UNKNOWN: Reason.REACHABILITY_UNKNOWN,
}


def reason_of(failure: FailureClass) -> Reason:
    """A provider's refusal in the IVR's words."""
    return _OF_FAILURE[failure]


class PromptKey(StrEnum):
    """What the IVR may say next; texts in docs/ivr/prompts.md."""

    OFFER = "offer"
    SENT_GOODBYE = "sent_goodbye"
    ALREADY_SENT_GOODBYE = "already_sent_goodbye"
    NOT_POSSIBLE = "not_possible"
    STAY_ON_LINE = "stay_on_line"
    PLEASE_WAIT = "please_wait"


_ONLY_THE_QUEUE = frozenset(
    {
        Reason.LINE_UNKNOWN,
        Reason.LINE_DISABLED,
        Reason.PAUSED,
        Reason.DECLINED,
        Reason.REPEAT_CALL,
        Reason.OUTSIDE_HOURS,
        Reason.BELOW_PEAK,
        Reason.CHAT_SLOWER,
        Reason.CHAT_FULL,
        Reason.SHARE,
        Reason.INTENT_EXCLUDED,
        Reason.INCIDENT,
        Reason.HOLD_OUT,
        Reason.NO_CONSENT,
    }
)


def prompt_for(action: Action, reason: Reason) -> PromptKey:
    """What fits the answer: after a key press "it did not work" is owed, otherwise just the queue."""
    match action:
        case Action.OFFER:
            return PromptKey.OFFER
        case Action.POLL:
            return PromptKey.PLEASE_WAIT
        case Action.HANGUP if reason is Reason.ALREADY_DELIVERED:
            return PromptKey.ALREADY_SENT_GOODBYE
        case Action.HANGUP:
            return PromptKey.SENT_GOODBYE
        case Action.CONTINUE:
            stays = reason in _ONLY_THE_QUEUE
            return PromptKey.STAY_ON_LINE if stays else PromptKey.NOT_POSSIBLE


class Fact(StrEnum):
    """What turned out later; facts are added, never taken back."""

    LATE = "late"
    """The message reached the caller after the call had gone on: never counted as deflected."""
    CALLER_LEFT = "caller_left"
    ENGAGED = "engaged"
    CONTAINED = "contained"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"
    NOT_ME = "not_me"
    RESCUED = "rescued"
    REPEAT_CALL = "repeat_call"
    HANGUP_CONFIRMED = "hangup_confirmed"
    LINK_OPENED = "link_opened"
    """The link in the SMS of a rescue was followed."""
    ANSWERED_AFTER = "answered_after"
    """A person answered the call after the hang-up was decided: it was not executed."""


class Stranded(StrEnum):
    """Whether a caller who is gone has been left with nothing."""

    NO = "no"
    NOT_YET = "not_yet"
    """Silence so far: `rescue_check` will look again."""
    YES = "yes"


def stranded(
    outcome: Outcome,
    *,
    caller_left: bool,
    engaged: bool,
    delivered: bool,
    failed: bool,
    on_the_way: bool,
    last_look: bool,
) -> Stranded:
    """Does this caller need a rescue? Only those who are gone and were reached by nothing do."""
    gone = outcome is Outcome.HANGUP or caller_left
    if not gone or delivered or engaged or outcome is Outcome.PENDING:
        return Stranded.NO
    if failed or not on_the_way:
        return Stranded.YES
    return Stranded.YES if last_look else Stranded.NOT_YET


__all__ = [
    "MOVES",
    "Action",
    "Fact",
    "Outcome",
    "PromptKey",
    "Proof",
    "Reason",
    "Stranded",
    "decide",
    "prompt_for",
    "reason_of",
    "stranded",
]
