"""What we want to say, committed with the reason for saying it and sent by a worker afterwards."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from core.faults import Refused
from core.ids import AccountId, ContactId, MessageId, ThreadId, new_id
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from core.queries import load
from messaging.content import Content, ContentType
from messaging.threads import ThreadUnknown
from messaging.written import content_from_json, content_to_json

SQL = load(Path(__file__).with_name("outbox.sql"))

SEND_JOB = "messaging.send"


class WindowClosed(Refused, code="window_closed"):
    """The customer last wrote too long ago for free words: send a template instead."""


class OptedOut(Refused, code="opted_out"):
    """This person asked not to hear from us here, and has not written since."""


class NotUncertain(Refused, code="not_uncertain"):
    """This message arrived or is still on its way: only a failed or unknown one is sent anew."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it."""

    kind: Literal["business", "bot", "operator", "system"]
    id: UUID | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides whether a thread may be written to."""

    account_id: AccountId
    contact_id: ContactId
    window_open: bool | None
    opted_out_at: datetime | None
    last_inbound_at: datetime | None

    @property
    def opted_out(self) -> bool:
        """They said no, and did not write again by themselves."""
        return self.opted_out_at is not None and (
            self.last_inbound_at is None or self.last_inbound_at <= self.opted_out_at
        )


async def put(
    tx: Tx,
    *,
    thread_id: ThreadId,
    content: Content,
    author: Author,
    client_key: str | None = None,
    reply_to: MessageId | None = None,
    watch: bool = False,
) -> MessageId:
    """Queue a message behind the others of its thread; raises WindowClosed, OptedOut, ThreadUnknown.

    A second message under the same `client_key` is the first one again.
    """
    recipe = await _allowed(tx, thread_id, content)
    message_id: UUID | None = await tx.fetchval(
        *SQL["put"](
            workspace=tx.workspace_id,
            message_id=new_id(),
            thread_id=thread_id,
            account_id=recipe.account_id,
            author_kind=author.kind,
            author_id=author.id,
            author_name=author.name,
            purpose="message" if content.type is ContentType.TEMPLATE else "reply",
            type=content.type.value,
            text=content.text,
            content=content_to_json(content),
            media_id=content.media_id,
            reply_to=reply_to,
            client_key=client_key,
            watch=watch,
        )
    )
    if message_id is None:
        return MessageId(
            await tx.fetchval(
                *SQL["by_client_key"](
                    workspace=tx.workspace_id, thread_id=thread_id, client_key=client_key
                )
            )
        )
    await enqueue(
        tx,
        NewJob(
            kind=SEND_JOB,
            payload={
                "message_id": str(message_id),
                "account_id": str(recipe.account_id),
                "contact_id": str(recipe.contact_id),
            },
            band="send",
            lane=f"out:{thread_id}",
        ),
    )
    tx.wake(f"desk:{tx.workspace_id}")
    return MessageId(message_id)


async def again(
    tx: Tx, *, message_id: MessageId, author: Author, client_key: str | None = None
) -> MessageId:
    """Say anew what failed or may be lost: a person's decision, and a message of its own.

    Raises NotUncertain when the first one arrived or is still on its way, and what `put` raises.
    """
    row = await tx.fetchrow(*SQL["uncertain"](workspace=tx.workspace_id, message_id=message_id))
    if row is None:
        raise NotUncertain
    return await put(
        tx,
        thread_id=row["thread_id"],
        content=content_from_json(row["content"]),
        author=author,
        client_key=client_key,
        reply_to=row["reply_to"],
    )


async def _allowed(tx: Tx, thread_id: ThreadId, content: Content) -> Recipe:
    row = await tx.fetchrow(
        *SQL["thread_to_write_to"](workspace=tx.workspace_id, thread_id=thread_id)
    )
    if row is None:
        raise ThreadUnknown
    recipe = Recipe(**row)
    if recipe.opted_out:
        raise OptedOut
    if content.type is not ContentType.TEMPLATE and not recipe.window_open:
        raise WindowClosed
    return recipe
