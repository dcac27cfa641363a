"""What the database's errors mean: it is away, it was too slow, or others were in the way."""

import asyncpg

from core.faults import Unavailable


class DatabaseUnavailable(Unavailable, code="database_unavailable"):
    """The database does not answer; nothing was changed that you were not told about."""


class StatementCutOff(DatabaseUnavailable, code="database_unavailable"):
    """The database did not finish in time; nothing was changed that you were not told about."""


class TransactionUndone(DatabaseUnavailable, code="database_unavailable"):
    """The database undid this because others were in its way; asked again, it may pass."""


UNDONE = asyncpg.TransactionRollbackError
"""Deadlocks, mostly: neither the statement nor the connection is at fault."""

# Errors that say nothing about the statement and everything about the connection.
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says of a connection that broke while it was being given back.
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.QueryCanceledError,
)


def named(lost: Exception) -> DatabaseUnavailable:
    """Cut off by the clock it may be the statement as well as the database: who asks again may want
    to know.
    """
    if isinstance(lost, (TimeoutError, asyncpg.QueryCanceledError)):
        return StatementCutOff()
    return DatabaseUnavailable()
