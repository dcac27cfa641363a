"""What an engineer hears at the terminal: what was given up, and why a command cannot go on."""

import asyncio
import json
from urllib.parse import urlsplit, urlunsplit

import pytest
from click.testing import CliRunner

from config.cli import main
from config.embedded import throwaway
from core.ids import WorkspaceId
from core.jobs import NewJob, enqueue
from core.postgres import Database
from tests.conftest import Servers


def run(monkeypatch: pytest.MonkeyPatch, servers: Servers, database_url: str, *command: str) -> str:
    """What a command that cannot go on says."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    monkeypatch.setattr("config.commands.terminal.set_up_logging", lambda level: None)
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 1
    assert "Traceback" not in told.output
    return told.output.replace("\n", " ")


@pytest.mark.parametrize("command", [["migrate"], ["jobs", "list", "demo"]])
@pytest.mark.parametrize(
    ("database_url", "why"),
    [
        ("postgresql://nobody:hunter2@127.0.0.1:9/x", "no PostgreSQL where DATABASE_URL points"),
        ("postgresql://nobody:hunter2@nowhere.invalid/x", "no PostgreSQL where DATABASE_URL"),
        ("mysql://nobody:hunter2@127.0.0.1/x", "DATABASE_URL is none: postgresql://"),
        ("not-there", 'PostgreSQL says: database "not-there" does not exist; see DATABASE_URL'),
    ],
)
def test_a_database_that_cannot_be_had_is_one_line(
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    database_url: str,
    why: str,
):
    if "://" not in database_url:
        parts = urlsplit(servers.database_url)
        database_url = urlunsplit(parts._replace(path=f"/{database_url}"))
    said = run(monkeypatch, servers, database_url, *command)
    assert why in said
    assert "hunter2" not in said


def test_a_server_without_a_schema_is_told_to_get_one(monkeypatch: pytest.MonkeyPatch):
    with throwaway(valkey=False) as bare:
        lonely = Servers(bare.database_url, "redis://127.0.0.1:9/0")
        said = run(monkeypatch, lonely, bare.database_url, "jobs", "list", "demo")
    assert "run `ivr-bridge migrate` first" in said


async def test_what_was_given_up_is_looked_at_and_given_another_life(
    monkeypatch: pytest.MonkeyPatch,
    servers: Servers,
    database: Database,
    database_url: str,
    workspace_id: WorkspaceId,
):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("SECRET_KEY", "k" * 40)
    monkeypatch.setattr("config.commands.terminal.set_up_logging", lambda level: None)

    async def jobs(*words: str) -> list[str]:
        told = await asyncio.to_thread(CliRunner().invoke, main, ["jobs", *words])
        assert told.exit_code == 0, told.output
        return told.stdout.splitlines()

    async with database.workspace(workspace_id) as tx:
        for kind in ("test.greet", "test.wave"):
            await enqueue(tx, NewJob(kind, {"id": kind}))
        await tx.execute("UPDATE core.job SET state = 'buried', attempt = 5, last_error = 'Torn'")
    given_up = [json.loads(line) for line in await jobs("list", "demo")]
    assert {(each["kind"], each["last_error"], each["attempt"]) for each in given_up} == {
        ("test.greet", "Torn", 5),
        ("test.wave", "Torn", 5),
    }
    assert await jobs("replay", "demo", "--kind", "test.greet") == ["1 jobs will run again"]
    assert await jobs("replay", "demo", "--job", given_up[0]["job_id"]) == ["1 jobs will run again"]
    assert await jobs("list", "demo") == []
    async with database.workspace(workspace_id) as tx:
        ready = await tx.fetch("SELECT state, attempt FROM core.job")
        noted = await tx.fetchval("SELECT count(*) FROM core.audit WHERE action = 'jobs.replayed'")
    assert [tuple(row) for row in ready] == [("ready", 0)] * 2
    assert noted == 2
