"""The definitions once more, in plain Python over raw rows: what the reports must agree with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.postgres import Database
from tests.ivr_bridge.reports.chronicle import Chronicle

RANKS = ["deflected", "silent", "unconfirmed", "answered_after", "pending", "continue"]


@dataclass(frozen=True)
class Judged:
    """A call as one person with the rows before them would judge it."""

    day: date
    line: UUID
    eligible: bool
    fate: str | None
    soon: bool
    last_step: int
    reason: str | None
    attempts: int


class Rows:
    """Everything of one workspace, unjoined."""

    def __init__(self, tables: Mapping[str, list[Mapping[str, Any]]]) -> None:
        self.tables = tables

    def of(self, table: str, **wanted: object) -> list[Mapping[str, Any]]:
        """Rows of a table with these values."""
        return [
            row
            for row in self.tables[table]
            if all(row[name] == value for name, value in wanted.items())
        ]


async def read(past: Chronicle) -> Rows:
    """Every raw row that a report may look at."""
    names = [
        "ivr_bridge.call",
        "ivr_bridge.call_event",
        "ivr_bridge.eligibility",
        "ivr_bridge.deflection",
        "ivr_bridge.fact",
        "messaging.thread",
        "messaging.message",
        "handoff.entry",
        "handoff.conversation",
    ]
    database: Database = past.database
    async with database.workspace(past.workspace_id, read_only=True) as tx:
        return Rows(
            {name: [dict(row) for row in await tx.fetch(f"SELECT * FROM {name}")] for name in names}
        )


def judge(rows: Rows, zone: ZoneInfo) -> list[Judged]:
    """Every call."""
    return [_judge(rows, call, zone) for call in rows.of("ivr_bridge.call")]


def _judge(rows: Rows, call: Mapping[str, Any], zone: ZoneInfo) -> Judged:
    ref = call["call_ref"]
    told: dict[str, list[datetime]] = {}
    for event in rows.of("ivr_bridge.call_event", call_ref=ref):
        told.setdefault(event["event"], []).append(event["at"])
    answers = sorted(rows.of("ivr_bridge.eligibility", call_ref=ref), key=lambda each: each["at"])
    attempts = rows.of("ivr_bridge.deflection", call_ref=ref)
    not_me = any(
        rows.of("ivr_bridge.fact", deflection_id=each["deflection_id"], fact="not_me")
        for each in attempts
    )
    fates = [_fate(rows, each, told, not_me=not_me) for each in attempts]
    best = min(
        zip(fates, attempts, strict=True),
        key=lambda pair: (RANKS.index(pair[0][0]), not pair[0][1], -pair[1]["attempt"]),
        default=(("", False, None), None),
    )
    (fate, soon, first), attempt = best
    heard = bool({"offered", "declined", "accepted"} & told.keys()) or bool(attempts)
    eligible = any(each["action"] == "offer" for each in answers) if answers else heard
    step, reason = _last_step(
        rows,
        told,
        eligible=eligible,
        heard=heard,
        refusal=answers[-1]["reason"] if answers else "not_asked",
        attempt=attempt,
        fate=fate,
        first=first,
        not_me=not_me,
    )
    return Judged(
        call["first_seen_at"].astimezone(zone).date(),
        call["line_id"],
        eligible,
        fate or None,
        soon,
        step,
        reason,
        len(attempts),
    )


def _fate(
    rows: Rows, attempt: Mapping[str, Any], told: Mapping[str, list[datetime]], *, not_me: bool
) -> tuple[str, bool, Mapping[str, Any] | None]:
    first = _first_message(rows, attempt)
    took = None if first is None else first["at"] - attempt["created_at"]
    if attempt["outcome"] != "hangup":
        return attempt["outcome"], False, first
    if any(at > attempt["decided_at"] for at in told.get("answered", [])):
        return "answered_after", False, first
    if "ended" not in told:
        return "unconfirmed", False, first
    if took is not None and took <= timedelta(hours=24) and not not_me:
        return "deflected", took <= timedelta(minutes=30), first
    return "silent", False, first


def _first_message(rows: Rows, attempt: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if attempt["message_id"] is None and attempt["answers_for"] is None:
        return None
    threads = {
        row["thread_id"] for row in rows.of("messaging.thread", contact_id=attempt["contact_id"])
    }
    since = attempt["created_at"].replace(microsecond=0)
    written = [
        row
        for row in rows.of("messaging.message", direction="in")
        if row["thread_id"] in threads and row["at"] >= since
    ]
    return min(written, key=lambda row: (row["at"], row["message_id"]), default=None)


def _last_step(  # noqa: C901 - the whole way in one place
    rows: Rows,
    told: Mapping[str, list[datetime]],
    *,
    eligible: bool,
    heard: bool,
    refusal: str,
    attempt: Mapping[str, Any] | None,
    fate: str,
    first: Mapping[str, Any] | None,
    not_me: bool,
) -> tuple[int, str | None]:
    if not eligible:
        return 1, refusal
    if not heard:
        return 2, "not_offered"
    if attempt is None and "accepted" not in told:
        return 3, "declined" if "declined" in told else "no_answer"
    if fate == "deflected":
        assert first is not None
        return _chat(rows, first)
    if attempt is None:
        return 4, "not_requested"
    messages = rows.of(
        "messaging.message", message_id=attempt["message_id"] or attempt["answers_for"]
    )
    status = messages[0]["status"] if messages else "none"
    failed = messages[0]["failed_class"] if messages else None
    if status not in {"sent", "delivered", "read"}:
        if fate == "pending":
            return 4, "pending"
        return 4, attempt["reason"] if fate == "continue" else failed or "unknown"
    if status == "sent":
        return 5, failed or "undelivered"
    if fate == "silent":
        return 7, "not_me" if not_me else "silent"
    if fate == "continue":
        return 6, "late" if attempt["reason"] == "deadline" else attempt["reason"]
    return 6, fate


def _chat(rows: Rows, first: Mapping[str, Any]) -> tuple[int, str | None]:
    entries = rows.of("handoff.entry", message_id=first["message_id"])
    if not entries:
        return 8, "unanswered"
    [entry] = entries
    answered = any(
        rows.of("messaging.message", message_id=later["message_id"], failed_at=None)
        for later in rows.of("handoff.entry", conversation_id=entry["conversation_id"])
        if later["seq"] > entry["seq"] and later["author"] in {"bot", "operator"}
    )
    if not answered:
        return 8, "unanswered"
    [chat] = rows.of("handoff.conversation", conversation_id=entry["conversation_id"])
    if chat["state"] == "closed":
        return 10, None
    return 9, "abandoned" if chat["state"] == "abandoned" else "open"


def share_row(calls: Iterable[Judged]) -> dict[str, Any]:
    """The figures of `voice-to-chat` for these calls."""
    eligible = [each for each in calls if each.eligible]
    fates = Counter(each.fate for each in eligible)
    return {
        "eligible": len(eligible),
        "deflected": fates["deflected"],
        "deflected_30min": sum(each.fate == "deflected" and each.soon for each in eligible),
        "unconfirmed": fates["unconfirmed"],
        "hung_up_silent": fates["silent"],
        "share": fates["deflected"] / len(eligible) if eligible else None,
    }
