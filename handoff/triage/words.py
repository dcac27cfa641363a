"""Customers' words made comparable: spelling evened out, phrases and patterns found, cards seen."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

MAX_READ = 1000
"""Longer input is read only so far."""

MAX_LINE = 200
"""How much of a line a pattern sees: patterns come from people, and a pattern may be slow."""

_MARKS = re.compile("[\u0640\u064b-\u0652\u200b-\u200f\ufe0f]")
_WORD = re.compile(r"\w+")
_CARD = re.compile(r"(?<!\d)[2-6](?:[ -]?\d){14,18}(?!\d)")


def even(text: str) -> str:
    """One spelling: no case, no ё, no Arabic vowel marks, no punctuation; lines stay lines."""
    plain = unicodedata.normalize("NFKC", text[:MAX_READ]).casefold().replace("ё", "е")
    plain = _MARKS.sub("", plain)
    return "\n".join(" ".join(_WORD.findall(line)) for line in plain.splitlines())


def lines(text: str) -> Iterator[str]:
    """The evened lines that say anything."""
    return (line for line in even(text).split("\n") if line)


@lru_cache(maxsize=4096)
def phrase_pattern(phrase: str) -> re.Pattern[str] | None:
    """A finder for words side by side, where `достав*` is any ending; None for a phrase of nothing."""
    words = []
    for word in phrase.split():
        stem = even(word.rstrip("*")).replace("\n", " ")
        if stem:
            words.append(re.escape(stem) + (r"\w*" if word.endswith("*") else ""))
    return re.compile(rf"(?<!\w){' '.join(words)}(?!\w)") if words else None


@lru_cache(maxsize=4096)
def pattern(written: str) -> re.Pattern[str]:
    """A flow's own regular expression; raises `re.error` when it is none."""
    return re.compile(written, re.IGNORECASE)


def phrase_length(phrase: str, evened: str) -> int:
    """How many letters of the text the phrase covers; 0 when it is not there."""
    finder = phrase_pattern(phrase)
    found = finder.search(evened) if finder else None
    return len(found[0]) if found else 0


def pattern_length(written: str, text: str) -> int:
    """How many letters the pattern covers in the line that suits it best; 0 when it is not there."""
    found = (pattern(written).search(line[:MAX_LINE]) for line in text[:MAX_READ].splitlines())
    return max((len(match[0]) for match in found if match), default=0)


def extracted(written: str, text: str) -> str | None:
    """What the pattern takes from the first line that suits it: its first group, or all of it."""
    for line in text[:MAX_READ].splitlines():
        if found := pattern(written).search(line.strip()[:MAX_LINE]):
            return (found[1] or "") if found.re.groups else found[0]
    return None


def holds_card(text: str) -> bool:
    """Whether a payment card's number seems to stand in the text (15 to 19 digits, Luhn)."""
    return any(_luhn(re.sub(r"\D", "", found[0])) for found in _CARD.finditer(text[:MAX_READ]))


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)  # noqa: PLR2004 - the two digits of a doubled one, added up
    return total % 10 == 0
