"""What reports answer over HTTP, how mistakes are answered, and how much is too much."""

import asyncio
import csv
import io
import zipfile

import aiohttp
import asyncpg
import pytest

from core.postgres import open_database
from ivr_bridge.lines import Lines
from ivr_bridge.reports import api
from ivr_bridge.reports.api import REPORTS
from tests.ivr_bridge.reports.conftest import DAY, NAMES


async def test_the_page_gets_what_the_contract_says(service, manager):
    report = await service.json(
        f"/v1/reports/voice-to-chat?{DAY}&group_by=day,line&language=en", cookie=manager
    )
    assert list(report) == [
        *("report", "title", "from", "to", "timezone", "group_by", "provisional_from"),
        *("definition", "columns", "rows", "total"),
    ]
    assert report["group_by"] == ["day", "line"]
    assert report["provisional_from"] == "2026-01-10"
    assert [column["name"] for column in report["columns"]] == list(report["rows"][0])
    assert all(column["definition"] for column in report["columns"])
    assert report["rows"] == [
        {
            "day": "2026-01-10",
            "line": "Main",
            "eligible": 1,
            "deflected": 1,
            "deflected_30min": 1,
            "unconfirmed": 0,
            "hung_up_silent": 0,
            "share": 1.0,
        },
        {
            "day": "2026-01-10",
            "line": "Spare",
            "eligible": 1,
            "deflected": 0,
            "deflected_30min": 0,
            "unconfirmed": 0,
            "hung_up_silent": 0,
            "share": 0.0,
        },
    ]
    assert report["total"]["share"] == 0.5


async def test_the_funnel_and_the_rows(service, manager):
    funnel = await service.json(f"/v1/reports/deflection-funnel?{DAY}", cookie=manager)
    assert [row["step"] for row in funnel["rows"]] == (
        [
            "entered",
            "eligible",
            "offered",
            "accepted",
            "sent",
            "delivered",
            "hung_up",
            "wrote",
            "answered",
            "closed",
        ]
    )
    assert funnel["rows"][4]["dropped"] == [{"reason": "channel_quota", "count": 1}]
    rows = (await service.json(f"/v1/reports/deflections?{DAY}", cookie=manager))["rows"]
    assert [row["counts_as"] for row in rows] == ["deflected", "continue"]
    assert list(rows[0])[:12] == [
        *("deflection_id", "at", "line", "call_id", "outcome", "reason", "channel", "delivery"),
        *("first_message_at", "hangup_confirmed", "late", "rescued"),
    ]
    assert rows[0]["deflection_id"].startswith("d_")
    assert rows[0]["first_message_at"] == "2026-01-10T09:01:00.000Z"


@pytest.mark.parametrize("line", ["main", "Main", "%2B78002500001", "88002500001"])
async def test_a_line_is_known_by_name_title_and_number(service, manager, line):
    rows = (await service.json(f"/v1/reports/deflections?{DAY}&line={line}", cookie=manager))[
        "rows"
    ]
    assert [row["line"] for row in rows] == ["Main"]


async def test_lines_of_one_title_are_told_apart(service, past, manager, database):
    async with database.workspace(past.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.line SET title = 'Shop'")
    path = f"/v1/reports/voice-to-chat?{DAY}&group_by=line"
    rows = (await service.json(path, cookie=manager))["rows"]
    assert [row["line"] for row in rows] == ["Shop (main)", "Shop (spare)"]
    rows = (await service.json(path + "&line=Shop%20(spare)", cookie=manager))["rows"]
    assert [row["line"] for row in rows] == ["Shop (spare)"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("from=soon&to=2026-01-10", "from"),
        ("from=2026-01-11&to=2026-01-10", "from"),
        ("from=2024-01-01&to=2026-01-10", "to"),
        (f"{DAY}&group_by=month", "group_by"),
        (f"{DAY}&group_by=line,day", "group_by"),
        (f"{DAY}&group_by=day,day", "group_by"),
        (f"{DAY}&format=pdf", "format"),
        (f"{DAY}&language=de", "language"),
        (f"{DAY}&line=unknown", "line"),
        (f"{DAY}&line=%00", "line"),
    ],
)
async def test_a_mistake_is_named_with_what_to_change(service, manager, query, path):
    refusal = await service.refused(f"/v1/reports/voice-to-chat?{query}", cookie=manager)
    assert refusal["status"] == 400
    assert refusal["trace_id"]
    [error] = refusal["errors"]
    assert error["path"] == path
    assert error["message"]


@pytest.mark.parametrize("name", ["deflection-funnel", "deflections"])
async def test_a_report_without_groups_takes_none(service, manager, name):
    refusal = await service.refused(f"/v1/reports/{name}?{DAY}&group_by=day", cookie=manager)
    assert (refusal["status"], refusal["errors"][0]["path"]) == (400, "group_by")


async def test_an_unknown_report_is_not_found(service, manager):
    refusal = await service.refused(f"/v1/reports/horoscope?{DAY}", cookie=manager)
    assert (refusal["status"], refusal["code"]) == (404, "report_unknown")


async def test_unasked_it_is_the_last_week_by_day(service, manager):
    report = await service.json("/v1/reports/voice-to-chat", cookie=manager)
    assert (report["from"], report["to"]) == ("2026-01-04", "2026-01-10")
    assert report["group_by"] == ["day"]
    assert len(report["rows"]) == 7


@pytest.mark.parametrize(
    ("query", "header", "title"),
    [
        ("", "", "Из звонка в чат"),
        ("", "en-GB,en;q=0.9", "Voice to chat"),
        ("&language=en", "ru", "Voice to chat"),
        ("&language=ru", "en", "Из звонка в чат"),
    ],
)
async def test_definitions_come_in_the_readers_language(service, manager, query, header, title):
    answer = await service.get(
        f"/v1/reports/voice-to-chat?{DAY}{query}", cookie=manager, Accept_Language=header
    )
    assert (await answer.json())["title"] == title
    assert answer.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize("name", NAMES)
async def test_files_have_a_name_and_open(service, manager, name):
    path = f"/v1/reports/{name}?{DAY}"
    columns = (await service.json(path, cookie=manager))["columns"]
    answer = await service.get(f"{path}&format=csv", cookie=manager)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{name}_2026-01-10_2026-01-10.csv"'
    )
    text = (await answer.read()).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert list(rows[0]) == [column["name"] for column in columns]
    answer = await service.get(f"{path}&format=xlsx", cookie=manager)
    assert answer.headers["Content-Type"] == (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as book:
        assert book.testzip() is None
    assert "Content-Disposition" not in (await service.get(path, cookie=manager)).headers
    assert "no-store" in answer.headers["Cache-Control"]


async def test_the_page_may_ask_everything_at_once(service, manager):
    answers = await asyncio.gather(
        *(service.get(f"/v1/reports/{name}?{DAY}", cookie=manager) for name in NAMES * 4)
    )
    assert {answer.status for answer in answers} == {200}


async def test_questions_wait_for_each_other_not_for_connections(
    service, manager, database_url, clock
):
    """Two connections, both counting for longer than a connection is waited for."""

    def ask(names: list[str]) -> list[asyncio.Task[aiohttp.ClientResponse]]:
        paths = [f"/v1/reports/{name}?{DAY}" for name in names]
        return [asyncio.create_task(service.get(path, cookie=manager)) for path in paths]

    owner = await asyncpg.connect(database_url)
    async with open_database(
        database_url, application="test", size=2, acquire_timeout_s=0.2
    ) as narrow:
        reports = service.app[REPORTS]
        reports.database, reports._lines = narrow, Lines(narrow)
        async with owner.transaction():
            await owner.execute("LOCK TABLE ivr_bridge.eligibility")
            first = ask(NAMES[:2])
            assert not (await asyncio.wait(first, timeout=0.5))[0], "the lock is held"
            reports._lines = Lines(narrow)  # what it knew of lines is too old by now
            others = ask(NAMES)
            assert not (await asyncio.wait(others, timeout=1))[0], "they wait for their turn"
        answers = await asyncio.gather(*first, *others)
    await owner.close()
    assert [answer.status for answer in answers] == [200] * 5


async def test_no_more_are_counted_at_a_time_than_allowed(service, manager, monkeypatch):
    monkeypatch.setattr(api, "WAITS_S", 0.2)
    path = f"/v1/reports/voice-to-chat?{DAY}"
    reports = service.app[REPORTS]
    async with reports._turn(), reports._turn():
        refusal = await service.refused(path, cookie=manager)
        assert (refusal["status"], refusal["code"]) == (503, "overloaded")
    assert (await service.get(path, cookie=manager)).status == 200


async def test_what_takes_too_long_says_how_to_ask_for_less(
    service, manager, past, database_url, clock
):
    """The owner holds a table for longer than a count may take."""
    path = f"/v1/reports/voice-to-chat?{DAY}"
    owner = await asyncpg.connect(database_url)
    async with open_database(
        database_url, application="test", size=1, command_timeout_s=0.5
    ) as hurried:
        service.app[REPORTS].database = hurried
        async with owner.transaction():
            await owner.execute("LOCK TABLE ivr_bridge.eligibility")
            refusal = await service.refused(path, cookie=manager)
        assert (refusal["status"], refusal["code"]) == (400, "report_too_long")
        assert (await service.get(path, cookie=manager)).status == 200, "nothing is left locked"
    await owner.close()


async def test_more_rows_than_a_report_holds_are_refused(service, manager, monkeypatch):
    monkeypatch.setattr("ivr_bridge.reports.deflections.MOST_ROWS", 1)
    refusal = await service.refused(f"/v1/reports/deflections?{DAY}", cookie=manager)
    assert (refusal["status"], refusal["code"]) == (400, "report_too_long")
    one = await service.json(f"/v1/reports/deflections?{DAY}&line=main", cookie=manager)
    assert len(one["rows"]) == 1
