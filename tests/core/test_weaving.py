"""Statements woven together do what each does alone, and all of it or nothing."""

import asyncpg
import pytest

from core.ids import new_id
from core.queries import Statement
from core.weaving import Strand, Woven, only_where
from ivr_bridge import calls, offering, shared


def statement(text: str, *parameters: str) -> Statement:
    return Statement("named", "a caption", text, parameters, None)


MADE = statement("WITH made AS (SELECT $1::integer AS number) SELECT number FROM made", "number")


def test_two_strands_may_use_the_same_names_inside():
    woven = Woven(
        "SELECT a.number AS first, b.number AS second FROM a, b", a=Strand(MADE), b=Strand(MADE)
    )
    text, *arguments = woven(a={"number": 1}, b={"number": 2})
    assert "a_made AS" in text
    assert "b_made AS" in text
    assert arguments == [1, 2]


def test_a_literal_a_column_and_an_alias_keep_their_names():
    told = statement("WITH kept AS (SELECT 1 AS x) SELECT 'kept', t.kept, x AS kept FROM kept AS t")
    text = Woven("SELECT 1", strand=Strand(told)).text
    assert "SELECT 'kept', t.kept, x AS kept FROM strand_kept AS t" in text


def test_the_workspace_is_one_argument_for_all_strands():
    part = statement("SELECT $1::integer AS w, $2::text AS x", "workspace", "x")
    woven = Woven("SELECT 1", a=Strand(part), b=Strand(part))
    arguments = woven(a={"workspace": 7, "x": "a"}, b={"workspace": 7, "x": "b"})[1:]
    assert arguments == (7, "a", "b")


def test_a_parameter_that_another_strand_gives_takes_no_argument():
    part = statement("SELECT $1::integer + $2::integer AS total", "left", "right")
    woven = Woven(
        "SELECT total FROM b", a=Strand(MADE), b=Strand(part, left="(SELECT number FROM a)")
    )
    text, *arguments = woven(a={"number": 5}, b={"right": 2})
    assert "(SELECT number FROM a)::integer + $2::integer" in text
    assert arguments == [5, 2]


def test_a_strand_may_look_at_the_value_of_another_one():
    part = statement("SELECT $1::integer AS seen", "seen")
    woven = Woven(
        "SELECT seen, {a.number} AS first FROM b",
        a=Strand(MADE),
        b=Strand(part, seen="({a.number} + {})"),
    )
    text, *arguments = woven(a={"number": 5}, b={"seen": 2})
    assert "SELECT ($1 + $2)::integer AS seen" in text
    assert text.endswith("SELECT seen, $1 AS first FROM b")
    assert arguments == [5, 2]


async def test_ids_of_what_was_not_done_are_left_out_in_their_place(database, workspace_id):
    ids, keys = [new_id() for _ in range(4)], [new_id() for _ in range(4)]
    done = statement("SELECT id FROM unnest($1::uuid[]) AS a (id)", "done")
    part = statement("SELECT $1::uuid[] AS ids", "ids")
    woven = Woven(
        "SELECT ids, {b.ids}::uuid[] AS asked, {c.keys}::uuid[] AS of FROM b",
        a=Strand(done),
        b=Strand(part, ids=only_where("SELECT id FROM a", "c.keys")),
        c=Strand(statement("SELECT $1::uuid[] AS keys", "keys")),
    )
    told = woven(a={"done": [keys[2], keys[0]]}, b={"ids": ids}, c={"keys": keys})
    (row,) = await database.alone(workspace_id, *told)
    assert row["ids"] == [ids[0], None, ids[2], None]


def test_a_parameter_that_is_not_there_cannot_be_given():
    with pytest.raises(ValueError, match="middle"):
        Strand(MADE, middle="NULL")


@pytest.mark.parametrize(
    "woven",
    [
        calls._MEET,
        shared.LOOK,
        shared.COUNT_AND_LOOK,
        shared.OPEN,
        shared.HANG_UP,
        offering.NOTE,
    ],
)
async def test_every_woven_statement_prepares(database_url, woven):
    conn = await asyncpg.connect(database_url)
    try:
        prepared = await conn.prepare(woven.text)
        assert prepared.get_attributes()
    finally:
        await conn.close()


async def test_what_is_known_of_a_caller_stands_first_in_both_statements(database_url):
    conn = await asyncpg.connect(database_url)
    try:
        alone = await conn.prepare(calls.SQL["know_callers"].text)
        columns = [attribute.name for attribute in alone.get_attributes()]
        for woven, before in ((calls._MEET, 1), (shared.LOOK, 0), (shared.COUNT_AND_LOOK, 0)):
            prepared = await conn.prepare(woven.text)
            found = [attribute.name for attribute in prepared.get_attributes()]
            assert found[before : before + len(columns)] == columns
    finally:
        await conn.close()
    assert columns == list(calls.Known.__dataclass_fields__)


async def test_a_statement_alone_sees_its_workspace_and_no_other(database, workspace_id):
    async def seen(workspace: int) -> list[int]:
        (row,) = await database.alone(
            workspace, "SELECT array_agg(workspace_id) AS ids FROM core.workspace"
        )
        return row["ids"] or []

    assert await seen(workspace_id) == [workspace_id]
    assert await seen(workspace_id + 1) == []
    assert await seen(workspace_id) == [workspace_id]


async def test_a_transaction_after_a_statement_alone_sees_its_own_workspace(database, workspace_id):
    await database.alone(workspace_id, "SELECT 1")
    async with database.workspace(workspace_id + 1) as tx:
        assert await tx.fetchval("SELECT count(*) FROM core.workspace") == 0
    (row,) = await database.alone(workspace_id, "SELECT count(*) AS n FROM core.workspace")
    assert row["n"] == 1


async def test_a_statement_that_fails_keeps_nothing_of_what_is_beside_it(database, workspace_id):
    put = (
        "WITH first AS (INSERT INTO core.job (workspace_id, job_id, band, kind, payload)"
        " VALUES ($1, gen_random_uuid(), 'normal', 'first', '{}'))"
        " INSERT INTO core.job (workspace_id, job_id, band, kind, payload)"
        " VALUES ($1, gen_random_uuid(), $2, 'second', '{}') RETURNING job_id"
    )
    with pytest.raises(asyncpg.NotNullViolationError):
        await database.alone(workspace_id, put, workspace_id, None)
    (row,) = await database.alone(workspace_id, "SELECT count(*) AS n FROM core.job")
    assert row["n"] == 0
    await database.alone(workspace_id, put, workspace_id, "normal")
    (row,) = await database.alone(workspace_id, "SELECT count(*) AS n FROM core.job")
    assert row["n"] == 2
