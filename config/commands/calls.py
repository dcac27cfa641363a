"""`ivr-bridge calls`: the calls that the PBX knows of."""

import sys
from pathlib import Path
from typing import Any

import click

from config.commands.terminal import OUT, SAY, run, settings


@click.group()
def calls() -> None:
    """The calls of your PBX: the denominator of every share."""


@calls.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--workspace", required=True, help="Whose calls these are.")
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["auto", "asterisk", "freeswitch", "csv"]),
    default="auto",
    show_default=True,
    help="Which of the tables; FreeSWITCH's JSON and XML are known by themselves.",
)
@click.option("--line", default=None, help="All incoming calls of FILE are on this line.")
@click.option("--timezone", default=None, help="Of the PBX's clock; the workspace's by default.")
@click.option(
    "--map", "mapped", multiple=True, metavar="NAME=COLUMN", help="Which column says what."
)
@click.option("--encoding", default="auto", show_default=True, help="Of FILE's text.")
@click.option("--prefix", default="", help="What your IVR puts before the PBX's call id.")
@click.option("--make-ids", is_flag=True, help="Take records that carry no call id (see the docs).")
@click.option("--undo", is_flag=True, help="Take back what the same command brought without this.")
def calls_import(file: Path, wanted: str, mapped: tuple[str, ...], **asked: Any) -> None:
    """Take the calls of FILE, each once, however often it is imported.

    FILE is a table, FreeSWITCH's JSON or XML records, or a folder of its XML records.

    Exit status: 0 everything that is yours is there; 2 some records were skipped; 1 it broke off, and
    a second run goes on.
    """
    # Imported here: it brings rooms along, and `--help` should be quick.
    from config.commands.calls_import import Asked, Format, mapping, take

    told = Asked(file=file, wanted=Format(wanted), mapped=mapping(mapped), **asked)
    sys.exit(run(take(settings(), told, SAY, OUT)))
