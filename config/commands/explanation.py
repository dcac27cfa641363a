"""A call explained to the engineer who was asked why."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from config.rooms import rooms
from config.settings import Settings
from core.faults import NotFound
from core.ids import DeflectionId, parse
from ivr_bridge.explanation import Asker, Explanation, Explanations
from ivr_bridge.explanation.documents import (
    DeflectionTold,
    EligibilityTold,
    EvidenceTold,
    TimingsTold,
)
from ivr_bridge.lines import Lines

_COLOURS = {"refused": "red", "passed": "green", "skipped": "dim"}
_STEPS = (
    ("received", "received_at"),
    ("begun", "begun_at"),
    ("sending", "sending_at"),
    ("accepted", "accepted_at"),
    ("sent", "sent_at"),
    ("delivered", "delivered_at"),
    ("failed", "failed_at"),
    ("decided", "decided_at"),
)


async def explained(
    settings: Settings, workspace: str, call_id: str, line: str | None, *, numbers: bool
) -> Explanation:
    """The explanation of a call by its own id, or by that of one of its deflections."""
    async with rooms(settings, application="explain", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(workspace)
        explanations = Explanations(opened.database, Lines(opened.database))
        asker = Asker(workspace_id, sees_numbers=numbers, kind="command")
        deflection_id = _deflection_id(call_id)
        if deflection_id is not None:
            return await explanations.of_deflection(asker, deflection_id)
        return await explanations.of_call(asker, call_id, line)


def _deflection_id(text: str) -> DeflectionId | None:
    if not text.startswith("d_"):
        return None
    try:
        return DeflectionId(parse("d", text))
    except NotFound:
        return None


def show(told: Explanation) -> None:
    """Tell it in the order in which it happened."""
    # A table that is cut to 80 columns in a pipe has lost what it was asked for.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    call = told.call
    console.print(
        f"[bold]Call {escape(call.call_id)}[/] on {escape(call.line.title)}"
        f" ({call.line.number or call.line.name}) from {call.caller or 'a withheld number'},"
        f" first seen {_moment(call.first_seen_at)}"
    )
    for event in call.events:
        details = {"voice_wait_s": event.voice_wait_s, "queue_position": event.queue_position}
        console.print(f"  {_moment(event.at)} the IVR reported {event.event}{_inline(details)}")
    for answer in told.eligibility:
        _show_eligibility(console, answer)
    for deflection in told.deflections:
        _show_deflection(console, deflection)
    if told.rescue is not None:
        rescue = told.rescue
        over = f", over: {rescue.closed_reason}" if rescue.closed_reason else ""
        console.print(
            f"\n[bold]Rescue[/] {_moment(rescue.at)} {rescue.kind} ({rescue.reason}){over}"
        )
    for back in told.repeat_calls:
        console.print(
            f"\n[bold]Back[/] {_moment(back.at)} on {escape(back.line)}: {escape(back.call_id)}"
        )


def _show_eligibility(console: Console, answer: EligibilityTold) -> None:
    arm = ", held out" if answer.variant == "hold_out" else ""
    console.print(
        f"\n[bold]Offer?[/] {_moment(answer.at)} [bold]{answer.action}[/] ({answer.reason}{arm})"
        f"{_took(answer.took_ms)}"
    )
    console.print(f"  asked{_inline(answer.asked)}\n  {_evidence(answer.evidence)}")
    console.print(_rules(answer.rules))
    if answer.shadow is not None:
        shadow = answer.shadow
        why = f" by {shadow.refused_by}" if shadow.refused_by else ""
        console.print(
            f"  the candidate {escape(shadow.policy)} would have said {shadow.reason}{why}"
        )


def _show_deflection(console: Console, told: DeflectionTold) -> None:
    outcome, timings = told.outcome, told.timings
    console.print(
        f"\n[bold]Deflection[/] {told.deflection_id}, attempt {told.attempt}:"
        f" [bold]{outcome.action}[/] ({outcome.reason or 'not decided yet'})"
        f"{_took(timings.elapsed_ms)}, decided by {outcome.decided_by or 'nobody yet'}"
    )
    console.print(f"  asked{_inline(told.asked)}\n  consent{_inline(told.consent)}")
    console.print(f"  {_evidence(told.evidence)}")
    if told.crossed_over:
        console.print("  had been held out before the offer, and came all the same")
    console.print(_rules(told.rules))
    console.print(f"  {_course(timings)}")
    for message in told.messages:
        failed = f", failed: {message.failed_code}" if message.failed_code else ""
        console.print(
            f"  {message.part.replace('_', ' ')} on {message.channel} ({escape(message.account)}):"
            f" {message.status}{failed}"
        )
    for fact in told.facts:
        console.print(f"  {_moment(fact.at)} {fact.fact}{_inline(fact.detail)}")


def _rules(trace: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("rule", "saw", "found", "wanted", box=None, padding=(0, 2))
    for each in trace:
        saw = str(each.get("saw", ""))
        table.add_row(
            escape(str(each.get("rule", ""))),
            f"[{_COLOURS.get(saw, 'white')}]{escape(saw)}[/]",
            escape(_values(each.get("found"))),
            escape(_values(each.get("wanted"))),
        )
    return table


def _course(timings: TimingsTold) -> str:
    """Each step with its distance from receipt."""
    began = timings.received_at or timings.begun_at
    steps: Iterable[tuple[str, datetime | None]] = (
        (word, getattr(timings, name)) for word, name in _STEPS
    )
    known = [(at, word) for word, at in steps if at is not None]
    return ", ".join(
        f"{word} {_moment(at)}" if at == began else f"{word} +{_ms(at, began)} ms"
        for at, word in sorted(known, key=lambda step: step[0])
    )


def _ms(at: datetime, began: datetime) -> int:
    return round((at - began).total_seconds() * 1000)


def _evidence(told: EvidenceTold) -> str:
    since = "" if told.age_s is None else f", {told.age_s} s old"
    return f"reachability {told.state}" + (f" from {told.source}{since}" if told.source else "")


def _inline(values: Mapping[str, Any]) -> str:
    shown = _values(values)
    return f": {escape(shown)}" if shown else ""


def _values(values: object) -> str:
    if not isinstance(values, Mapping):
        return ""
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def _took(took_ms: int | None) -> str:
    return "" if took_ms is None else f" after {took_ms} ms"


def _moment(at: datetime) -> str:
    return at.astimezone().isoformat(sep=" ", timespec="milliseconds")
