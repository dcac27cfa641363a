"""`ivr-bridge pause` and `alerts`: stop what goes wrong, and see what does."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from config.commands.terminal import in_workspace, run
from core.access import audit
from core.clock import utc_now
from core.ids import public
from ivr_bridge.guard import alerts as guard_alerts
from ivr_bridge.guard import pauses
from ivr_bridge.guard.alerts import Alert
from ivr_bridge.guard.pauses import Pause

_PERIOD = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SECONDS = (86_400, 3600, 60, 1)


class _PeriodType(click.ParamType[float]):
    """`2h`, `90m`, `1d12h`."""

    name = "period"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = _PERIOD.fullmatch(value)
        if found is None:
            self.fail("write it as 2h, 90m or 1d12h", param, ctx)
        return float(sum(int(n or 0) * s for n, s in zip(found.groups(), _SECONDS, strict=True)))


class _MomentType(click.ParamType[datetime]):
    """`2026-01-10T18:00+03:00`; without a zone it is UTC."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail("write it as 2026-01-10T18:00+03:00", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@click.command()
@click.argument("subject", required=False, metavar="[LINE|CHANNEL|all]")
@click.option("--workspace", required=True)
@click.option("--for", "for_s", type=_PeriodType(), help="So long: 2h, 90m, 1d12h.")
@click.option("--until", type=_MomentType(), help="Until then; without a zone, UTC.")
@click.option("--off", is_flag=True, help="Let it send again.")
@click.option("--why", default="", help="For whoever finds it paused.")
def pause(
    subject: str | None,
    workspace: str,
    for_s: float | None,
    until: datetime | None,
    *,
    off: bool,
    why: str,
) -> None:
    """Stop a line, a channel or everything: callers stay on the line (reason `paused`).

    Every process obeys within two seconds. Without --for or --until it holds until --off; without a
    subject, what is paused is shown, one JSON line each.
    """
    if sum((for_s is not None, until is not None, off)) > 1:
        raise click.UsageError("choose one of --for, --until and --off")
    if subject is None:
        for each in run(_standing(workspace)):
            click.echo(json.dumps(_described(each), ensure_ascii=False))
        return
    if until is not None:
        for_s = (until - utc_now()).total_seconds()
        if for_s <= 0:
            raise click.UsageError("--until is over already")
    click.echo(run(_change(workspace, subject, for_s, off=off, why=why)))


@click.command("alerts")
@click.argument("workspace")
@click.option("--all", "also_closed", is_flag=True, help="Those of the last 14 days, too.")
def alerts(workspace: str, *, also_closed: bool) -> None:
    """What a person of WORKSPACE should look at, one JSON line each; exit status 1 when there is any."""
    found: Sequence[Alert] = run(_alerts(workspace, also_closed=also_closed))
    for each in found:
        click.echo(json.dumps(_shown(each), ensure_ascii=False))
    if any(each.closed_at is None for each in found):
        sys.exit(1)


def _shown(each: Alert) -> Mapping[str, Any]:
    return {
        "id": public("al", each.alert_id),
        "kind": each.kind,
        "subject": each.subject,
        "facts": each.facts,
        "opened_at": each.opened_at.isoformat(timespec="seconds"),
        "closed_at": None
        if each.closed_at is None
        else each.closed_at.isoformat(timespec="seconds"),
        "what_to_do": f"docs/runbook.md, {each.kind}",
    }


async def _alerts(workspace: str, *, also_closed: bool) -> Sequence[Alert]:
    async with in_workspace(workspace, application="alerts", read_only=True) as (_, tx):
        return await guard_alerts.alerts(tx, also_closed=also_closed)


def _described(each: Pause) -> Mapping[str, Any]:
    return {
        "what": each.kind,
        "name": each.subject or None,
        "by": each.paused_by,
        "why": each.why or None,
        "from": each.from_at.isoformat(timespec="seconds"),
        "until": None if each.until_at is None else each.until_at.isoformat(timespec="seconds"),
    }


async def _standing(workspace: str) -> Sequence[Pause]:
    async with in_workspace(workspace, application="pause", read_only=True) as (_, tx):
        return await pauses.pauses(tx)


async def _change(workspace: str, subject: str, for_s: float | None, *, off: bool, why: str) -> str:
    async with in_workspace(workspace, application="pause") as (_, tx):
        what = await pauses.named(tx, subject)
        until = None
        if off:
            await pauses.lift(tx, what)
        else:
            until = await pauses.pause(tx, what, for_s=for_s, why=why)
        await audit.note(
            tx,
            action="pause.lifted" if off else "pause.begun",
            actor_kind="command",
            actor_id=None,
            subject=f"{what.kind} {what.subject}".strip(),
            facts={"why": why, "for_s": for_s},
        )
    name = what.subject or "everything"
    if off:
        return f"{name} sends again"
    return f"{name} is paused" + (f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "")
