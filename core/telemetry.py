"""Logs as JSON lines without personal data, figures for Prometheus."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

_NUMBER = re.compile(r"\+?\d[\d\s().-]{7,}\d")
_FREE_TEXT = frozenset({"exception", "error", "detail", "message", "path", "event"})


def set_up_logging(level: str = "info") -> None:
    """One JSON object a line on standard error, the library's own logs included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Access logs would carry addresses; the middleware logs what is worth knowing.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def mask_numbers(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """The last guard: whatever looks like a telephone number in free text does not get out.

    Ids are left alone; an exception's text may quote a parameter, so it is searched too.
    """
    for key, value in event.items():
        if key in _FREE_TEXT and isinstance(value, str):
            event[key] = _NUMBER.sub("…", value)
    return event
