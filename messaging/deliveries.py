"""Statuses are not ordered work: wherever a webhook lands, its own transaction applies them.

A backlog of customers' messages therefore never delays a status, and with it never a call.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.events import Events
from core.ids import AccountId, AddressId, MessageId, ThreadId
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging.channel import Account, Failure, FailureClass, ReportedStatus, StatusReport
from messaging.consequences import Change, follow
from messaging.delivery import Failed, Standing, Status, after_report

SQL = load(Path(__file__).with_name("deliveries.sql"))

SETTLE_JOB = "messaging.settle_statuses"
_SETTLE_AFTER_S = 2.0
_SETTLE_AGAIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Tracked:
    """A message that a report is about, as it stood under the lock."""

    place: int
    message_id: MessageId
    thread_id: ThreadId
    purpose: str
    watch: bool
    address_id: AddressId | None
    status: str
    provider_id: str | None
    failed_at: datetime | None
    failed_class: str | None
    failed_code: str | None
    priced: bool

    @property
    def standing(self) -> Standing:
        """Where it stood."""
        return standing(self.status, self.failed_at, self.failed_class, self.failed_code)


def standing(
    status: str, failed_at: datetime | None, failed_class: str | None, failed_code: str | None
) -> Standing:
    """A row's columns as the lifecycle sees them."""
    if failed_at is None or failed_class is None:
        return Standing(Status(status))
    return Standing(
        Status(status), Failed(failed_at, Failure(FailureClass(failed_class), failed_code or ""))
    )


async def apply(tx: Tx, events: Events, account: Account, reports: Sequence[StatusReport]) -> None:
    """Bring the messages up to what is reported, say what that causes, and keep the rest for later."""
    await apply_for(tx, events, account.id, account.kind, reports)


async def apply_for(
    tx: Tx,
    events: Events,
    account_id: AccountId,
    channel: ChannelKind,
    reports: Sequence[StatusReport],
) -> None:
    """The same, where only the account's id and network are at hand."""
    if not reports:
        return
    rows = await tx.fetch(
        *SQL["lock_reported"](
            workspace=tx.workspace_id,
            account_id=account_id,
            message_ids=[report.message_id for report in reports],
            provider_ids=[report.provider_id for report in reports],
        )
    )
    tracked = [Tracked(**row) for row in rows]
    matched = {row.place for row in tracked}
    changes = _fold(tracked, reports)
    if changes:
        await _write(tx, changes)
        await follow(tx, events, account_id, channel, changes)
    unmatched = [report for place, report in enumerate(reports, 1) if place not in matched]
    if unmatched:
        await _keep(tx, account_id, channel, unmatched)


async def settle(tx: Tx, events: Events, payload: Mapping[str, Any]) -> None:
    """Apply kept reports whose message is known by now, and come back while young ones are left."""
    account_id = AccountId(UUID(payload["account_id"]))
    rows = await tx.fetch(*SQL["take_matched"](workspace=tx.workspace_id, account_id=account_id))
    channel = ChannelKind(payload["channel"])
    await apply_for(
        tx,
        events,
        account_id,
        channel,
        [kept_report(dict(row)) for row in rows],
    )
    if await tx.fetchval(*SQL["unmatched_left"](workspace=tx.workspace_id, account_id=account_id)):
        await _settle_later(tx, account_id, channel, _SETTLE_AGAIN_S)


def kept_report(row: Mapping[str, Any], message_id: MessageId | None = None) -> StatusReport:
    """A report as it was when it came."""
    failed_class = row["failed_class"]
    at = row["at"]
    return StatusReport(
        event_key="",
        status=ReportedStatus(row["status"]),
        at=datetime.fromisoformat(at) if isinstance(at, str) else at,
        provider_id=row["provider_id"],
        message_id=message_id,
        recipient={},
        failure=Failure(FailureClass(failed_class), row["failed_code"]) if failed_class else None,
        pricing=row["pricing"],
    )


def _fold(tracked: Sequence[Tracked], reports: Sequence[StatusReport]) -> list[Change]:
    """One change a message, with every report about it."""
    folded: dict[MessageId, Change] = {}
    for row in tracked:
        report = reports[row.place - 1]
        change = folded.get(row.message_id)
        if change is None:
            before = row.standing
            change = folded[row.message_id] = Change(
                message_id=row.message_id,
                thread_id=row.thread_id,
                purpose=row.purpose,
                watch=row.watch,
                address_id=row.address_id,
                provider_id=row.provider_id or report.provider_id,
                before=before,
                after=before,
            )
        change.after = after_report(change.after, report.status, report.at, report.failure)
        change.reports.append(report)
    return list(folded.values())


async def _write(tx: Tx, changes: Sequence[Change]) -> None:
    moved = [change for change in changes if change.moved or change.pricing]
    told = _once(changes)
    await tx.execute(
        *SQL["apply"](
            workspace=tx.workspace_id,
            message_ids=[change.message_id for change in moved],
            statuses=[change.after.status.value for change in moved],
            provider_ids=[change.provider_id for change in moved],
            failed_ats=[change.after.failed and change.after.failed.at for change in moved],
            failed_classes=[_failed_class(change.after.failed) for change in moved],
            failed_codes=[_failed_code(change.after.failed) for change in moved],
            pricings=[
                json.dumps(dict(change.pricing)) if change.pricing else None for change in moved
            ],
            report_ids=[message_id for message_id, _ in told],
            report_statuses=[report.status.value for _, report in told],
            report_ats=[report.at for _, report in told],
            report_classes=[_class_of(report) for _, report in told],
            report_codes=[_code_of(report) for _, report in told],
        )
    )


def _once(changes: Sequence[Change]) -> list[tuple[MessageId, StatusReport]]:
    """Each kind of report once a message, the earliest: one statement may not touch a row twice."""
    earliest: dict[tuple[MessageId, ReportedStatus], StatusReport] = {}
    for change in changes:
        for report in change.reports:
            key = (change.message_id, report.status)
            known = earliest.get(key)
            if known is None or (report.at, _code_of(report) or "") < (
                known.at,
                _code_of(known) or "",
            ):
                earliest[key] = report
    return [(message_id, report) for (message_id, _), report in earliest.items()]


async def _keep(
    tx: Tx, account_id: AccountId, channel: ChannelKind, reports: Sequence[StatusReport]
) -> None:
    await tx.execute(
        *SQL["keep_unmatched"](
            workspace=tx.workspace_id,
            account_id=account_id,
            provider_ids=[report.provider_id for report in reports],
            statuses=[report.status.value for report in reports],
            ats=[report.at for report in reports],
            failed_classes=[_class_of(report) for report in reports],
            failed_codes=[_code_of(report) for report in reports],
            pricings=[
                json.dumps(dict(report.pricing)) if report.pricing else None for report in reports
            ],
        )
    )
    # Whoever records the provider's answer looks for kept reports in the same transaction. Where the
    # two commit at once, neither sees the other: this second look does.
    await _settle_later(tx, account_id, channel, _SETTLE_AFTER_S)


async def _settle_later(
    tx: Tx, account_id: AccountId, channel: ChannelKind, delay_s: float
) -> None:
    await enqueue(
        tx,
        NewJob(
            kind=SETTLE_JOB,
            payload={"account_id": str(account_id), "channel": channel.value},
            # A failure among them may strand a caller.
            band="urgent",
            key=str(account_id),
            delay_s=delay_s,
        ),
    )


def _class_of(report: StatusReport) -> str | None:
    if report.status is not ReportedStatus.FAILED:
        return None
    return (report.failure.failure_class if report.failure else FailureClass.UNKNOWN).value


def _code_of(report: StatusReport) -> str | None:
    if report.status is not ReportedStatus.FAILED:
        return None
    return report.failure.code if report.failure else "none"


def _failed_class(failed: Failed | None) -> str | None:
    return failed.failure.failure_class.value if failed else None


def _failed_code(failed: Failed | None) -> str | None:
    return failed.failure.code if failed else None
