"""What every report and its columns are called."""

from collections.abc import Mapping

from ivr_bridge.reports.words import MOVED, Language, Words
from ivr_bridge.reports.words_of_effect import NET_SHARE, REPEAT_CALLS, SAVINGS
from ivr_bridge.reports.words_of_trial import SHADOW

WORDS: Mapping[str, Mapping[Language, Words]] = {
    **MOVED,
    "net-share": NET_SHARE,
    "repeat-calls": REPEAT_CALLS,
    "savings": SAVINGS,
    "shadow": SHADOW,
}
