"""`ivr-bridge flow`: triage flows checked and tried, before a customer meets them."""

import sys
from pathlib import Path

import click

# What needs the rooms imports them when it runs: `--help` should be quick.


@click.group()
def flow() -> None:
    """Check and try triage flows."""


@flow.command("check")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
def flow_check(file: Path) -> None:
    """Say whether FILE may be published; exit status 1 when it may not."""
    from handoff.triage.trial import check_file

    report = check_file(file)
    for line in report.lines():
        click.echo(line)
    if not report.publishable:
        sys.exit(1)
    click.echo(f"{file}: may be published, {report.tests} tests passed")


@flow.command("try")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--language", default="", help="The customer's language.")
def flow_try(file: Path, language: str) -> None:
    """Chat with FILE: words, `#2` to tap an option, `!image` to send something; empty line to end."""
    from config.workspaces.reading import FileRefused
    from handoff.triage.trial import Trial, check_file, shown

    report = check_file(file)
    if report.flow is None:
        raise FileRefused("\n".join(report.lines()))
    trial = Trial(report.flow, language=language)
    click.echo(
        "The opening was sent. You are the customer: write, `#1` taps, `!image` sends a picture."
    )
    while not trial.over and (line := _said()):
        for shown_line in shown(trial.do(line)):
            click.echo(shown_line)


def _said() -> str:
    said: str = click.prompt("", default="", show_default=False, prompt_suffix="> ")
    return said.strip()
