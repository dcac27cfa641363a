"""A counted report with everything that is needed to read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ivr_bridge.reports.lexicon import WORDS
from ivr_bridge.reports.periods import Period
from ivr_bridge.reports.table import Table
from ivr_bridge.reports.words import Language, Word, Words


@dataclass(frozen=True, slots=True)
class Report:
    """What is written down in some format."""

    name: str
    language: Language
    period: Period
    group_by: Sequence[str]
    provisional_from: date | None
    table: Table

    @property
    def words(self) -> Words:
        """Title and definitions."""
        return WORDS[self.name][self.language]

    @property
    def file(self) -> str:
        """A name for a download, without its suffix."""
        return f"{self.name}_{self.period.first}_{self.period.last}"

    def word(self, column: str) -> Word:
        """What a column is called, and what it counts."""
        return self.words.columns[column]
