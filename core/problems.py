"""Every request traced and timed, and its faults turned into problem+json (RFC 9457)."""

import json
import random
import re
import time
from functools import lru_cache
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import Counter, Histogram

from core.faults import Fault, RateLimited, Unauthorized
from core.http import Handler

log = structlog.get_logger()

SERVED = Histogram(
    "ivr_bridge_http_seconds",
    "Time to answer",
    ["method", "path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Counter(
    "ivr_bridge_http_answers_total", "Answers by status", ["method", "path", "status"]
)

# Kept in the log as it is, so it must not be what somebody dials: PBXs put numbers everywhere.
_CALLERS_TRACE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{1,64}")

_TRACE_ID: web.RequestKey[str] = web.RequestKey("trace_id", str)


class Broken(Fault, status=500, code="internal_error", retry=True):
    """Something broke on our side; the trace id finds it in our logs."""


@web.middleware
async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request a trace id, time it by route, and turn faults into problems."""
    began = time.perf_counter()
    offered = request.headers.get("X-Request-Id")
    trace = (
        offered
        if offered and _CALLERS_TRACE.fullmatch(offered)
        else f"{random.getrandbits(64):016x}"
    )
    request[_TRACE_ID] = trace
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else "unknown"
    # A connection's requests come one after the other in its own task: the next one overwrites this.
    structlog.contextvars.bind_contextvars(trace_id=trace)
    try:
        response = await handler(request)
    except Fault as fault:
        response = problem(fault, trace)
        log.info("request.refused", code=fault.code, status=fault.status, route=path)
    except web.HTTPException as plain:
        if plain.status < 400:  # noqa: PLR2004 - redirects are answers
            raise
        response = problem(_as_fault(plain), trace)
    except Exception as bug:
        # A defect of ours: loud in the log, and still an answer that names its trace.
        log.exception("request.broke", route=path, exc_info=bug)
        response = problem(Broken(), trace)
    took, answers = _figures(request.method, path, response.status)
    took.observe(time.perf_counter() - began)
    answers.inc()
    if not response.prepared:
        response.headers["X-Request-Id"] = trace
    return response


def trace_id(request: web.Request) -> str:
    """What ties an answer to its log lines."""
    return request.get(_TRACE_ID) or ""


def problem(fault: Fault, trace: str) -> web.Response:
    """A fault as problem+json."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": (type(fault).__doc__ or fault.code).strip(),
        "status": fault.status,
        "code": fault.code,
        "detail": fault.detail,
        **{
            name: value
            for name, value in fault.facts.items()
            if name not in {"code_hint", "retry_after_s"}
        },
        "trace_id": trace,
    }
    response = web.Response(
        body=json.dumps(document, ensure_ascii=False).encode(),
        status=fault.status,
        content_type="application/problem+json",
    )
    if fault.retry:
        seconds = fault.facts.get("retry_after_s", 5 if isinstance(fault, RateLimited) else 1)
        response.headers["Retry-After"] = str(seconds)
    if isinstance(fault, Unauthorized):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


@lru_cache(maxsize=1024)
def _figures(method: str, path: str, status: int) -> tuple[Histogram, Counter]:
    """The figures that one kind of answer counts in; finding them costs more than counting."""
    return SERVED.labels(method, path), ANSWERS.labels(method, path, str(status))


def _as_fault(plain: web.HTTPException) -> Fault:
    """aiohttp's own refusals (no such route, wrong method, body too large) in our words."""

    class Plain(Fault, status=plain.status, code=plain.reason.lower().replace(" ", "_")):
        __doc__ = plain.reason

    return Plain()
