"""What is wrong with a flow that can be read, told so that its author can act."""

from dataclasses import dataclass
from enum import StrEnum

from handoff.triage.source import Path, dotted


class Level(StrEnum):
    """Whether a finding keeps the flow from being published."""

    BLOCKER = "blocker"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: where in the file, what is wrong, what to do."""

    level: Level
    at: Path
    message: str

    @property
    def path(self) -> str:
        """The place as people write it: `nodes.menu.options[2].text`."""
        return dotted(self.at)


def blocker(at: Path, message: str) -> Finding:
    """A finding that must be repaired before publishing."""
    return Finding(Level.BLOCKER, at, message)


def warning(at: Path, message: str) -> Finding:
    """A finding that should be looked at."""
    return Finding(Level.WARNING, at, message)
