"""`ivr-bridge policy`: a line's rules, tried before they are lived by."""

from pathlib import Path
from typing import Any

import click

from config.commands.terminal import OUT, SAY, run, settings


@click.group()
def policy() -> None:
    """The rules by which callers are offered a messenger."""


@policy.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workspace", required=True, help="Whose recorded calls are decided again.")
@click.option("--from", "since", default=None, metavar="DAY", help="The first day; a week ago.")
@click.option("--to", "until", default=None, metavar="DAY", help="The last day, included; today.")
@click.option("--line", default=None, help="One line only, by its name.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def policy_replay(file: Path, **asked: Any) -> None:
    """Try the policy in FILE on recorded calls; shows what would have changed, changes nothing.

    FILE is a workspace file, or YAML with `policy:` for every line, or with a policy under the name of
    each line.
    """
    # Imported here: it brings rooms along, and `--help` should be quick.
    from config.commands.policy_replay import Asked, try_out

    run(try_out(settings(), Asked(file=file, **asked), SAY, OUT))
