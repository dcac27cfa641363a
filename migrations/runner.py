"""Apply the numbered files that a database has not seen, once each, in order.

One advisory lock keeps two runners apart; a checksum notices an edited file; each file is one
transaction, unless its first line is `-- no-transaction` (for CREATE INDEX CONCURRENTLY).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent
_LOCK = 0x1B71D6E  # any constant: the key of this project's advisory lock
_NO_TRANSACTION = "-- no-transaction"
PATIENCE_S = 15 * 60.0
"""For each statement, and for another runner to be done."""


class MigrationChanged(Exception):
    """A file that this database already has was edited; write a new one instead."""


class DatabaseAhead(Exception):
    """The database has migrations that this version of the software does not know; upgrade it first."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells an edited file."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known(folder: Path = FOLDER) -> Sequence[Migration]:
    """The files, in order."""
    return [
        Migration(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*.sql"))
    ]


async def migrate(
    dsn: str, *, report: Callable[[str], None] = lambda _: None, folder: Path = FOLDER
) -> Sequence[str]:
    """Bring the database up to date; answers the names of what was applied."""
    conn = await asyncpg.connect(dsn, timeout=10)
    try:
        await conn.execute(f"SET statement_timeout = {int(PATIENCE_S * 1000)}")
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
        # Behind a migration that waits for a lock, everybody waits: better to fail and try again.
        await conn.execute("SET lock_timeout = '5s'")
        await conn.execute("CREATE SCHEMA IF NOT EXISTS migrations")
        await conn.execute(
            "CREATE TABLE IF NOT EXISTS migrations.applied ("
            " name text PRIMARY KEY, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await conn.fetch("SELECT name, checksum FROM migrations.applied")
        applied = {row["name"]: row["checksum"] for row in rows}
        files = known(folder)
        if unknown := sorted(applied.keys() - {file.name for file in files}):
            raise DatabaseAhead(f"unknown migrations: {', '.join(unknown)}")
        done = []
        for file in files:
            if file.name in applied:
                if applied[file.name] != file.checksum:
                    raise MigrationChanged(file.name)
                continue
            report(f"migrating {file.name}")
            await _apply(conn, file)
            done.append(file.name)
        return done
    finally:
        await conn.close()


async def _apply(conn: "asyncpg.Connection[asyncpg.Record]", file: Migration) -> None:
    record = "INSERT INTO migrations.applied (name, checksum) VALUES ($1, $2)"
    if file.sql.startswith(_NO_TRANSACTION):
        for statement in file.sql.split(";\n"):
            if statement.strip():
                await conn.execute(statement)
        await conn.execute(record, file.name, file.checksum)
        return
    async with conn.transaction():
        await conn.execute(file.sql)
        await conn.execute(record, file.name, file.checksum)
