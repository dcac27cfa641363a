"""What every report and its columns are called."""

from collections.abc import Mapping

from ivr_bridge.reports.words import MOVED, Language, Words
from ivr_bridge.reports.words_of_trial import SHADOW

WORDS: Mapping[str, Mapping[Language, Words]] = {**MOVED, "shadow": SHADOW}
