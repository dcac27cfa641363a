"""FreeSWITCH's mod_xml_cdr: one document a call, read without what XML can do to its reader.

No document type is let in, and with it no entity of its own and nothing from elsewhere; a record has
none. What is left is elements and texts, of bounded depth and size (docs/decisions/0081).
"""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from ivr_bridge.cdr.layouts import from_json

_BEGIN, _END = "<?xml", "</cdr>"
_MOST_CHARACTERS = 4 * 1024 * 1024
"""A record has a few tens of thousands."""
_DEEPEST = 16

Part = dict[str, str]


class NotARecord(ValueError):
    """XML that no mod_xml_cdr writes."""


def starts_xml(line: str) -> bool:
    """Is this how a file of XML begins?"""
    return line.lstrip("\ufeff \t\r\n").startswith("<")


def xml_rows(lines: Iterator[str], before: int) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    """The records of a file that holds one, or several one after the other; each where it begins."""
    held: list[str] = []
    length, began = 0, before + 1
    for number, line in enumerate(lines, start=before + 1):
        if not held and not line.strip():
            continue
        if held and line.startswith(_BEGIN):
            # The one before was cut off: it does not take its neighbour with it.
            yield began, None
            held, length = [], 0
        if not held:
            began = number
        rest = line
        while (end := rest.find(_END)) >= 0:
            held.append(rest[: end + len(_END)])
            length += end
            yield began, _read("".join(held)) if length <= _MOST_CHARACTERS else None
            held, length, began, rest = [], 0, number, rest[end + len(_END) :]
        if rest.strip() or held:
            length += len(rest)
            # What is too long is not kept: only its end is looked for.
            held = [*held, rest] if length <= _MOST_CHARACTERS else [""]
    if held:
        yield began, None


def read_xml(text: str) -> dict[str, str]:
    """One record's fields, as those of mod_json_cdr, whose names and nesting are the same; raises
    NotARecord.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(text, True)
    except ExpatError as broken:
        raise NotARecord from broken
    return from_json({"variables": reader.variables, "callflow": reader.flows})


def _read(text: str) -> Mapping[str, str] | None:
    try:
        return read_xml(text)
    except NotARecord:
        return None


class _Reader:
    """Gathers the texts below `variables`, and each `callflow`'s profile and times."""

    def __init__(self) -> None:
        self.variables: Part = {}
        self.flows: list[dict[str, Part]] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self.parser: Any = ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        if not self._path and name != "cdr":
            raise NotARecord(f"<{name}> is not <cdr>")
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise NotARecord("nested too deeply")
        if self._path == ["cdr", "callflow"]:
            self.flows.append({"caller_profile": {}, "times": {}})
        self._text.clear()

    def _end(self, name: str) -> None:
        part = self._part()
        if part is not None:
            part[name] = "".join(self._text).strip()
        self._text.clear()
        self._path.pop()

    def _part(self) -> Part | None:
        match self._path:
            case ["cdr", "variables", _]:
                return self.variables
            case ["cdr", "callflow", "caller_profile" | "times" as name, _]:
                return self.flows[-1][name]
        return None


def _refuse(*_: object) -> None:
    raise NotARecord("a document type")
