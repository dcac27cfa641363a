"""`ivr-bridge keys`: who may knock, from where, and for how long."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import click

from config.commands.terminal import SAY, in_workspace, run
from core.access.issuing import Issued, KeyWish, NewKey, all_keys, issue, revoke, rotate
from core.access.keys import Network

_SCOPES = ("ivr", "desk", "reports")


class _NetworkType(click.ParamType[Network]):
    """An address or a network in CIDR notation."""

    name = "cidr"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Network:
        try:
            return ip_network(value)
        except ValueError as wrong:
            self.fail(str(wrong), param, ctx)


@click.group()
def keys() -> None:
    """Issue keys for IVRs and other programs, replace them without a gap, take them back."""


@keys.command("issue")
@click.argument("workspace")
@click.option("--name", required=True, help="What it is for: `pbx-moscow`.")
@click.option("--line", "lines", multiple=True, help="Only this line (name or number); repeatable.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("ivr",),
    show_default=True,
    type=click.Choice(_SCOPES),
    help="What it opens; repeatable.",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    type=_NetworkType(),
    help="It works only from this network; repeatable.",
)
@click.option(
    "--hmac", "signs", is_flag=True, help="Requests are signed; the secret never travels."
)
@click.option(
    "--address-only",
    "by_address",
    is_flag=True,
    help="To come from one of the networks is enough: for platforms that can send no key.",
)
def keys_issue(workspace: str, **wished: Any) -> None:
    """Make a key for WORKSPACE. Its secret is shown now and never again."""
    made: NewKey = run(_issue(workspace, KeyWish(**wished)))
    _show(made)


@keys.command("rotate")
@click.argument("workspace")
@click.argument("name")
@click.option(
    "--keep",
    "hours",
    default=24.0,
    show_default=True,
    type=click.FloatRange(0, 24 * 90),
    help="Hours that the old key lives on.",
)
def keys_rotate(workspace: str, name: str, hours: float) -> None:
    """Make a new key like NAME of WORKSPACE. The old one lives on for a while, then dies by itself."""
    made: NewKey = run(_rotate(workspace, name, timedelta(hours=hours)))
    _show(made)


@keys.command("list")
@click.argument("workspace")
def keys_list(workspace: str) -> None:
    """Every key of WORKSPACE, one JSON line each; no secrets."""
    for key in run(_list(workspace)):
        click.echo(json.dumps(_described(key), ensure_ascii=False))


@keys.command("revoke")
@click.argument("workspace")
@click.argument("key")
def keys_revoke(workspace: str, key: str) -> None:
    """Take KEY (a name, or an id such as k_01J…) of WORKSPACE back, within two seconds everywhere."""
    for public_id, origin in run(_revoke(workspace, key)):
        click.echo(public_id)
        if origin == "file":
            SAY.print(
                f"{public_id} stands in the workspace file: put a new key there,"
                " `apply` refuses this one from now on."
            )


def _show(made: NewKey) -> None:
    """The secret alone on standard output, so that it can be piped; the rest beside it."""
    if made.secret is None:
        SAY.print("Requests from these networks need no key now.")
        click.echo(made.public_id)
        return
    if made.signs:
        SAY.print(f"X-IVR-Bridge-Key: {made.public_id}")
        SAY.print("Sign with this secret (docs/ivr/authentication.md):")
    else:
        SAY.print("Authorization: Bearer …, with this key:")
    click.echo(made.secret)


def _described(key: Issued) -> Mapping[str, Any]:
    kind = "address" if key.by_address else "hmac" if key.signs else "bearer"
    return {
        "id": key.public_id,
        "name": key.name,
        "kind": kind,
        "alive": key.alive,
        "from": key.origin,
        "scopes": list(key.scopes),
        "lines": list(key.lines),
        "networks": [str(network) for network in key.networks],
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


async def _issue(workspace: str, wish: KeyWish) -> NewKey:
    async with in_workspace(workspace, application="keys") as (opened, tx):
        return await issue(tx, opened.sealer, wish)


async def _rotate(workspace: str, name: str, keep: timedelta) -> NewKey:
    async with in_workspace(workspace, application="keys") as (opened, tx):
        return await rotate(tx, opened.sealer, name, keep=keep)


async def _list(workspace: str) -> Sequence[Issued]:
    async with in_workspace(workspace, application="keys", read_only=True) as (_, tx):
        return await all_keys(tx)


async def _revoke(workspace: str, key: str) -> Sequence[tuple[str, str]]:
    async with in_workspace(workspace, application="keys") as (_, tx):
        return await revoke(tx, key)
