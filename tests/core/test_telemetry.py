"""What goes into the log when something breaks: where and what, and nobody's words."""

import asyncio
import json
import subprocess
import sys

import asyncpg
import pytest
from pydantic import TypeAdapter, ValidationError

from core.telemetry import mask_numbers, story

SAID = "my card is lost, call Anna"


def told(error: BaseException) -> str:
    return "".join(story(error))


@pytest.mark.parametrize(
    ("statement", "values", "named"),
    [
        # What a parameter should have been, with what it was.
        ("SELECT $1::integer", [SAID], "DataError"),
        ("SELECT $1::text::uuid", [SAID], "22P02"),
    ],
)
async def test_a_refused_value_is_not_quoted(database, workspace_id, statement, values, named):
    with pytest.raises((asyncpg.PostgresError, asyncpg.DataError)) as broken:
        async with database.workspace(workspace_id) as tx:
            await tx.execute(statement, *values)
    assert SAID in str(broken.value), "otherwise nothing is shown"
    logged = told(broken.value)
    assert SAID not in logged
    assert named in logged
    assert "postgres.py" in logged


async def test_a_mistake_in_a_statement_is_told(database, workspace_id):
    with pytest.raises(asyncpg.UndefinedColumnError) as broken:
        async with database.workspace(workspace_id) as tx:
            await tx.execute("SELECT nothing_of_the_kind FROM core.workspace")
    assert "nothing_of_the_kind" in told(broken.value)


def test_a_body_that_does_not_fit_is_not_quoted():
    with pytest.raises(ValidationError) as broken:
        TypeAdapter(dict[str, int]).validate_python({"text": SAID})
    assert SAID in str(broken.value)
    assert SAID not in told(broken.value)


async def test_causes_and_groups_are_told_and_a_circle_ends():
    async def fail() -> None:
        try:
            json.loads("{")
        except ValueError as error:
            raise RuntimeError("the file is broken") from error

    with pytest.raises(ExceptionGroup) as broken:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    (inner,) = broken.value.exceptions
    assert "JSONDecodeError" in told(broken.value)
    assert "RuntimeError: the file is broken" in told(broken.value)
    inner.__cause__ = broken.value
    assert told(broken.value).count("RuntimeError: the file") == 1


def test_a_process_that_breaks_says_so_in_one_line():
    program = f"from core.telemetry import set_up_logging as s; s(); int({SAID!r})"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    (line,) = ended.stderr.decode().splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["level"]) == ("process.broke", "critical")
    assert "ValueError" in logged["exception"]
    assert SAID not in line
    assert ended.returncode == 1


def test_a_number_in_free_text_is_masked_and_an_id_is_not():
    logged = mask_numbers(None, "", {"exception": "caller +7 916 123-45-67", "id": "79161234567"})
    assert logged == {"exception": "caller …", "id": "79161234567"}
