"""What a command says when it cannot reach its database: one line, and what to look at."""

from urllib.parse import urlsplit, urlunsplit

import pytest
from click.testing import CliRunner

from config.cli import main
from config.embedded import throwaway
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
