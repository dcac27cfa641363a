"""What follows when a message moves: evidence, opt-outs, stopped templates and accounts, events, wakes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter

from core.events import Events
from core.ids import AccountId, AddressId, MessageId, ThreadId
from core.postgres import Tx
from core.vocabulary import ChannelKind
from messaging import accounts, contacts, reachability, templates
from messaging.channel import Failure, FailureClass, StatusReport
from messaging.delivery import REACHED, Standing, Status
from messaging.reachability import Sighting
from messaging.threads import close_window, thread

log = structlog.get_logger()

FAILED = Counter(
    "ivr_bridge_messages_failed_total", "Messages given up", ["purpose", "failure_class", "code"]
)


@dataclass(slots=True)
class Change:
    """A message before and after what was reported about it."""

    message_id: MessageId
    thread_id: ThreadId
    purpose: str
    watch: bool
    address_id: AddressId | None
    provider_id: str | None
    before: Standing
    after: Standing
    reports: list[StatusReport] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        """Is anything different now?"""
        return self.after != self.before

    @property
    def pricing(self) -> Mapping[str, str] | None:
        """What the provider says it charges for this message."""
        return next((report.pricing for report in self.reports if report.pricing), None)

    @property
    def newly_failed(self) -> Failure | None:
        """The failure, when this change brought it."""
        return self.after.failure if self.before.failed is None else None


async def follow(
    tx: Tx,
    events: Events,
    account_id: AccountId,
    channel: ChannelKind,
    changes: Sequence[Change],
) -> None:
    """Do, in the transition's own transaction, what these changes cause."""
    moved = [change for change in changes if change.moved]
    if not moved:
        return
    await reachability.witness(
        tx, channel, [sighting for change in moved if (sighting := _sighting(change)) is not None]
    )
    failed = [(change, failure) for change in moved if (failure := change.newly_failed)]
    for change, failure in failed:
        await _heed(tx, account_id, channel, change, failure)
    await _tell(tx, events, moved, failed)
    tx.wake(*(f"message:{change.message_id}" for change in moved), f"desk:{tx.workspace_id}")


def _sighting(change: Change) -> Sighting | None:
    """What the change says about the address, if the message was to tell."""
    if change.address_id is None:
        return None
    reached = change.after.status
    if reached in REACHED and change.before.status not in REACHED:
        at = max(
            [report.at for report in change.reports]
            # It arrived although some device of theirs failed: the arrival is what counts.
            + ([change.after.failed.at] if change.after.failed else [])
        )
        return Sighting(change.address_id, positive_at=at, positive_source=reached.value)
    failure = change.newly_failed
    if failure and failure.failure_class is FailureClass.NOT_ON_CHANNEL and change.after.failed:
        return Sighting(
            change.address_id,
            negative_at=change.after.failed.at,
            negative_code=failure.code,
        )
    if reached is Status.SENT and change.after.failed is None and change.reports:
        return Sighting(change.address_id, sent_at=max(report.at for report in change.reports))
    return None


async def _heed(
    tx: Tx, account_id: AccountId, channel: ChannelKind, change: Change, failure: Failure
) -> None:
    FAILED.labels(change.purpose, failure.failure_class.value, failure.code).inc()
    log.info(
        "message.failed",
        message_id=str(change.message_id),
        failure_class=failure.failure_class.value,
        code=failure.code,
    )
    match failure.failure_class:
        case FailureClass.OPTED_OUT:
            held = await thread(tx, change.thread_id)
            await contacts.opt_out(tx, held.contact_id, channel, f"provider:{failure.code}")
        case FailureClass.TEMPLATE:
            await templates.stopped_by_provider(tx, change.message_id, failure.code)
        case FailureClass.ACCOUNT:
            await accounts.stop(tx, account_id, failure.code)
        case FailureClass.WINDOW_CLOSED if change.after.failed is not None:
            await close_window(tx, change.thread_id, at=change.after.failed.at)
        case _:
            pass


async def _tell(
    tx: Tx,
    events: Events,
    moved: Sequence[Change],
    failed: Sequence[tuple[Change, Failure]],
) -> None:
    def facts(change: Change, failure: Failure) -> Mapping[str, str]:
        return {
            "message_id": str(change.message_id),
            "thread_id": str(change.thread_id),
            "failure_class": failure.failure_class.value,
            "code": failure.code,
        }

    for event, opening in (("opening.failed", True), ("message.failed", False)):
        many = [facts(*each) for each in failed if (each[0].purpose == "opening") is opening]
        if many:
            await events.publish_many(tx, event, many)
    watched: list[Mapping[str, str]] = [
        {
            "message_id": str(change.message_id),
            "status": "failed" if change.after.failure else change.after.status.value,
        }
        for change in moved
        if change.watch
    ]
    if watched:
        await events.publish_many(tx, "message.watched", watched)
