"""Flows checked and tried from a terminal, before a customer meets them."""

from collections.abc import Callable
from pathlib import Path

from config.workspaces.reading import FileRefused
from handoff.triage.trial import Trial, check_file, shown

Say = Callable[[str], None]


def check(file: Path, say: Say) -> bool:
    """Print what was found; True when nothing keeps the flow from customers."""
    report = check_file(file)
    for line in report.lines():
        say(line)
    if report.publishable:
        say(f"{file}: may be published, {report.tests} tests passed")
    return report.publishable


def talk(file: Path, language: str, *, read: Callable[[], str], say: Say) -> None:
    """Play the flow by hand until it ends or an empty line; FileRefused when it cannot be read."""
    report = check_file(file)
    if report.flow is None:
        raise FileRefused("\n".join(report.lines()))
    trial = Trial(report.flow, language=language)
    say("The opening was sent. You are the customer: write, `#1` taps, `!image` sends a picture.")
    while not trial.over and (line := read().strip()):
        for shown_line in shown(trial.do(line)):
            say(shown_line)
