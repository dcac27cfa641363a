"""A file of records read from the front, whatever its size: its encoding, its delimiter, its rows."""

import codecs
import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.faults import Invalid
from ivr_bridge.cdr.layouts import Format, FormatUnknown, layout_of, read_json
from ivr_bridge.cdr.xml import starts_xml, xml_rows

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_DELIMITERS = ",;\t|"
_GZIP = b"\x1f\x8b"


class EncodingUnknown(Invalid, code="encoding_unknown"):
    """There is no such encoding."""


class FolderEmpty(Invalid, code="folder_empty"):
    """A folder of FreeSWITCH's XML records holds a file with the ending .xml for each call."""


def _as_cp1251(error: UnicodeError) -> tuple[str, int]:
    """Old PBXs write names of callers as Windows does; what is no UTF-8 is taken for that."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1251", "replace"), error.end


codecs.register_error("cp1251", _as_cp1251)


@dataclass(slots=True)
class Source:
    """An open file: what it is, and how far it has been read."""

    raw: io.BufferedReader
    size: int
    encoding: str
    wanted: Format = Format.AUTO
    mapped: Mapping[str, str] = field(default_factory=dict)
    title: str = ""

    @property
    def position(self) -> int:
        """Bytes read so far, of `size`."""
        return self.raw.tell()

    def places(self, numbers: Sequence[int]) -> str:
        """Where these records stand."""
        return f"line {', '.join(map(str, numbers))}"

    def rows(self) -> Iterator[tuple[int, Mapping[str, str] | None]]:
        """Each record's line number and fields; None for what is no record. Raises FormatUnknown."""
        with self._text() as text:
            first = _first_line(text)
            if first is None:
                return
            before, line = first
            if line.lstrip().startswith("{"):
                self.title = "FreeSWITCH's JSON records"
                yield from _json_rows(line, text, before)
            elif starts_xml(line):
                self.title = "FreeSWITCH's XML records"
                yield from xml_rows(_again(line, text), before)
            else:
                yield from self._csv_rows(line, text, before)

    def _csv_rows(
        self, first: str, text: io.TextIOBase, before: int
    ) -> Iterator[tuple[int, Mapping[str, str] | None]]:
        reader = csv.reader(_again(first, text), delimiter=_delimiter(first))
        try:
            head = next(reader)
        except csv.Error as broken:
            raise FormatUnknown from broken
        layout = layout_of(head, self.wanted, self.mapped)
        self.title = layout.title
        if not layout.header:
            yield before + 1, layout.fields(head)
        while True:
            number = before + reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield number, None
                continue
            if row:
                yield number, layout.fields(row) if len(row) > 1 else None

    def _starts_with(self) -> bytes:
        head = self.raw.read(2)
        self.raw.seek(0)
        return head

    @contextmanager
    def _text(self) -> Iterator[io.TextIOBase]:
        stream: io.BufferedReader | gzip.GzipFile = self.raw
        if self._starts_with() == _GZIP:
            stream = gzip.GzipFile(fileobj=self.raw)
        head = stream.read(4)
        stream.seek(0)
        encoding, errors = self.encoding, "replace"
        if encoding == "auto":
            found = next((name for bom, name in _BOMS if head.startswith(bom)), None)
            encoding, errors = found or "utf-8", "cp1251" if found is None else "replace"
        text = io.TextIOWrapper(stream, encoding, errors, newline="")
        try:
            yield text
        finally:
            text.detach()


@dataclass(slots=True)
class Folder:
    """A folder of FreeSWITCH's XML records, a file for each call, as mod_xml_cdr leaves them."""

    files: Sequence[Path]
    size: int
    encoding: str
    title: str = "FreeSWITCH's XML records"
    position: int = 0

    def places(self, numbers: Sequence[int]) -> str:
        """Where these records stand."""
        return f"file {', '.join(self.files[number - 1].name for number in numbers)}"

    def rows(self) -> Iterator[tuple[int, Mapping[str, str] | None]]:
        """Each record's fields, and which of the files it is from; None for what is no record."""
        for number, path in enumerate(self.files, start=1):
            with opened_file(path, encoding=self.encoding) as source:
                try:
                    yield from ((number, fields) for _, fields in source.rows())
                except FormatUnknown:
                    yield number, None
                self.position += source.size


Records = Source | Folder


@contextmanager
def opened(
    path: Path,
    *,
    encoding: str = "auto",
    wanted: Format = Format.AUTO,
    mapped: Mapping[str, str] | None = None,
) -> Iterator[Records]:
    """The file, or every XML record in the folder; closed at the end. Raises EncodingUnknown."""
    if not path.is_dir():
        with opened_file(path, encoding=encoding, wanted=wanted, mapped=mapped) as source:
            yield source
        return
    files = sorted(path.glob("*.xml"))
    if not files:
        raise FolderEmpty(f"{path}: there is no *.xml in this folder.")
    yield Folder(files, sum(file.stat().st_size for file in files), encoding)


@contextmanager
def opened_file(
    path: Path,
    *,
    encoding: str = "auto",
    wanted: Format = Format.AUTO,
    mapped: Mapping[str, str] | None = None,
) -> Iterator[Source]:
    """The file, closed at the end; raises EncodingUnknown."""
    if encoding != "auto":
        try:
            codecs.lookup(encoding)
        except LookupError as unknown:
            raise EncodingUnknown(f"{encoding}: there is no such encoding.") from unknown
    with path.open("rb") as raw:
        yield Source(raw, path.stat().st_size, encoding, wanted, mapped or {})


def _first_line(text: io.TextIOBase) -> tuple[int, str] | None:
    """The first line that is not blank, and how many stood before it."""
    for before, line in enumerate(iter(text.readline, "")):
        if line.strip():
            return before, line
    return None


def _again(first: str, rest: io.TextIOBase) -> Iterator[str]:
    yield first
    yield from rest


def _delimiter(line: str) -> str:
    """What cuts the first line into the most columns."""
    return max(_DELIMITERS, key=lambda each: len(next(csv.reader([line], delimiter=each), [])))


def _json_rows(
    first: str, rest: io.TextIOBase, before: int
) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    for number, line in enumerate(_again(first, rest), start=before + 1):
        if not line.strip():
            continue
        try:
            yield number, read_json(line)
        except (ValueError, TypeError, RecursionError):
            yield number, None
