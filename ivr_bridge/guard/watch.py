"""A line that nobody answers, that people complain about, or that dials at random pauses itself."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.access import audit
from core.ids import LineId
from core.postgres import Tx
from ivr_bridge.guard.alerts import SQL
from ivr_bridge.guard.pauses import Paused, PausedBy, pause
from ivr_bridge.guard.terms import WatchTerms

log = structlog.get_logger()

_TEMPLATES_FROM_S = 1800


@dataclass(frozen=True, slots=True)
class Watched:
    """A line that was busy lately."""

    line_id: LineId
    name: str
    terms: Mapping[str, Any]
    since: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """How a line's latest openings were taken."""

    replies_of: int
    replies: int
    complaints_of: int
    complaints: int
    unreachable_of: int
    unreachable: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a line stops itself."""

    rule: str
    found: int
    of: int


def judge(health: Health, terms: WatchTerms) -> Verdict | None:
    """The first rule that is broken, once its sample is whole."""
    replies, complaints, unreachable = terms.replies, terms.complaints, terms.unreachable
    if (
        _whole(health.complaints_of, complaints.of)
        and _share(health.complaints, health.complaints_of) > complaints.above_percent
    ):
        return Verdict("complaints", health.complaints, health.complaints_of)
    if (
        _whole(health.unreachable_of, unreachable.of)
        and _share(health.unreachable, health.unreachable_of) > unreachable.above_percent
    ):
        return Verdict("unreachable", health.unreachable, health.unreachable_of)
    if (
        _whole(health.replies_of, replies.of)
        and _share(health.replies, health.replies_of) < replies.below_percent
    ):
        return Verdict("replies", health.replies, health.replies_of)
    return None


async def learn(tx: Tx) -> None:
    """Count what the provider allows and refuses, from the rows."""
    await tx.execute(*SQL["count_users"](workspace=tx.workspace_id))
    since = UUID(int=int((time.time() - _TEMPLATES_FROM_S) * 1000) << 80)
    await tx.execute(*SQL["learn_refusals"](workspace=tx.workspace_id, since=since))


async def look_after_lines(tx: Tx) -> None:
    """Pause every line whose own rules say so."""
    for row in await tx.fetch(*SQL["watched"](workspace=tx.workspace_id)):
        watched = Watched(**row)
        terms = WatchTerms.model_validate(watched.terms, extra="ignore")
        if terms.enabled and (verdict := judge(await _health(tx, watched, terms), terms)):
            await _stop(tx, watched, terms, verdict)


async def _health(tx: Tx, watched: Watched, terms: WatchTerms) -> Health:
    row = await tx.fetchrow(
        *SQL["line_health"](
            workspace=tx.workspace_id,
            line=watched.line_id,
            since=watched.since,
            within_s=terms.replies.within_s,
            replies_of=terms.replies.of,
            complaints_of=terms.complaints.of,
            unreachable_of=terms.unreachable.of,
        )
    )
    assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
    return Health(**row)


async def _stop(tx: Tx, watched: Watched, terms: WatchTerms, verdict: Verdict) -> None:
    why = f"{verdict.rule}: {verdict.found} of the latest {verdict.of} openings"
    line = Paused("line", watched.name)
    await pause(tx, line, for_s=terms.pause_s, why=why, by=PausedBy.WATCH)
    facts = {"rule": verdict.rule, "found": verdict.found, "of": verdict.of}
    await audit.note(
        tx,
        action="pause.begun",
        actor_kind="system",
        actor_id=None,
        subject=f"line {watched.name}",
        facts=facts,
    )
    log.error("line.paused_itself", line=watched.name, **facts)


def _whole(sample: int, wanted: int) -> bool:
    return sample >= wanted


def _share(found: int, of: int) -> float:
    return 100 * found / of
