"""`ivr-bridge explain`: why a call was decided as it was."""

import click

from config.commands.terminal import run, settings


@click.command()
@click.argument("workspace")
@click.argument("call_id")
@click.option("--line", default=None, help="Name or number; where several lines have such a call.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--numbers", is_flag=True, help="Show the caller's number whole (on record).")
def explain(
    workspace: str, call_id: str, line: str | None, *, as_json: bool, numbers: bool
) -> None:
    """Why the call CALL_ID (or the deflection d_…) of WORKSPACE was decided as it was."""
    # Imported here: it brings rooms along, and `--help` should be quick.
    from config.commands.explanation import explained, show

    told = run(explained(settings(), workspace, call_id, line, numbers=numbers))
    if as_json:
        click.echo(told.model_dump_json(indent=2))
    else:
        show(told)
