"""A thread is a contact on one of our accounts, for good; it knows until when free words may be sent."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.faults import NotFound
from core.ids import AccountId, ContactId, ThreadId, new_id
from core.postgres import Tx
from core.queries import load

SQL = load(Path(__file__).with_name("threads.sql"))


@dataclass(frozen=True, slots=True)
class Thread:
    """A contact on an account. `window_until` is far in the future where a channel has no window."""

    thread_id: ThreadId
    contact_id: ContactId
    account_id: AccountId
    last_inbound_at: datetime | None
    window_until: datetime | None


class ThreadUnknown(NotFound, code="thread_unknown"):
    """There is no thread with this id."""


async def thread_for(tx: Tx, contact_id: ContactId, account_id: AccountId) -> ThreadId:
    """The thread of this contact on this account, made when there is none."""
    return ThreadId(
        await tx.fetchval(
            *SQL["thread_for"](
                workspace=tx.workspace_id,
                contact_id=contact_id,
                account_id=account_id,
                thread_id=new_id(),
            )
        )
    )


async def thread(tx: Tx, thread_id: ThreadId) -> Thread:
    """One thread; raises ThreadUnknown."""
    row = await tx.fetchrow(*SQL["thread"](workspace=tx.workspace_id, thread_id=thread_id))
    if row is None:
        raise ThreadUnknown
    return Thread(**row)


async def window_until(tx: Tx, thread_id: ThreadId) -> datetime | None:
    """Until when free words may be sent; None when the customer never wrote."""
    return (await thread(tx, thread_id)).window_until


async def without_window(tx: Tx, thread_id: ThreadId) -> None:
    """On this thread's channel free words may always be sent."""
    await tx.execute(*SQL["without_window"](workspace=tx.workspace_id, thread_id=thread_id))


async def close_window(tx: Tx, thread_id: ThreadId, *, at: datetime) -> None:
    """The provider refused free words at this time, whatever we had counted."""
    await tx.execute(*SQL["close_window"](workspace=tx.workspace_id, thread_id=thread_id, at=at))


async def note_inbound(tx: Tx, thread_id: ThreadId, *, at: datetime, window_s: int | None) -> None:
    """The customer wrote at this time: the window opens for `window_s`, or for good."""
    await tx.execute(
        *SQL["note_inbound"](
            workspace=tx.workspace_id, thread_id=thread_id, at=at, window_s=window_s
        )
    )
