"""What this room's workers do, by band and kind of job."""

from collections.abc import Mapping

from core.clock import Clock
from core.events import Events
from core.jobs import Endless, Handler, Job, transactional
from core.postgres import Database, Tx
from core.vocabulary import ChannelKind
from messaging import deliveries, inbox
from messaging.accounts import SWEEP_JOB, Accounts
from messaging.batch import RECEIVE_BAND, RECEIVE_JOB
from messaging.channel import Channel
from messaging.deliveries import SETTLE_JOB
from messaging.fetching import FETCH_JOB, Fetching
from messaging.inbox import InboundHandler, Inbox
from messaging.media import Library
from messaging.outbox import SEND_JOB
from messaging.pacing import Pacing
from messaging.receipts import MARK_READ_JOB, Receipts
from messaging.sender import Sender


def handlers(
    *,
    database: Database,
    channels: Mapping[ChannelKind, Channel],
    accounts: Accounts,
    pacing: Pacing,
    library: Library,
    events: Events,
    clock: Clock,
    inbound: InboundHandler,
) -> dict[str, dict[str, Handler]]:
    """The handlers of each band."""
    receiving = Inbox(channels, inbound)
    sender = Sender(database, channels, accounts, pacing, library, events, clock)
    fetching = Fetching(database, library, accounts, channels, clock)
    receipts = Receipts(database, channels, accounts)

    async def settle(tx: Tx, job: Job) -> None:
        await deliveries.settle(tx, events, job.payload)

    async def sweep(tx: Tx, _: Job) -> None:
        await inbox.sweep(tx)

    return {
        "urgent": {SETTLE_JOB: transactional(database, settle)},
        RECEIVE_BAND: {RECEIVE_JOB: transactional(database, receiving.receive)},
        "send": {SEND_JOB: sender.send, MARK_READ_JOB: receipts.send},
        "media": {FETCH_JOB: fetching.fetch},
        "normal": {SWEEP_JOB: Endless(transactional(database, sweep))},
    }
