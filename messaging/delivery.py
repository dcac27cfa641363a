"""What became of a message that we sent: a pure lifecycle over reports that repeat and reorder.

    queued → sending → accepted → sent → delivered → read
    sending → unknown    nobody can say; only a later report settles it
    sending → queued     the provider certainly refused, and it may be tried again

The highest rank reached is kept. A failure is a fact beside it, and delivered or read outranks it
in whatever order they come: one message can be reported both delivered and failed (several devices).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from messaging.channel import Failure, FailureClass, ReportedStatus


class Status(StrEnum):
    """The rank a message has reached; `received` is for those that came in."""

    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


_RANK = {
    Status.QUEUED: 0,
    Status.SENDING: 1,
    Status.UNKNOWN: 2,
    Status.ACCEPTED: 3,
    Status.SENT: 4,
    Status.DELIVERED: 5,
    Status.READ: 6,
}

REACHED = frozenset({Status.DELIVERED, Status.READ})
"""What no failure takes back."""

OURS = {
    Status.QUEUED: frozenset({Status.SENDING}),
    Status.SENDING: frozenset({Status.QUEUED, Status.UNKNOWN, Status.ACCEPTED}),
    Status.UNKNOWN: frozenset({Status.ACCEPTED}),
}
"""The steps that we take ourselves; everything else is reported to us."""


@dataclass(frozen=True, slots=True)
class Failed:
    """When and why a provider gave a message up."""

    at: datetime
    failure: Failure

    @property
    def order(self) -> tuple[datetime, str]:
        """Of several failures the first counts, whichever we hear of first."""
        return self.at, self.failure.code


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands: the rank reached, and a failure beside it."""

    status: Status
    failed: Failed | None = None

    @property
    def failure(self) -> Failure | None:
        """Why it failed, unless it arrived all the same."""
        return self.failed.failure if self.failed and self.status not in REACHED else None

    @property
    def settled(self) -> bool:
        """Nothing more is expected that could change a decision: it arrived, or it failed."""
        return self.status in REACHED or self.failed is not None


def advance(current: Status, reported: Status) -> Status:
    """The higher of the two: providers repeat and reorder their reports."""
    return max(current, reported, key=_RANK.__getitem__)


def after_report(
    standing: Standing, status: ReportedStatus, at: datetime, failure: Failure | None
) -> Standing:
    """What a report makes of a standing; the same whatever the order and however often."""
    if status is ReportedStatus.FAILED:
        told = Failed(at, failure or Failure(FailureClass.UNKNOWN, "none"))
        if standing.failed is None or told.order < standing.failed.order:
            return replace(standing, failed=told)
        return standing
    return replace(standing, status=advance(standing.status, Status(status.value)))
