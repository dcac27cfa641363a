"""How far a message has come: as the race sees it, and in the IVR's words."""

from ivr_bridge.evidence import Rank, Seen
from messaging.delivery import Status
from messaging.openings import DeliveryState

_RANKS = {
    Status.RECEIVED: Rank.WAITING,
    Status.QUEUED: Rank.WAITING,
    Status.SENDING: Rank.WAITING,
    Status.UNKNOWN: Rank.WAITING,
    Status.ACCEPTED: Rank.ACCEPTED,
    Status.SENT: Rank.SENT,
    Status.DELIVERED: Rank.DELIVERED,
    Status.READ: Rank.DELIVERED,
}


def seen(state: DeliveryState) -> Seen:
    """A message's delivery as the race sees it."""
    sent_for_s = state.sent_for_s
    return Seen(
        rank=_RANKS[state.status],
        failure=None if state.failure is None else state.failure.failure_class,
        sent_for_ms=0 if sent_for_s is None else round(sent_for_s * 1000),
    )


def state_word(status: str | None, failed_class: str | None) -> str:
    """The message's state in the IVR's words."""
    if status is None:
        return "none"
    if failed_class is not None and status not in {Status.DELIVERED, Status.READ}:
        return "failed"
    return status
