"""Keywords and patterns: one meaning each, reachable past the commands, and never slow."""

import importlib
import math
import re
from collections.abc import Iterator
from typing import Any

from handoff.triage.commands import command
from handoff.triage.findings import Finding, blocker, warning
from handoff.triage.flow import Flow, SlotNode
from handoff.triage.source import Path
from handoff.triage.words import even, pattern, phrase_pattern

# The standard library's own reading of a pattern; the alternative would be to parse it ourselves.
_PARSER: Any = importlib.import_module("re._parser")

MAX_OPEN_REPEATS = 3
"""A search through 200 characters with three open-ended repeats takes a quarter of a second at worst."""


def check_words(flow: Flow) -> Iterator[Finding]:
    """Everything found about what customers' words lead to."""
    yield from _keywords(flow)
    yield from _same(flow)
    for name, node in flow.nodes.items():
        if isinstance(node, SlotNode) and node.match is not None:
            yield from _pattern(("nodes", name, "match"), node.match)


def _keywords(flow: Flow) -> Iterator[Finding]:
    for key, keyword in flow.keywords.items():
        at = ("keywords", key)
        spoken = keyword.words.keys() | keyword.patterns.keys()
        if not any((*keyword.words.values(), *keyword.patterns.values())):
            yield blocker(at, "no words and no patterns: nobody will ever come here")
        for language in sorted(spoken - set(flow.languages)):
            yield warning(
                at, f"`{language}` is not among the flow's languages: its words are unused"
            )
        for language in flow.languages:
            if language not in spoken:
                yield warning(
                    at, f"no words in `{language}`: customers who write it will be missed"
                )
        for language, phrases in keyword.words.items():
            for index, phrase in enumerate(phrases):
                yield from _phrase((*at, "words", language, index), phrase)
        for language, patterns in keyword.patterns.items():
            for index, written in enumerate(patterns):
                yield from _pattern((*at, "patterns", language, index), written)


def _phrase(at: Path, phrase: str) -> Iterator[Finding]:
    if phrase_pattern(phrase) is None:
        yield blocker(at, f"`{phrase}` holds no word")
    elif asked := command(phrase):
        yield blocker(at, f"`{phrase}` already is the command `{asked.kind}`, which always wins")


def _same(flow: Flow) -> Iterator[Finding]:
    """Languages are searched together, so a phrase must be alone in all of them."""
    owners: dict[tuple[str, str], str] = {}
    for key, keyword in flow.keywords.items():
        for kind, spoken in (("words", keyword.words), ("patterns", keyword.patterns)):
            for language, phrases in spoken.items():
                for index, phrase in enumerate(phrases):
                    evened = " ".join(_evened(word) for word in phrase.split())
                    owner = owners.setdefault((kind, evened if kind == "words" else phrase), key)
                    if owner != key:
                        at = ("keywords", key, kind, language, index)
                        yield blocker(
                            at, f"`{phrase}` already leads to `{owner}`: keep one of them"
                        )


def _evened(word: str) -> str:
    return even(word.rstrip("*")) + ("*" if word.endswith("*") else "")


def _pattern(at: Path, written: str) -> Iterator[Finding]:
    try:
        pattern(written)
    except (re.error, OverflowError, RecursionError) as error:
        yield blocker(at, f"this is not a regular expression: {error}")
        return
    if open_repeats(written) > MAX_OPEN_REPEATS:
        yield blocker(
            at,
            "this pattern can take very long: use at most three of * and +, none inside another, "
            "and no alternatives under one",
        )
    if pattern(written).search(""):
        yield blocker(at, "this pattern also fits an empty text, so it fits everything")


def open_repeats(written: str) -> float:
    """How many open-ended repeats multiply when a pattern fails; infinite when they are nested."""
    return _weight(_PARSER.parse(written, re.IGNORECASE))


def _weight(parsed: Any) -> float:
    return sum(_operation(str(operation), argument) for operation, argument in parsed)


def _operation(operation: str, argument: Any) -> float:
    if operation.endswith("_REPEAT"):
        least, most, inner = argument
        weight = _weight(inner)
        if most is _PARSER.MAXREPEAT or most - least > MAX_OPEN_REPEATS**3:
            return math.inf if weight or _branches(inner) else 1.0
        return math.inf if _branches(inner) and most > MAX_OPEN_REPEATS else weight * most
    if operation == "BRANCH":
        return max(map(_weight, argument[1]))
    return sum(map(_weight, _inner(argument)))


def _branches(parsed: Any) -> bool:
    return any(
        str(operation) == "BRANCH" or any(map(_branches, _inner(argument)))
        for operation, argument in parsed
    )


def _inner(argument: Any) -> Iterator[Any]:
    if isinstance(argument, _PARSER.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for part in argument:
            yield from _inner(part)
