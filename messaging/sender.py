"""Sends what waits in the outbox: claimed under a fence, posted once, recorded with its job's end.

Nothing is sent twice by itself. What nobody can know stays visibly `unknown` until a report settles
it or a person writes again.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.events import Events
from core.faults import NotFound, Unavailable
from core.ids import AccountId, ContactId, MediaId, MessageId
from core.jobs import Job, LeaseLost, Snooze, finish
from core.postgres import Database, Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging import contacts, media, posting
from messaging.accounts import Accounts
from messaging.channel import (
    Account,
    Ambiguous,
    Channel,
    Failure,
    FailureClass,
    MediaFile,
    Outgoing,
    Recipient,
    Rejected,
)
from messaging.media import Library
from messaging.pacing import Pacing
from messaging.posting import Letter, Outcome, Refused
from messaging.written import content_from_json

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("sender.sql"))

POSTED = Counter(
    "ivr_bridge_messages_posted_total", "Posts by how they ended", ["channel", "outcome"]
)

LEASE_S = 22.0
"""Shorter than a job's lease: when the job comes back, it is known that its sender is late."""
_POST_TIMEOUT_S = 9.0
_UPLOAD_TIMEOUT_S = 9.0
_TOO_LATE_S = 12.0

RETRIED = frozenset({FailureClass.TRANSIENT, FailureClass.PAIR_RATE})
RETRY_FOR_S = 6 * 3600.0
"""A reply outlives an outage of the provider, but does not surprise anybody the next day."""
_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in a sender's hands."""

    message_id: MessageId
    account_id: AccountId
    contact_id: ContactId
    content: Mapping[str, Any]
    media_id: MediaId | None
    attempt: int
    fence: int
    age_s: float
    reply_to: str | None


class Sender:
    """Does the `messaging.send` jobs."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[ChannelKind, Channel],
        accounts: Accounts,
        pacing: Pacing,
        library: Library,
        events: Events,
        clock: Clock,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._channels = channels
        self._accounts = accounts
        self._pacing = pacing
        self._library = library
        self._events = events
        self._clock = clock
        self._seconds = seconds

    async def send(self, job: Job) -> None:
        """One message: wait for its turn, claim, post, record."""
        account = await self._accounts.find(
            job.workspace_id, AccountId(UUID(job.payload["account_id"]))
        )
        pace = await self._pacing.allow(account, ContactId(UUID(job.payload["contact_id"])))
        if not pace.allowed:
            raise Snooze(pace.wait_s)
        began = self._seconds()
        claimed = await self._claim(job)
        if claimed is None:
            return
        outcome = await self._post(account, claimed, began)
        POSTED.labels(account.kind.value, type(outcome).__name__.lower()).inc()
        pause_s = await self._record(job, account, claimed, outcome)
        if pause_s is not None:
            raise Snooze(pause_s)

    async def _claim(self, job: Job) -> Claimed | None:
        """The message to send; None when there is nothing to do any more, and the job is done."""
        message_id = MessageId(UUID(job.payload["message_id"]))
        named: dict[str, Any] = {"workspace": job.workspace_id, "message_id": message_id}
        async with self._database.workspace(job.workspace_id) as tx:
            row = await tx.fetchrow(*SQL["claim"](lease_s=LEASE_S, **named))
            if row is not None:
                tx.wake(f"desk:{tx.workspace_id}")
                return Claimed(**row)
            found = await tx.fetchrow(*SQL["standing_of"](**named))
            left_s = found["leased_for_s"] if found is not None else None
            if left_s is None or left_s <= 0:
                if left_s is not None:
                    await self._give_up(tx, named)
                await finish(tx, job)
                return None
        # Its former sender still has a moment in which to say how it went.
        raise Snooze(left_s + 0.05)

    async def _give_up(self, tx: Tx, named: dict[str, Any]) -> None:
        lost = await tx.fetchrow(*SQL["give_up"](**named))
        if lost is None:
            return
        log.warning("message.unknown", message_id=str(lost["message_id"]))
        if lost["watch"]:
            facts = {"message_id": str(lost["message_id"]), "status": "unknown"}
            await self._events.publish(tx, "message.watched", facts)
        tx.wake(f"message:{lost['message_id']}", f"desk:{tx.workspace_id}")

    async def _post(self, account: Account, claimed: Claimed, began: float) -> Outcome:
        channel = self._channels[account.kind]
        try:
            async with self._database.workspace(account.workspace_id, read_only=True) as tx:
                addresses = await contacts.addresses_of(tx, claimed.contact_id, account.kind)
            attached = await self._attached(channel, account, claimed)
        except Rejected as rejected:
            return Refused(rejected.failure, rejected.retry_after_s)
        except Ambiguous:
            # Whatever became of the file, no message about it has gone out.
            return Refused(Failure(FailureClass.TRANSIENT, "upload_unclear"))
        except Unavailable as away:
            # Nothing has gone out: it waits for the database or the files, and is not `unknown`.
            return Refused(Failure(FailureClass.TRANSIENT, away.code))
        except NotFound as gone:
            return Refused(Failure(FailureClass.OUR_REQUEST, gone.code))
        if self._seconds() - began > _TOO_LATE_S:
            # Paused or slow: what is posted now might be recorded after the lease. Rather later.
            return Refused(Failure(FailureClass.TRANSIENT, "sender_late"))
        outgoing = Outgoing(
            claimed.message_id,
            Recipient(addresses),
            content_from_json(claimed.content),
            attached,
            claimed.reply_to,
        )
        return await posting.post(channel, account, outgoing, timeout_s=_POST_TIMEOUT_S)

    async def _attached(
        self, channel: Channel, account: Account, claimed: Claimed
    ) -> MediaFile | None:
        """The file that goes with it, put up at the provider unless it is there already."""
        if claimed.media_id is None:
            return None
        async with self._database.workspace(account.workspace_id, read_only=True) as tx:
            found = await media.media(tx, claimed.media_id)
            provider_id = await media.at_provider(tx, claimed.media_id, account.id)
        if provider_id is None:
            content = await self._library.content(found)
            file = MediaFile(found.mime, found.name, None, content)
            provider_id = await channel.upload(account, file, timeout_s=_UPLOAD_TIMEOUT_S)
            async with self._database.workspace(account.workspace_id) as tx:
                await media.put_at_provider(tx, claimed.media_id, account.id, provider_id)
        return MediaFile(found.mime, found.name, provider_id)

    async def _record(
        self, job: Job, account: Account, claimed: Claimed, outcome: Outcome
    ) -> float | None:
        """Write down how it went, with the job's end; or in how long to try again."""
        pause_s = _pause_s(claimed, outcome)
        async with self._database.workspace(job.workspace_id) as tx:
            if pause_s is not None and isinstance(outcome, Refused):
                await self._put_back(tx, claimed, outcome)
                return pause_s
            letter = Letter(claimed.message_id, account.id, account.kind, claimed.fence)
            now = await posting.record(tx, self._events, letter, outcome, self._clock())
            if now is None:
                raise LeaseLost
            await finish(tx, job)
        return None

    async def _put_back(self, tx: Tx, claimed: Claimed, refused: Refused) -> None:
        back = await tx.fetchval(
            *SQL["put_back"](
                workspace=tx.workspace_id,
                message_id=claimed.message_id,
                fence=claimed.fence,
                at=self._clock(),
                failed_class=refused.failure.failure_class.value,
                failed_code=refused.failure.code,
            )
        )
        if back is None:
            raise LeaseLost
        tx.wake(f"desk:{tx.workspace_id}")
        log.info(
            "message.put_back",
            message_id=str(claimed.message_id),
            attempt=claimed.attempt,
            code=refused.failure.code,
        )


def _pause_s(claimed: Claimed, outcome: Outcome) -> float | None:
    """In how long a refused message is tried again; None when it is not."""
    if not isinstance(outcome, Refused) or outcome.failure.failure_class not in RETRIED:
        return None
    if claimed.age_s > RETRY_FOR_S:
        return None
    # Meta asks for 4^n seconds after a pair limit.
    base = 4.0 if outcome.failure.failure_class is FailureClass.PAIR_RATE else 2.0
    backoff_s = min(_LONGEST_PAUSE_S, base ** min(claimed.attempt, 10))
    spread = random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy
    return max(outcome.retry_after_s or 0.0, backoff_s * spread)
