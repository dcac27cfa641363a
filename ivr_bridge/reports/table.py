"""A report as JSON, CSV or XLSX."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from ivr_bridge.reports.definitions import Column, Definition
from ivr_bridge.reports.period import Period

Row = Mapping[str, Any]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Report:
    """Rows with everything that explains them."""

    definition: Definition
    period: Period
    group_by: Sequence[str]
    provisional_from: date | None
    rows: Sequence[Row]
    total: Row | None

    @property
    def columns(self) -> list[Column]:
        """Those that the rows have."""
        hidden = self.definition.groups - set(self.group_by)
        return [column for column in self.definition.columns if column.name not in hidden]

    @property
    def file_name(self) -> str:
        """What a download is called, without its ending."""
        return f"{self.definition.name}-{self.period.first}-{self.period.last}"


def as_json(report: Report) -> bytes:
    """The report for a page."""
    document = {
        "report": report.definition.name,
        "title": report.definition.title,
        "from": report.period.first,
        "to": report.period.last,
        "timezone": report.period.zone.key,
        "group_by": list(report.group_by),
        "provisional_from": report.provisional_from,
        "definition": report.definition.text,
        "columns": [asdict(column) for column in report.columns],
        "rows": list(report.rows),
        "total": report.total,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()


def as_csv(report: Report) -> bytes:
    """The rows for a spreadsheet, marked as UTF-8 for those that would guess."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [column.name for column in report.columns]
    writer.writerow(names)
    for row in report.rows:
        writer.writerow([_cell(row.get(name)) for name in names])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(report: Report) -> bytes:
    """The rows as a workbook, what they mean on a second sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"in_memory": True, "constant_memory": True, "strings_to_formulas": False,
                 "strings_to_urls": False}
    ) as book:  # fmt: skip
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Report")
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(report.columns):
            sheet.write_string(0, place, column.title, bold)
        for line, row in enumerate(report.rows, start=1):
            for place, column in enumerate(report.columns):
                _write(sheet, line, place, row.get(column.name))
        about = book.add_worksheet("About")
        told = [
            (report.definition.title, report.definition.text),
            ("Period", f"{report.period.first} to {report.period.last}, {report.period.zone.key}"),
            ("Provisional from", str(report.provisional_from or "")),
            *((column.title, column.definition or "") for column in report.columns),
        ]
        for line, (name, meaning) in enumerate(told):
            about.write_string(line, 0, name, bold)
            about.write_string(line, 1, meaning)
    return buffer.getvalue()


def _write(sheet: Any, line: int, place: int, value: object) -> None:
    if isinstance(value, bool) or value is None:
        sheet.write_string(line, place, _text(value))
    elif isinstance(value, int | float):
        sheet.write_number(line, place, value)
    else:
        sheet.write_string(line, place, _text(value))


def _cell(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = _text(value)
    # A spreadsheet runs what looks like a formula; a call id may look like anything.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(f"{each['reason']} {each['count']}" for each in value)
    plain = _plain(value)
    return plain if isinstance(plain, str) else str(plain)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
