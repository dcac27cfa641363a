"""`ivr-bridge jobs`: buried jobs, looked at and replayed by the operations engineer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import click

from config.commands.terminal import in_workspace, run
from core.access import audit
from core.jobs.store import SQL


@click.group()
def jobs() -> None:
    """Look at work that was given up, and give it another life."""


@jobs.command("list")
@click.argument("workspace")
@click.option("--limit", default=50, show_default=True)
def jobs_list(workspace: str, limit: int) -> None:
    """Buried jobs of WORKSPACE, newest first, one JSON line each."""
    for line in run(_buried(workspace, limit)):
        click.echo(json.dumps(line, default=str))


@jobs.command("replay")
@click.argument("workspace")
@click.option("--kind", default=None, help="Only jobs of this kind.")
@click.option("--job", "job_id", type=click.UUID, default=None, help="Only this job.")
def jobs_replay(workspace: str, kind: str | None, job_id: UUID | None) -> None:
    """Let buried jobs of WORKSPACE run again."""
    click.echo(f"{run(_replay(workspace, kind, job_id))} jobs will run again")


async def _buried(workspace: str, limit: int) -> Sequence[Mapping[str, Any]]:
    async with in_workspace(workspace, application="jobs", read_only=True) as (_, tx):
        rows = await tx.fetch(*SQL["buried"](workspace=tx.workspace_id, size=limit))
    return [dict(row) for row in rows]


async def _replay(workspace: str, kind: str | None, job_id: UUID | None) -> int:
    async with in_workspace(workspace, application="jobs") as (_, tx):
        rows = await tx.fetch(*SQL["replay"](workspace=tx.workspace_id, job_id=job_id, kind=kind))
        await audit.note(
            tx,
            action="jobs.replayed",
            actor_kind="command",
            actor_id=None,
            facts={"kind": kind, "count": len(rows)},
        )
    return len(rows)
