"""What is written down can be read again, says the same, and runs nothing."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr_bridge.callers import without
from ivr_bridge.reports.api import METRICS
from ivr_bridge.reports.formats import Format, disarmed, written
from ivr_bridge.reports.lexicon import WORDS
from ivr_bridge.reports.periods import Period
from ivr_bridge.reports.report import Report
from ivr_bridge.reports.table import Column, Row, Table, Unit
from ivr_bridge.reports.words import Language, language_of

NS = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
AT = datetime(2026, 1, 10, 9, 30, 15, 250_999, tzinfo=UTC)
ROW: dict[str, Any] = {
    "deflection_id": "d_1",
    "at": AT,
    "line": "Toyshop, main",
    "call_id": '=HYPERLINK("https://example.com")',
    "outcome": "hangup",
    "reason": None,
    "hangup_confirmed": True,
    "late": False,
}
COLUMNS = (
    Column("deflection_id", Unit.TEXT),
    Column("at", Unit.TIME),
    Column("line", Unit.TEXT),
    Column("call_id", Unit.TEXT),
    Column("outcome", Unit.TEXT),
    Column("reason", Unit.TEXT),
    Column("hangup_confirmed", Unit.YES_NO),
    Column("late", Unit.YES_NO),
)


def report(
    name: str = "deflections",
    columns: Any = COLUMNS,
    rows: Any = (ROW,),
    language: Language = Language.EN,
) -> Report:
    days = Period(date(2026, 1, 10), date(2026, 1, 11), ZoneInfo("Europe/Moscow"))
    return Report(name, language, days, (), date(2026, 1, 11), Table(columns, list(rows), {}))


def share_report(**values: Any) -> Report:
    row: Row = {"day": date(2026, 1, 10), "eligible": 40, "share": 0.25, **values}
    columns = (Column("day", Unit.DAY), Column("eligible", Unit.CALLS), Column("share", Unit.SHARE))
    return report("voice-to-chat", columns, [row])


def csv_rows(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))


def parsed(book: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(book.read(name))


def sheet(body: bytes, number: int = 1) -> list[dict[str, tuple[str | None, str | None, str]]]:
    """Rows of cells: by column letter, the type, the style's number format and the value."""
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        assert book.testzip() is None
        page = parsed(book, f"xl/worksheets/sheet{number}.xml")
        texts = [
            "".join(item.itertext())
            for item in parsed(book, "xl/sharedStrings.xml").findall("x:si", NS)
        ]
        styles = parsed(book, "xl/styles.xml")
    formats = {
        each.get("numFmtId"): each.get("formatCode") for each in styles.findall(".//x:numFmt", NS)
    }
    looks = [each.get("numFmtId") for each in styles.findall("x:cellXfs/x:xf", NS)]
    rows = []
    for row in page.findall(".//x:row", NS):
        cells = {}
        for cell in row.findall("x:c", NS):
            assert cell.find("x:f", NS) is None, "a formula"
            value = cell.findtext("x:v", "", NS)
            kind = cell.get("t")
            style = looks[int(cell.get("s", "0"))]
            cells["".join(filter(str.isalpha, cell.get("r", "")))] = (
                kind,
                formats.get(style, style),
                texts[int(value)] if kind == "s" else value,
            )
        rows.append(cells)
    return rows


def test_json_says_times_in_utc_with_milliseconds():
    document = json.loads(written(report(), Format.JSON))
    [row] = document["rows"]
    assert row["at"] == "2026-01-10T09:30:15.250Z"
    assert row["call_id"] == ROW["call_id"], "a program gets it as it is"
    assert (row["reason"], row["hangup_confirmed"], row["late"]) == (None, True, False)
    assert (document["from"], document["to"]) == ("2026-01-10", "2026-01-11")
    assert document["provisional_from"] == "2026-01-11"
    assert document["timezone"] == "Europe/Moscow"


def test_csv_opens_again_with_the_same_cells():
    head, cells = csv_rows(written(report(), Format.CSV))
    assert head == [column.name for column in COLUMNS]
    assert cells == [
        "d_1",
        "2026-01-10T09:30:15.250Z",
        "Toyshop, main",
        "'" + ROW["call_id"],
        "hangup",
        "",
        "true",
        "false",
    ]


def test_csv_numbers_stay_numbers():
    assert csv_rows(written(share_report(), Format.CSV))[1] == ["2026-01-10", "40", "0.25"]
    assert csv_rows(written(share_report(share=None), Format.CSV))[1] == ["2026-01-10", "40", ""]
    # A negative number is no text: it needs no apostrophe.
    assert csv_rows(written(share_report(share=-0.5), Format.CSV))[1][2] == "-0.5"


def test_reasons_share_a_cell():
    columns = (Column("step", Unit.TEXT), Column("dropped", Unit.REASONS))
    rows = [
        {
            "step": "sent",
            "dropped": [{"reason": "late", "count": 4}, {"reason": "=1", "count": 1}],
        },
        {"step": "wrote", "dropped": [{"reason": "=1", "count": 1}]},
    ]
    body = written(report("deflection-funnel", columns, rows), Format.CSV)
    assert [cells[1] for cells in csv_rows(body)[1:]] == ["late 4; =1 1", "'=1 1"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_what_a_spreadsheet_would_run_is_disarmed(text):
    assert disarmed(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "ok", "1-2", "call=7", "'=1"])
def test_other_text_is_left_alone(text):
    assert disarmed(text) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))
def test_any_call_id_comes_back_from_csv(call_id):
    cells = csv_rows(written(report(rows=[{**ROW, "call_id": call_id}]), Format.CSV))[1]
    assert cells[3] == disarmed(call_id)
    assert not cells[3].lstrip(" ").startswith(("=", "+", "-", "@"))


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_call_id_makes_a_workbook_that_opens(call_id):
    rows = sheet(written(report(rows=[{**ROW, "call_id": call_id}]), Format.XLSX))
    assert len(rows) == 2


def test_a_workbook_has_typed_cells_under_a_header_that_stays():
    body = written(report(), Format.XLSX)
    head, cells = sheet(body)
    assert head["A"][2] == "Attempt"
    # Noon in Moscow is half past: 2026-01-10 12:30:15.25 is this many days after 1899-12-30.
    moment = datetime(2026, 1, 10, 12, 30, 15, 250_000, tzinfo=UTC)
    days = (moment - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)
    kind, look, value = cells["B"]
    assert (kind, look) == (None, "yyyy-mm-dd hh:mm:ss")
    assert float(value) == pytest.approx(days, abs=1e-7)
    assert cells["D"] == ("s", "0", ROW["call_id"])
    assert cells["G"][0] == "b"
    assert cells["G"][2] == "1"
    assert "F" not in cells
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        page = parsed(book, "xl/worksheets/sheet1.xml")
    pane = page.find(".//x:pane", NS)
    assert pane is not None
    assert (pane.get("state"), pane.get("ySplit"), pane.get("xSplit")) == ("frozen", "1", None)


def test_a_workbook_counts_and_shares():
    _, cells = sheet(written(share_report(), Format.XLSX))
    assert cells["A"][1:] == ("yyyy-mm-dd", "46032")
    assert cells["B"] == (None, "#,##0", "40")
    assert cells["C"] == (None, "0.0%", "0.25")


def test_a_workbook_explains_itself_in_its_language():
    russian = report("voice-to-chat", (Column("share", Unit.SHARE),), [], Language.RU)
    said = [row["A"][2] for row in sheet(written(russian, Format.XLSX), 2)]
    assert said == ["Из звонка в чат", "Период", "Часовой пояс", "Предварительно с", "Доля"]


def test_every_report_has_words_for_its_columns_in_every_language():
    assert WORDS.keys() == METRICS.keys()
    for by_language in WORDS.values():
        assert set(by_language) == set(Language)
        english, russian = by_language[Language.EN], by_language[Language.RU]
        assert list(english.columns) == list(russian.columns)
        for words in by_language.values():
            assert words.title
            assert words.definition
            assert all(each.title and each.definition for each in words.columns.values())


@pytest.mark.parametrize(
    ("accepted", "own", "expected"),
    [
        ("", ["ru", "en"], "ru"),
        ("", ["de"], "en"),
        ("", [], "en"),
        ("en", ["ru"], "en"),
        ("ru-RU,ru;q=0.9,en;q=0.8", ["en"], "ru"),
        ("de, en;q=0.3, ru;q=0.9", ["en"], "ru"),
        ("en;q=0", ["ru"], "ru"),
        ("fr", ["ru"], "ru"),
        ("*", ["ru"], "ru"),
        ("en;q=nonsense", ["ru"], "ru"),
        (";;;,,,", ["ru"], "ru"),
    ],
)
def test_the_language_is_the_readers_then_the_workspaces_then_english(accepted, own, expected):
    assert language_of(accepted, own) == expected


@pytest.mark.parametrize(
    ("call_id", "expected"),
    [
        ("pbx-1759", "pbx-1759"),
        ("79161234567-1759.3", "+79…67-1759.3"),
        ("sip:+79161234567@pbx", "sip:+79…67@pbx"),
        ("89161234567", "+79…67"),
        ("1234567", "+79…67"),
        ("234567", "234567"),
    ],
)
def test_a_call_id_made_of_the_callers_number_is_masked(call_id, expected):
    assert without(call_id, "+79161234567") == expected
    assert without(call_id, None) == call_id
