"""How the house speaks HTTP: a table of endpoints, who may call them, and faults as problem+json."""

import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from aiohttp import web
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ValidationError

from core.access import Right, SignedIn, SignIns
from core.entrance import (
    KEYS,
    TRUSTED_PROXIES,
    AddressForbidden,
    client_address,
    key_holder,
    read_limited,
    read_once,
    require_key,
    shows_key,
)
from core.faults import Fault, Forbidden, Invalid, RateLimited, Unauthorized

log = structlog.get_logger()

SIGN_INS = web.AppKey("SIGN_INS", SignIns)
PUBLIC_ORIGIN = web.AppKey("PUBLIC_ORIGIN", str)

_SIGNED_IN: web.RequestKey[SignedIn] = web.RequestKey("signed_in", SignedIn)
_TRACE_ID: web.RequestKey[str] = web.RequestKey("trace_id", str)

MAX_JSON = 64 * 1024
_MAX_DEPTH = 20
# Kept in the log as it is, so it must not be what somebody dials: PBXs put numbers everywhere.
_CALLERS_TRACE = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{1,64}")

SERVED = Histogram(
    "ivr_bridge_http_seconds",
    "Time to answer",
    ["method", "path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Counter(
    "ivr_bridge_http_answers_total", "Answers by status", ["method", "path", "status"]
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Model = TypeVar("Model", bound=BaseModel)


class Access(StrEnum):
    """Who may call an endpoint."""

    PUBLIC = "public"
    """Anyone; the handler looks for itself (webhooks, sign-in, signed links)."""
    PERSON = "person"
    """A signed-in person with the endpoint's right."""
    KEY = "key"
    """Whoever holds an API key with the endpoint's scope."""
    EITHER = "either"
    """A person with the right, or a key with the scope."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the service: routes, documentation and checks are all made from this."""

    method: str
    path: str
    handler: Handler
    summary: str
    access: Access
    right: Right | None = None
    scope: str | None = None
    accepts: type[BaseModel] | None = None
    body_types: Sequence[str] = ("application/json",)
    answers: type[BaseModel] | None = None
    status: int = 200
    faults: tuple[type[Fault], ...] = ()
    parameters: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    answer_types: Sequence[str] = ("application/json",)
    found: str | None = None
    """What 302 means here, where it is an answer."""
    wraps_own_faults: bool = False
    """The IVR's addresses answer faults in the IVR's own words, so they look at the key themselves."""

    @property
    def route(self) -> web.RouteDef:
        """What aiohttp wants, with the caller checked first."""

        async def checked(request: web.Request) -> web.StreamResponse:
            if "%00" in request.raw_path:
                nul = "The address may not contain the NUL character."
                where = next((name for name, said in request.query.items() if "\0" in said), "")
                raise Invalid(nul, errors=[{"path": where, "message": nul}])
            await self._check(request)
            return await self.handler(request)

        unchecked = self.access is Access.PUBLIC or self.wraps_own_faults
        return web.route(self.method, self.path, self.handler if unchecked else checked)

    async def _check(self, request: web.Request) -> None:
        if self.access is Access.KEY or (self.access is Access.EITHER and shows_key(request)):
            await require_key(request, self.scope)
            return
        await require_person(request, self.right)


async def require_person(request: web.Request, right: Right | None) -> SignedIn:
    """The signed-in person of this request; raises Unauthorized or Forbidden."""
    if request.method not in {"GET", "HEAD"}:
        same_origin(request)
    token = request.cookies.get(cookie_name(request))
    signed_in = await request.app[SIGN_INS].find(token) if token else None
    if signed_in is None:
        raise Unauthorized("Sign in first.")
    if right is not None and right not in signed_in.person.may:
        raise Forbidden("Your role does not include this.")
    request[_SIGNED_IN] = signed_in
    return signed_in


def same_origin(request: web.Request) -> None:
    """A browser may only change things from our own pages."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.app[PUBLIC_ORIGIN]:
        raise Forbidden("This page may not talk to the service.", code_hint="foreign_origin")
    if origin is None and request.headers.get("Sec-Fetch-Site", "same-origin") not in {
        "same-origin",
        "none",
    }:
        raise Forbidden("This page may not talk to the service.", code_hint="foreign_origin")


def cookie_name(request: web.Request) -> str:
    """`__Host-` pins the cookie to this host, but browsers only take it over https."""
    return "__Host-session" if request.app[PUBLIC_ORIGIN].startswith("https:") else "session"


def signed_in(request: web.Request) -> SignedIn:
    """Who is asking, after the endpoint's check."""
    return request[_SIGNED_IN]


def trace_id(request: web.Request) -> str:
    """What ties an answer to its log lines."""
    return request.get(_TRACE_ID) or ""


async def body(request: web.Request, model: type[Model], *, limit: int = MAX_JSON) -> Model:
    """The request's JSON as a checked model; raises Invalid with where and why, or TooLarge."""
    raw = await read_limited(request, limit)
    try:
        parsed = json.loads(raw)
        _look_through(parsed)
    except (ValueError, RecursionError) as broken:
        raise Invalid("The body is not JSON that can be read.") from broken
    try:
        return model.model_validate(parsed)
    except ValidationError as wrong:
        raise invalid(wrong) from wrong


def invalid(wrong: ValidationError) -> Invalid:
    """Where the body does not fit and why, without quoting it back."""
    return Invalid(
        "The body does not fit; see errors.",
        errors=[
            {"path": ".".join(str(part) for part in error["loc"]), "message": error["msg"]}
            for error in wrong.errors(include_url=False, include_input=False, include_context=False)
        ],
    )


def answer(
    value: BaseModel | Mapping[str, Any] | Sequence[Any], *, status: int = 200
) -> web.Response:
    """A JSON answer."""
    if isinstance(value, BaseModel):
        text = value.model_dump_json()
    else:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return web.Response(
        body=text.encode(), status=status, content_type="application/json", charset="utf-8"
    )


def problem(fault: Fault, trace: str) -> web.Response:
    """A fault as problem+json (RFC 9457)."""
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


def _look_through(value: object, depth: int = 0) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str) and "\0" in value:
        # JSON can carry it; a text in PostgreSQL cannot.
        nul = "The body may not contain the NUL character (\\u0000)."
        raise Invalid(nul, errors=[{"path": "", "message": nul}])
    if isinstance(value, dict):
        for name, inner in value.items():
            _look_through(name, depth)
            _look_through(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _look_through(inner, depth + 1)


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


@lru_cache(maxsize=1024)
def _figures(method: str, path: str, status: int) -> tuple[Histogram, Counter]:
    """The figures that one kind of answer counts in; finding them costs more than counting."""
    return SERVED.labels(method, path), ANSWERS.labels(method, path, str(status))


class Broken(Fault, status=500, code="internal_error", retry=True):
    """Something broke on our side; the trace id finds it in our logs."""


def _as_fault(plain: web.HTTPException) -> Fault:
    """aiohttp's own refusals (no such route, wrong method, body too large) in our words."""

    class Plain(Fault, status=plain.status, code=plain.reason.lower().replace(" ", "_")):
        __doc__ = plain.reason

    return Plain()


__all__ = [
    "KEYS",
    "MAX_JSON",
    "PUBLIC_ORIGIN",
    "SIGN_INS",
    "TRUSTED_PROXIES",
    "Access",
    "AddressForbidden",
    "Endpoint",
    "answer",
    "body",
    "client_address",
    "cookie_name",
    "invalid",
    "key_holder",
    "problem",
    "read_limited",
    "read_once",
    "require_key",
    "require_person",
    "same_origin",
    "signed_in",
    "trace_id",
    "traced",
]
