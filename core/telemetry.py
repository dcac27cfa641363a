"""Logs as JSON lines without personal data, figures for Prometheus."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from types import TracebackType
from typing import Any

import asyncpg
import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError
from typing_extensions import override  # typing has it from 3.12

_NUMBER = re.compile(r"\+?\d[\d\s().-]{7,}\d")
_QUOTING_STATES = ("22", "23", "P0")
"""Data exceptions, violated constraints, and what our own procedures raise."""
_FREE_TEXT = frozenset({"exception", "error", "detail", "message", "path", "event"})


def set_up_logging(level: str = "info") -> None:
    """One JSON object a line on standard error, the library's own logs included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(lambda broken: "".join(story(broken[1])).rstrip()),
        mask_numbers,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level.upper()),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(ensure_ascii=False),
            foreign_pre_chain=[*shared],
        )
    )
    handler.addFilter(_NothingQuoted())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Access logs would carry addresses; the middleware logs what is worth knowing.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    sys.excepthook = _last_words


def _last_words(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """What ends a process is told like everything else: one line, and nobody's words in it."""
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
    else:
        structlog.get_logger().critical("process.broke", exc_info=error)


class _NothingQuoted(logging.Filter):
    """What is no HTTP is not written down: aiohttp's complaint quotes the line that it could not read,
    and that line may be the header with the key, or an address with one in it.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and _quotes(error):
            record.msg, record.args = "request.malformed: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
            # Anybody who finds the port can cause it: nothing that a person should look at.
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return True


def story(error: BaseException, told: frozenset[int] = frozenset()) -> Iterator[str]:
    """Where it broke and what it was, causes first, without words that may quote a customer."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    told |= {id(error)}
    if before is not None and id(before) not in told:
        yield from story(before, told)
        yield "and then:\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}: {_words(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            if id(each) not in told:
                yield from story(each, told)


def _words(error: BaseException) -> str:
    """PostgreSQL and its driver quote the value that they refuse, and so does many a ValueError."""
    if isinstance(error, asyncpg.PostgresError):
        where = (error.sqlstate, error.schema_name, error.table_name, error.constraint_name)
        quotes = (error.sqlstate or "").startswith(_QUOTING_STATES)
        return " ".join(filter(None, (*where, "" if quotes else str(error.args[0]))))
    return "…" if isinstance(error, (ValueError, LookupError)) else str(error)


def _quotes(error: BaseException) -> bool:
    """Is it about what somebody sent, or was it caused by that?"""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, HttpProcessingError | RequestPayloadError):
            return True
        at = at.__cause__
    return False


def mask_numbers(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The last guard: whatever looks like a telephone number in free text does not get out.

    Ids are left alone; an exception's text may quote a parameter, so it is searched too.
    """
    for key, value in event.items():
        if key in _FREE_TEXT and isinstance(value, str):
            event[key] = _NUMBER.sub("…", value)
    return event
