"""What customers wrote, worked off one person at a time and in order, each in one transaction.

A message that breaks its handler is tried five times, then its job is buried for a person to look
at and replay; the customer's later messages and everybody else's go on.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from core.ids import AccountId, ContactId, MediaId, MessageId, ThreadId, new_id
from core.jobs import Bury, Job, NewJob, enqueue
from core.postgres import Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging import contacts, fetching, reachability, threads
from messaging.accounts import SWEEP_JOB
from messaging.channel import Channel, InboundMessage
from messaging.content import Content
from messaging.written import content_to_json, inbound_from_json

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("inbox.sql"))

_SEEN_DAYS = 30  # Meta repeats a webhook for up to 7 days
_INBOX_DAYS = 30
_UNMATCHED_DAYS = 8


@dataclass(frozen=True, slots=True)
class Received:
    """A customer's message, as the room above gets it."""

    thread_id: ThreadId
    contact_id: ContactId
    account_id: AccountId
    message_id: MessageId
    content: Content
    at: datetime
    language: str | None
    media_id: MediaId | None


InboundHandler = Callable[[Tx, Received], Awaitable[None]]
"""What the house does about a customer's message; part of the inbox's own transaction."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the inbox."""

    inbox_id: UUID
    account_id: AccountId
    kind: str
    payload: Mapping[str, Any]
    received_at: datetime
    processed_at: datetime | None


class Inbox:
    """Works off what customers wrote."""

    def __init__(self, channels: Mapping[ChannelKind, Channel], handler: InboundHandler) -> None:
        self._channels = channels
        self._handler = handler

    async def receive(self, tx: Tx, job: Job) -> None:
        """One message: who wrote it, where it belongs, and what the house does about it."""
        row = await tx.fetchrow(
            *SQL["waiting"](workspace=tx.workspace_id, inbox_id=UUID(job.payload["inbox_id"]))
        )
        if row is None:
            raise Bury("its message is not in the inbox")
        waiting = Waiting(**row)
        if waiting.processed_at is not None:
            return
        received = await self._write_down(tx, waiting)
        if received is not None:
            await self._handler(tx, received)
            tx.wake(f"desk:{tx.workspace_id}")
        await tx.execute(*SQL["done"](workspace=tx.workspace_id, inbox_id=waiting.inbox_id))

    async def _write_down(self, tx: Tx, waiting: Waiting) -> Received | None:
        """The message in its thread; None when it stands there already."""
        kind = ChannelKind(waiting.kind)
        said = inbound_from_json(waiting.payload)
        who = await contacts.contact_for_sender(tx, kind, said.sender, said.profile_name)
        thread_id = await threads.thread_for(tx, who.contact_id, waiting.account_id)
        message_id = MessageId(new_id())
        media_id = None
        if said.media is not None:
            media_id = await fetching.expect(
                tx, account_id=waiting.account_id, remote=said.media, message_id=message_id
            )
        written = await self._add(tx, waiting, said, thread_id, message_id, media_id)
        if written is None:
            log.info("inbox.message_known", inbox_id=str(waiting.inbox_id))
            return None
        can = self._channels[kind].capabilities
        await threads.note_inbound(tx, thread_id, at=written["at"], window_s=can.window_s)
        await reachability.wrote(tx, who.contact_id, kind, written["at"])
        if _plain(said.content.text) in can.stop_words:
            await contacts.opt_out(tx, who.contact_id, kind, "stop")
        person = await contacts.contact(tx, who.contact_id)
        return Received(
            thread_id=thread_id,
            contact_id=who.contact_id,
            account_id=waiting.account_id,
            message_id=message_id,
            content=said.content,
            at=written["at"],
            language=person.language,
            media_id=media_id,
        )

    async def _add(
        self,
        tx: Tx,
        waiting: Waiting,
        said: InboundMessage,
        thread_id: ThreadId,
        message_id: MessageId,
        media_id: MediaId | None,
    ) -> Mapping[str, Any] | None:
        row = await tx.fetchrow(
            *SQL["add_message"](
                workspace=tx.workspace_id,
                message_id=message_id,
                thread_id=thread_id,
                account_id=waiting.account_id,
                author_name=said.profile_name,
                type=said.content.type.value,
                text=said.content.text,
                content=content_to_json(said.content),
                media_id=media_id,
                reply_to=said.reply_to,
                provider_id=said.provider_id,
                at=said.at,
            )
        )
        return dict(row) if row is not None else None


def _plain(text: str | None) -> str:
    return (text or "").strip().strip(".!\"'«»").casefold()


async def sweep(tx: Tx) -> None:
    """Let go of a page of what has served its purpose, and come back for the next."""
    gone = 0
    for statement, days in (
        ("sweep_inbox", _INBOX_DAYS),
        ("sweep_seen", _SEEN_DAYS),
        ("sweep_unmatched", _UNMATCHED_DAYS),
    ):
        status = await tx.execute(*SQL[statement](workspace=tx.workspace_id, days=days))
        gone += int(status.rpartition(" ")[2])
    pause_s = 1.0 if gone else 3600.0
    await enqueue(tx, NewJob(kind=SWEEP_JOB, payload={}, key="workspace", delay_s=pause_s))
