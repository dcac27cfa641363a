"""Showing the customer that they were read, and that somebody is typing. Nothing depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from core.ids import AccountId, MessageId, ThreadId
from core.jobs import Job, NewJob, enqueue, finish
from core.postgres import Database, Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging.accounts import Accounts
from messaging.channel import Ambiguous, Channel, Rejected

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("receipts.sql"))

MARK_READ_JOB = "messaging.mark_read"
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class ToMark:
    """A customer's message as its provider knows it."""

    account_id: AccountId
    provider_id: str


async def mark_read(
    tx: Tx, *, thread_id: ThreadId, message_id: MessageId, typing: bool = False
) -> None:
    """Show this message, and all before it, as read; with `typing`, that an answer is being written.

    Several wishes for one thread that still wait become one.
    """
    await enqueue(
        tx,
        NewJob(
            kind=MARK_READ_JOB,
            payload={"message_id": str(message_id), "typing": typing},
            band="send",
            key=f"{thread_id}:{message_id}:{'typing' if typing else 'read'}",
        ),
    )


class Receipts:
    """Does the `messaging.mark_read` jobs."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[ChannelKind, Channel],
        accounts: Accounts,
    ) -> None:
        self._database = database
        self._channels = channels
        self._accounts = accounts

    async def send(self, job: Job) -> None:
        """Once, and whatever comes of it: a tick that came late helps nobody."""
        message_id = UUID(job.payload["message_id"])
        async with self._database.workspace(job.workspace_id, read_only=True) as tx:
            row = await tx.fetchrow(
                *SQL["to_mark"](workspace=tx.workspace_id, message_id=message_id)
            )
        if row is not None:
            await self._mark(job, ToMark(**row))
        async with self._database.workspace(job.workspace_id) as tx:
            await finish(tx, job)

    async def _mark(self, job: Job, wanted: ToMark) -> None:
        account = await self._accounts.find(job.workspace_id, wanted.account_id)
        try:
            await self._channels[account.kind].mark_read(
                account,
                wanted.provider_id,
                typing=job.payload["typing"],
                timeout_s=_TIMEOUT_S,
            )
        except Rejected as rejected:
            log.info("receipt.refused", code=rejected.failure.code)
        except Ambiguous:
            log.info("receipt.lost")
