"""A counted report as JSON for programs, CSV for anything, and a workbook for people."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter  # type: ignore[import-untyped]

from ivr_bridge.reports.report import Report
from ivr_bridge.reports.table import Unit, shown
from ivr_bridge.reports.words import Language


class Format(StrEnum):
    """How a report is written; the value is also the file's suffix."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def mime(self) -> str:
        """The media type."""
        return _MIMES[self]

    @property
    def charset(self) -> str | None:
        """Of text; a workbook has none."""
        return None if self is Format.XLSX else "utf-8"


_MIMES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for a formula, also after blanks that it skips."""


def written(report: Report, wanted: Format) -> bytes:
    """The report in this format."""
    match wanted:
        case Format.JSON:
            return _json(report)
        case Format.CSV:
            return _csv(report)
        case Format.XLSX:
            return _xlsx(report)


def _json(report: Report) -> bytes:
    table, day = report.table, report.provisional_from
    document: dict[str, Any] = {
        "report": report.name,
        "title": report.words.title,
        "from": shown(report.period.first),
        "to": shown(report.period.last),
        "timezone": report.period.zone.key,
        "group_by": list(report.group_by),
        "provisional_from": None if day is None else shown(day),
        "definition": report.words.definition,
        "columns": [
            {
                "name": column.name,
                "title": report.word(column.name).title,
                "unit": column.unit.value,
                "definition": report.word(column.name).definition,
            }
            for column in table.columns
        ],
        "rows": table.rows,
        "total": table.total,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=shown).encode()


def _csv(report: Report) -> bytes:
    """RFC 4180 with stable column names, and a mark by which Excel knows that it is UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    names = [column.name for column in report.table.columns]
    writer.writerow(names)
    for row in report.table.rows:
        writer.writerow([_csv_cell(row[name]) for name in names])
    return text.getvalue().encode("utf-8-sig")


def _csv_cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return disarmed(value)
        case list():
            return disarmed(reasons(value))
        case _:
            return shown(value)


def disarmed(text: str) -> str:
    """Text that a spreadsheet will show, not run."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def reasons(dropped: Sequence[Mapping[str, Any]]) -> str:
    """Reasons and how often, in one cell."""
    return "; ".join(f"{each['reason']} {each['count']}" for each in dropped)


def _xlsx(report: Report) -> bytes:
    """A workbook: typed cells under a header that stays in sight, and a sheet that says what they count."""
    into = io.BytesIO()
    # Everything in memory: a container's disk may be read-only. Text stays text, whatever it looks like.
    book = xlsxwriter.Workbook(
        into,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": report.words.title, "created": datetime(2000, 1, 1)})  # noqa: DTZ001 - the same rows, the same file
    looks = {
        Unit.DAY: book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
        Unit.TIME: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
        Unit.SHARE: book.add_format({"num_format": "0.0%"}),
        Unit.CALLS: book.add_format({"num_format": "#,##0"}),
        Unit.AMOUNT: book.add_format({"num_format": "#,##0.00"}),
    }
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(_TABS[report.language].rows)
    sheet.freeze_panes(1, 0)
    columns, zone = report.table.columns, report.period.zone
    for place, column in enumerate(columns):
        sheet.write_string(0, place, report.word(column.name).title, head)
        sheet.set_column(place, place, _WIDTHS.get(column.unit, 14))
    for line, row in enumerate(report.table.rows, start=1):
        for place, column in enumerate(columns):
            _put(sheet, line, place, row[column.name], looks.get(column.unit), zone)
    if report.table.rows:
        sheet.autofilter(0, 0, len(report.table.rows), len(columns) - 1)
    _explain(book.add_worksheet(_TABS[report.language].about), report, book)
    book.close()
    return into.getvalue()


def _put(sheet: Any, line: int, place: int, value: object, look: Any, zone: ZoneInfo) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(line, place, value)
        case int() | float():
            sheet.write_number(line, place, value, look)
        case datetime():
            # Excel's times know no zone: these are the workspace's, as the second sheet says.
            sheet.write_datetime(line, place, value.astimezone(zone).replace(tzinfo=None), look)
        case date():
            sheet.write_datetime(line, place, value, look)
        case list():
            sheet.write_string(line, place, reasons(value))
        case _:
            sheet.write_string(line, place, str(value))


def _explain(sheet: Any, report: Report, book: Any) -> None:
    words, tabs = report.words, _TABS[report.language]
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 100)
    day, period = report.provisional_from, report.period
    lines = [
        (words.title, words.definition),
        (tabs.period, f"{period.first} … {period.last}"),
        (tabs.timezone, period.zone.key),
        *([] if day is None else [(tabs.provisional, str(day))]),
        *((word.title, word.definition) for word in map(report.word, _names(report))),
    ]
    for number, (title, text) in enumerate(lines):
        sheet.write_string(number, 0, title, bold)
        sheet.write_string(number, 1, text, wrapped)


def _names(report: Report) -> Sequence[str]:
    return [column.name for column in report.table.columns]


_WIDTHS = {Unit.TEXT: 24, Unit.TIME: 20, Unit.REASONS: 60}


@dataclass(frozen=True, slots=True)
class _Tabs:
    """What the workbook itself says."""

    rows: str
    about: str
    period: str
    timezone: str
    provisional: str


_TABS = {
    Language.EN: _Tabs("Report", "What it counts", "Period", "Timezone", "Provisional from"),
    Language.RU: _Tabs("Отчёт", "Что считается", "Период", "Часовой пояс", "Предварительно с"),
}
