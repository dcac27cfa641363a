"""Files as PBXs write them become calls, whatever their columns, delimiters and encodings."""

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from core.faults import Invalid
from ivr_bridge.cdr.files import opened
from ivr_bridge.cdr.hours import ZoneDoubtful
from ivr_bridge.cdr.layouts import FormatUnknown
from ivr_bridge.cdr.record import Skip
from ivr_bridge.cdr.taking import Tally
from ivr_bridge.events import LineUnknown
from tests.ivr_bridge.cdr.conftest import FILES


def at(clock: str) -> datetime:
    """Of the fifth of October, by a clock three hours behind Moscow's."""
    return datetime.fromisoformat(f"2026-10-05T{clock}+00:00")


@pytest.fixture
def calls(database, workspace_id):
    async def read():
        async with database.workspace(workspace_id) as tx:
            rows = await tx.fetch(
                "SELECT call_id, caller, entered_at, answered_at, ended_at, first_seen_at"
                "  FROM ivr_bridge.call ORDER BY entered_at, call_id"
            )
        assert all(row["first_seen_at"] == row["entered_at"] for row in rows)
        return {row["call_id"]: tuple(row.values())[1:5] for row in rows}

    return read


def skipped(tally: Tally) -> dict[str, tuple[int, list[int]]]:
    return {why.value: (passed.count, passed.lines) for why, passed in tally.skipped.items()}


async def test_asterisks_master_csv(take, calls):
    tally = await take("asterisk-master.csv")
    assert (tally.read, tally.taken, tally.known) == (7, 5, 0)
    assert skipped(tally) == {"outgoing": (1, [5]), "line_unknown": (1, [7])}
    assert await calls() == {
        "1791190800.10": ("+79005550101", at("09:00:00"), None, at("09:00:41")),
        # A person had this call until its end; when they took it, the record does not tell.
        "1791190830.11": ("+79005550102", at("09:00:30"), at("09:04:30"), at("09:04:30")),
        # Two records of one call, the second without its line: nobody answered.
        "1791190900.12": ("+79005550103", at("09:01:40"), None, at("09:03:40")),
        "1791191160.16": (None, at("09:06:00"), None, at("09:06:20")),
    }


async def test_a_second_run_takes_nothing(take, calls):
    await take("asterisk-master.csv")
    before = await calls()
    tally = await take("asterisk-master.csv")
    assert (tally.taken, tally.known) == (0, 5)
    assert await calls() == before


async def test_without_ids_asterisks_file_says_so(take, calls):
    tally = await take("asterisk-without-uniqueid.csv")
    assert skipped(tally) == {"no_id": (2, [1, 2])}
    assert (await take("asterisk-without-uniqueid.csv", make_ids=True)).taken == 2
    assert (await take("asterisk-without-uniqueid.csv", make_ids=True)).known == 2
    assert [call[2] is not None for call in (await calls()).values()] == [False, True]


@pytest.mark.parametrize("name", ["asterisk-newer-columns.csv", "asterisk-cdr-table.csv"])
async def test_the_agents_leg_is_no_call_of_its_own(take, calls, name):
    tally = await take(name)
    assert tally.skipped[Skip.OTHER_LEG].count == 1
    first = (await calls())["1791190800.10"]
    assert first == ("+79005550101", at("09:00:00"), at("09:02:00"), at("09:02:00"))


async def test_freeswitchs_csv(take, calls):
    tally = await take("freeswitch-cdr.csv")
    assert skipped(tally) == {"outgoing": (1, [4])}
    answered = [row[2] for row in (await calls()).values()]
    assert answered == [None, at("09:04:30"), None]


async def test_freeswitchs_json_tells_when_the_call_was_bridged(take, calls):
    tally = await take("freeswitch-cdr.jsonl")
    assert skipped(tally) == {"unreadable": (1, [3]), "outgoing": (1, [4])}
    assert list((await calls()).values()) == [
        ("+79005550101", at("09:00:00"), None, at("09:00:41")),
        ("+79005550102", at("09:00:30"), at("09:01:30"), at("09:04:30")),
    ]


MENU, PERSON, AGENTS_LEG, CUT = (f"6f1b7d52-3a41-4a37-9d6e-0a1f0c6f2b0{n}" for n in (1, 2, 3, 4))
XML = FILES / "freeswitch-xml"


async def test_a_folder_of_freeswitchs_xml_records(take, calls):
    tally = await take("freeswitch-xml")
    # The files in the order of their names: a_… 1, 2, 4, then b_… 3.
    assert skipped(tally) == {"unreadable": (1, [3]), "outgoing": (1, [4])}
    assert await calls() == {
        MENU: ("+79005550101", at("09:00:00"), None, at("09:00:41")),
        # Transferred from the menu to the queue: the moment is the bridge's, not the menu's answer.
        PERSON: ("+79005550102", at("09:00:30"), at("09:01:30"), at("09:04:30")),
    }
    with opened(XML) as source:
        assert source.places([3, 4]) == f"file a_{CUT}.cdr.xml, b_{AGENTS_LEG}.cdr.xml"
    assert (await take("freeswitch-xml")).known == 2


async def test_xml_records_in_one_file(take, calls):
    """As `cat` puts them together, and as a single line."""
    menu, cut, person = ((XML / f"a_{each}.cdr.xml").read_text() for each in (MENU, CUT, PERSON))
    tally = await take(text=menu + cut + "\n" + person)
    assert tally.taken == 2
    assert tally.skipped[Skip.UNREADABLE].lines == [menu.count("\n") + 1]
    one_line = (menu + person).replace("\n", "").encode()
    assert (await take(text=gzip.compress(one_line))).known == 2
    assert list(await calls()) == [MENU, PERSON]


async def test_xml_that_would_do_something_is_not_read(take, calls):
    record = (XML / f"a_{MENU}.cdr.xml").read_text()
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    begins, body = record.split("\n", 1)
    harmful = [
        f'{begins}<!DOCTYPE cdr [<!ENTITY l0 "ha">{laughs}]>{body.replace("pbx1", "&l11;")}',
        f'{begins}<!DOCTYPE cdr [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        + body.replace("NORMAL_CLEARING", "&x;"),
        f'{begins}<!DOCTYPE cdr SYSTEM "http://192.0.2.1/cdr.dtd">{body}',
        body.replace("<cdr ", "<html ").replace("<variables>", "<cdr><variables>"),
        "<cdr>" + "<a>" * 100_000 + "</cdr>",
        "<cdr>" + "<a></a>" * 1_000_000 + "</cdr>",
        body.replace("NORMAL_CLEARING", "&x;"),
    ]
    for text in harmful:
        tally = await take(text=text + record)
        assert (tally.read, tally.skipped[Skip.UNREADABLE].count) == (2, 1)
    assert list(await calls()) == [MENU]


async def test_an_empty_folder_says_what_belongs_there(take, tmp_path):
    with pytest.raises(Invalid, match=r"no \*\.xml"):
        await take(tmp_path)


async def test_a_plain_table(take, calls):
    tally = await take("plain.csv")
    assert skipped(tally) == {"no_id": (1, [5]), "bad_time": (1, [6]), "line_unknown": (1, [7])}
    assert await calls() == {
        "a-1": ("+79005550101", at("09:00:00"), None, at("09:00:41")),
        "a-2": ("+79005550102", at("09:00:30"), at("09:01:30"), at("09:04:30")),
        "a-3": (None, at("09:03:00"), None, at("09:03:20")),
    }


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8-sig", "utf-16"])
async def test_encodings_are_found_out(take, calls, encoding):
    text = "call_id\tline\tcaller\tname\tstarted_at\nа-1\tmain\t89005550101\tПётр\t2026-10-05 12:00:00\n"
    assert (await take(text=text.encode(encoding))).taken == 1
    assert list(await calls()) == ["а-1"]


async def test_a_packed_file_and_blank_lines(take):
    text = b"\r\n\r\n" + (FILES / "plain.csv").read_bytes().replace(b"\n", b"\r\n") + b"\r\n"
    tally = await take(text=gzip.compress(text))
    assert tally.taken == 3
    assert tally.skipped[Skip.BAD_TIME].lines == [8]


async def test_columns_may_be_named_by_hand(take, calls):
    text = "Nr|Wann|Ziel|Wer\n1|2026-10-05 12:00:00|main|89005550101\n"
    mapped = {"call_id": "nr", "started": "Wann", "line": "3", "caller": "Wer"}
    assert (await take(text=text, mapped=mapped)).taken == 1
    with pytest.raises(FormatUnknown, match="no such column"):
        await take(text=text, mapped={**mapped, "caller": "who"})
    with pytest.raises(FormatUnknown, match="name the columns"):
        await take(text=text)
    assert list(await calls()) == ["1"]


async def test_a_line_given_for_the_whole_file(take, calls):
    text = "call_id,dst,src,started_at\n1,s,89005550101,2026-10-05 12:00:00\n2,s,101,2026-10-05 12:00:00\n"
    assert skipped(await take(text=text)) == {"line_unknown": (1, [2]), "outgoing": (1, [3])}
    assert (await take(text=text, line="main", prefix="pbx1-")).taken == 1
    assert list(await calls()) == ["pbx1-1"]
    with pytest.raises(LineUnknown):
        await take(text=text, line="other")


async def test_odd_files_end_well(take):
    assert (await take(text=" \n")).read == 0
    with pytest.raises(FormatUnknown):
        await take(text=b"\x00\xff\xfe\x80" * 100)
    with pytest.raises(Invalid, match="no such encoding"):
        await take("plain.csv", encoding="klingon")
    broken = (
        '"","89005550101","78002500000","x","","c","","","","2026-10-05 12:00:00' + "x" * 200_000
    )
    rows = (FILES / "asterisk-master.csv").read_text()
    tally = await take(text=rows + broken)
    assert (tally.taken, tally.skipped[Skip.UNREADABLE].count) == (5, 1)


async def test_a_wrong_time_zone_shows(take):
    with pytest.raises(ZoneDoubtful) as refused:
        await take("asterisk-master.csv", zone=UTC, zone_is_sure=False)
    said = refused.value.detail
    assert "record 1 says 2026-10-05 12:00, taken for UTC, which is 12:00 UTC" in said
    assert "id was made at 09:00 UTC, as if the PBX's clock stood at UTC+03:00" in said
    assert "with --timezone (without summer time: Etc/GMT-3); or this one" in said
    assert said.endswith("--timezone UTC.")
    with pytest.raises(ZoneDoubtful, match=r"taken for Asia/Kolkata, which is 06:30 UTC"):
        await take("asterisk-master.csv", zone=ZoneInfo("Asia/Kolkata"), zone_is_sure=False)
    assert (await take("asterisk-master.csv", zone=ZoneInfo("Etc/GMT-3"))).other_hours == 0
    assert (await take("asterisk-master.csv", zone_is_sure=False)).known == 5
    tally = await take("asterisk-master.csv", zone=UTC)
    assert tally.other_hours == 6
    assert "taken for UTC" in str(tally.for_example)
