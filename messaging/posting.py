"""One message put on the wire once, and what is known afterwards, recorded under the sender's fence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, assert_never

from core.events import Events
from core.ids import AccountId, AddressId, MessageId, ThreadId, WorkspaceId, new_id
from core.postgres import Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging.channel import Account, AddressKind, Ambiguous, Channel, Failure, Outgoing, Rejected
from messaging.consequences import Change, follow
from messaging.contacts import scope_of
from messaging.deliveries import apply_for, kept_report, standing
from messaging.delivery import Standing, after_report

SQL = load(Path(__file__).with_name("posting.sql"))


@dataclass(frozen=True, slots=True)
class Posted:
    """The provider took it."""

    provider_id: str
    learnt: Mapping[AddressKind, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly did not take it."""

    failure: Failure
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody can say; a later report may."""


Outcome = Posted | Refused | Lost


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way out, and the fence under which its outcome may be recorded."""

    message_id: MessageId
    account_id: AccountId
    channel: ChannelKind
    fence: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A message after its answer, and the reports that had been waiting for it."""

    message_id: MessageId
    thread_id: ThreadId
    purpose: str
    watch: bool
    address_id: AddressId | None
    status: str
    failed_at: datetime | None
    failed_class: str | None
    failed_code: str | None
    kept: Sequence[Mapping[str, Any]] | None


async def post(
    channel: Channel, account: Account, outgoing: Outgoing, *, timeout_s: float
) -> Outcome:
    """One request, never repeated; no database is touched."""
    try:
        accepted = await channel.send(account, outgoing, timeout_s=timeout_s)
    except Rejected as rejected:
        return Refused(rejected.failure, rejected.retry_after_s)
    except Ambiguous:
        return Lost()
    return Posted(accepted.provider_id, accepted.learnt)


async def record(
    tx: Tx, events: Events, letter: Letter, outcome: Outcome, at: datetime
) -> Standing | None:
    """Where the message stands now; None when the fence moved on and nothing was written."""
    row = await tx.fetchrow(*_statement(tx.workspace_id, letter, outcome, at))
    if row is None:
        return None
    answered = Answered(**row)
    now = standing(answered.status, answered.failed_at, answered.failed_class, answered.failed_code)
    if isinstance(outcome, Refused) and answered.failed_at == at:
        change = Change(
            message_id=answered.message_id,
            thread_id=answered.thread_id,
            purpose=answered.purpose,
            watch=answered.watch,
            address_id=answered.address_id,
            provider_id=None,
            before=Standing(now.status),
            after=now,
        )
        await follow(tx, events, letter.account_id, letter.channel, [change])
        return now
    if answered.kept:
        reports = [kept_report(kept, letter.message_id) for kept in answered.kept]
        await apply_for(tx, events, letter.account_id, letter.channel, reports)
        for report in reports:
            now = after_report(now, report.status, report.at, report.failure)
    if answered.watch:
        await events.publish(
            tx,
            "message.watched",
            {"message_id": str(letter.message_id), "status": now.status.value},
        )
    tx.wake(f"message:{letter.message_id}", f"desk:{tx.workspace_id}")
    return now


@dataclass(frozen=True, slots=True)
class Taken:
    """A letter that the provider took."""

    letter: Letter
    posted: Posted
    at: datetime


def to_record_plainly(workspace_id: WorkspaceId, taken: Sequence[Taken]) -> dict[str, Any]:
    """The values of `record_plainly`, for a statement that decides something besides."""
    learnt = [
        (each.letter, kind, value) for each in taken for kind, value in each.posted.learnt.items()
    ]
    return {
        "workspace": workspace_id,
        "messages": [each.letter.message_id for each in taken],
        "fences": [each.letter.fence for each in taken],
        "ats": [each.at for each in taken],
        "provider_ids": [each.posted.provider_id for each in taken],
        "accounts": [each.letter.account_id for each in taken],
        "of_messages": [letter.message_id for letter, _, _ in learnt],
        "address_ids": [new_id() for _ in learnt],
        "kinds": [kind.value for _, kind, _ in learnt],
        "scopes": [scope_of(kind, letter.channel) for letter, kind, _ in learnt],
        "values": [value for _, _, value in learnt],
    }


def _statement(
    workspace_id: WorkspaceId, letter: Letter, outcome: Outcome, at: datetime
) -> tuple[Any, ...]:
    common: dict[str, Any] = {
        "workspace": workspace_id,
        "message_id": letter.message_id,
        "fence": letter.fence,
        "at": at,
    }
    match outcome:
        case Posted():
            return SQL["record_accepted"](
                provider_id=outcome.provider_id,
                account_id=letter.account_id,
                address_ids=[new_id() for _ in outcome.learnt],
                kinds=[kind.value for kind in outcome.learnt],
                scopes=[scope_of(kind, letter.channel) for kind in outcome.learnt],
                values=list(outcome.learnt.values()),
                **common,
            )
        case Refused(failure=failure):
            return SQL["record_refused"](
                failed_class=failure.failure_class.value, failed_code=failure.code, **common
            )
        case Lost():
            return SQL["record_lost"](**common)
        case _:
            assert_never(outcome)
