"""Alerts: what a person should look at, found in the rows by whoever tidies up, once while it lasts."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Gauge

from core import outgoing
from core.ids import new_id, public
from core.postgres import Tx
from core.queries import load
from ivr_bridge.outcome import Reason

log = structlog.get_logger()

SQL = load(Path(__file__).with_name("watch.sql"))

OPEN = Gauge("ivr_bridge_alert_open", "Alerts that are open", ["workspace", "kind"])

_MINUTE_S = 60
_TOO_MANY = {
    Reason.BUDGET: 1,
    Reason.CHANNEL_QUOTA: 1,
    Reason.TEMPLATE_BLOCKED: 1,
    # Each brings its own chat right; several at once say that the provider counts otherwise than we do.
    Reason.WINDOW_CLOSED: 3,
    # A caller or two on their third try, or from abroad, is no news.
    Reason.VELOCITY: 10,
    Reason.COUNTRY_BLOCKED: 20,
}
"""Refusals on one line within a minute that a person should know of."""


_TOO_MANY_KEYS = 3
"""Of one name, refused in this minute and the last: once is a slip of whoever set it up."""


class AlertKind(StrEnum):
    """What can be wrong (docs/runbook.md says what to do)."""

    BUDGET = "budget"
    VELOCITY = "velocity"
    COUNTRY_BLOCKED = "country_blocked"
    CHANNEL_QUOTA = "channel_quota"
    CHANNEL_SILENT = "channel_silent"
    CHANNEL_STOPPED = "channel_stopped"
    TEMPLATE_BLOCKED = "template_blocked"
    WINDOW_CLOSED = "window_closed"
    LINE_PAUSED = "line_paused"
    KEY_REFUSED = "key_refused"


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often a line refused for one reason."""

    line: str
    reason: str
    times: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now."""

    kind: str
    subject: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that stands, and whether it was opened just now."""

    alert_id: UUID
    kind: str
    subject: str
    facts: Mapping[str, Any]
    opened_at: datetime
    fresh: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is shown."""

    alert_id: UUID
    kind: str
    subject: str
    facts: Mapping[str, Any]
    opened_at: datetime
    closed_at: datetime | None


async def look_for_trouble(tx: Tx) -> None:
    """Open what is wrong, close what is over, and say so: in the log, the figures and to who listens."""
    workspace_id = tx.workspace_id
    standing = SQL["troubles"](workspace=workspace_id, refused_keys=_TOO_MANY_KEYS)
    found = [Trouble(**row) for row in await tx.fetch(*standing)]
    rows = await tx.fetch(
        *SQL["refusals"](
            workspace=workspace_id,
            reasons=[reason.value for reason in _TOO_MANY],
            since=_id_of(time.time() - _MINUTE_S),
        )
    )
    found += [
        Trouble(each.reason, each.line, {"refused_in_a_minute": each.times})
        for each in (Refusals(**row) for row in rows)
        if each.times >= _TOO_MANY[Reason(each.reason)]
    ]
    await _raise(tx, found)
    for row in await tx.fetch(*SQL["close_alerts"](workspace=workspace_id)):
        log.info("alert.closed", alert_id=public("al", row["alert_id"]), kind=row["kind"])
    counts = {
        row["kind"]: row["open"]
        for row in await tx.fetch(*SQL["open_alerts"](workspace=workspace_id))
    }
    for kind in AlertKind:
        OPEN.labels(workspace_id, kind.value).set(counts.get(kind.value, 0))


async def alerts(tx: Tx, *, also_closed: bool = False) -> Sequence[Alert]:
    """What is open, and what was lately, newest first."""
    rows = await tx.fetch(*SQL["alerts"](workspace=tx.workspace_id, also_closed=also_closed))
    return [Alert(**row) for row in rows]


async def _raise(tx: Tx, found: Sequence[Trouble]) -> None:
    # Two ways of finding the same trouble are one alert.
    distinct = {(each.kind, each.subject): each for each in found}
    if not distinct:
        return
    rows = await tx.fetch(
        *SQL["raise_alerts"](
            workspace=tx.workspace_id,
            alerts=[new_id() for _ in distinct],
            kinds=[kind for kind, _ in distinct],
            subjects=[subject for _, subject in distinct],
            facts=[dict(each.facts) for each in distinct.values()],
        )
    )
    for each in (Raised(**row) for row in rows):
        if not each.fresh:
            continue
        alert_id = public("al", each.alert_id)
        log.error("alert.opened", alert_id=alert_id, kind=each.kind, subject=each.subject)
        told = {"alert_id": alert_id, "kind": each.kind, "subject": each.subject}
        await outgoing.tell(
            tx,
            outgoing.ALERT,
            {**told, "facts": dict(each.facts)},
            key=alert_id,
            at=each.opened_at,
        )


def _id_of(seconds: float) -> UUID:
    """The smallest UUIDv7 of a moment."""
    return UUID(int=int(seconds * 1000) << 80)
