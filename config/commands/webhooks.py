"""`ivr-bridge webhook`: what providers send, and what is sent to a company's own systems."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click

from config.commands.terminal import in_workspace, run
from core import outgoing
from core.access import audit
from core.outgoing.sql import SQL


@click.group()
def webhook() -> None:
    """Look at what providers send, and at what is sent to a company's own systems."""


@webhook.command("list")
@click.argument("workspace")
def webhook_list(workspace: str) -> None:
    """Every endpoint of WORKSPACE and what waits for it, one JSON line each."""
    for line in run(_standing(workspace)):
        click.echo(json.dumps(line, default=str))


@webhook.command("resume")
@click.argument("workspace")
@click.argument("name")
@click.option("--given-up", is_flag=True, help="Send again what was given up, too.")
def webhook_resume(workspace: str, name: str, *, given_up: bool) -> None:
    """Try the endpoint NAME of WORKSPACE again, now."""
    revived = run(_resume(workspace, name, given_up=given_up))
    click.echo(f"{name} is tried again" + (f", {revived} given up before" if given_up else ""))


@webhook.command("parse")
@click.argument("channel")
@click.argument("file", type=click.File("rb"), default="-")
@click.option(
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The workspace file that describes the SMS provider's fields.",
)
def webhook_parse(channel: str, file: BinaryIO, workspace: Path | None) -> None:
    """Read a recorded webhook body (FILE or standard input); print one JSON line an event."""
    # Imported here: it brings rooms along, and `--help` should be quick.
    from config.commands.webhooks_parse import parse_recorded

    for line in parse_recorded(channel, file.read(), workspace=workspace):
        click.echo(json.dumps(line, ensure_ascii=False))


async def _standing(workspace: str) -> Sequence[Mapping[str, Any]]:
    async with in_workspace(workspace, application="webhooks", read_only=True) as (_, tx):
        rows = await tx.fetch(*SQL["standing"](workspace=tx.workspace_id))
    return [dict(row) for row in rows]


async def _resume(workspace: str, name: str, *, given_up: bool) -> int:
    async with in_workspace(workspace, application="webhooks") as (_, tx):
        revived = await outgoing.resume(tx, name, also_given_up=given_up)
        await audit.note(
            tx,
            action="webhook.resumed",
            actor_kind="command",
            actor_id=None,
            subject=name,
            facts={"revived": revived},
        )
    return revived
