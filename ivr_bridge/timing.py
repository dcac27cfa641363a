"""One budget for a call in progress: it runs down from receipt and is never refilled."""

import time
from dataclasses import dataclass
from typing import Self

from ivr_bridge.evidence import Confirm, needed

DEADLINE_MS = 2500
"""For JSON, text and form: fits platforms that give up after three seconds."""
VERBS_DEADLINE_MS = 8000
"""For dialects of platforms that wait ten seconds and more: verbs, and AGI."""
SHORTEST_MS, LONGEST_MS = 500, 12_000
ANSWER_EARLY_MS = 150
"""An answer leaves this long before the deadline, for the network and the IVR's own parsing."""
DECIDE_EARLY_MS = 60
"""The last decision begins this long before the answer must leave, so that its commit fits in."""
READER_SLACK_S = 0.5
POLL_TOTAL_MS = 20_000
POLL_AFTER_MS = 250
POLL_GRACE_MS = 2500
_MANY_DIGITS = 10

_USUAL_MS = {Confirm.ACCEPTED: 200, Confirm.SENT: 500, Confirm.DELIVERED: 1000}
"""Until this account has shown how long its provider takes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long this account's provider lately took for each kind of evidence (95th percentile)."""

    accepted_ms: int | None = None
    sent_ms: int | None = None
    delivered_ms: int | None = None

    def usual_ms(self, evidence: Confirm) -> int:
        """What to expect, from experience or, without any, from a cautious guess."""
        known = {
            Confirm.ACCEPTED: self.accepted_ms,
            Confirm.SENT: self.sent_ms,
            Confirm.DELIVERED: self.delivered_ms,
        }[evidence]
        return _USUAL_MS[evidence] if known is None else known


@dataclass(frozen=True, slots=True)
class Budget:
    """Moments on this process's monotonic clock."""

    received: float
    deadline_ms: int
    decide_by: float
    """The last look is taken then."""
    answer_by: float
    """The answer has left by then."""

    @classmethod
    def of_call(cls, received: float, deadline_ms: int) -> Self:
        """A caller is on the line."""
        answer_by = received + (deadline_ms - ANSWER_EARLY_MS) / 1000
        return cls(received, deadline_ms, answer_by - DECIDE_EARLY_MS / 1000, answer_by)

    @classmethod
    def of_reader(cls, received: float, wait_s: float) -> Self:
        """An IVR that polls waits this long, and a little longer for a look that has begun."""
        over = received + wait_s
        return cls(received, round(wait_s * 1000), over, over + READER_SLACK_S)

    @property
    def elapsed_ms(self) -> int:
        """Since receipt."""
        return round((time.monotonic() - self.received) * 1000)

    @property
    def answer_in_s(self) -> float:
        """Until the answer must leave."""
        return self.answer_by - time.monotonic()

    def left_s(self) -> float:
        """Until the last look."""
        return self.decide_by - time.monotonic()


def deadline_ms(asked: int | None, line: int | None, dialect: int = DEADLINE_MS) -> int:
    """The request's word, else the line's, else the dialect's; kept within what can be kept."""
    wanted = asked if asked is not None else line if line is not None else dialect
    return max(SHORTEST_MS, min(LONGEST_MS, wanted))


def patience_s(text: str) -> float:
    """How long whoever polls lets us wait, by its own word; what is no number is no patience."""
    if not (text.isascii() and text.isdigit()):
        return 0.0
    # Python reads no number of thousands of digits.
    wanted = int(text) if len(text) < _MANY_DIGITS else POLL_TOTAL_MS
    return min(POLL_TOTAL_MS, wanted) / 1000


def needed_ms(pace: Pace, confirm: Confirm, *, positive: bool, grace_ms: int) -> int:
    """How much time to the deadline itself the evidence usually takes; with less, nothing is sent.

    Fresh positive evidence makes the grace dispensable.
    """
    wanted = needed(confirm, positive=positive)
    grace = grace_ms if wanted is Confirm.SENT and not positive else 0
    return pace.usual_ms(wanted) + grace + ANSWER_EARLY_MS
