"""The words of a step."""

from handoff.triage.state import (
    Step,
)


def said(played: Step) -> str:
    return "\n".join(say.text for say in played.says)
