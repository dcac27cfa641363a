"""How the house speaks HTTP: a table of endpoints, who may call them, and bodies in and out."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from core.access import Right, SignedIn, SignIns
from core.entrance import (
    read_limited,
    require_key,
    shows_key,
)
from core.faults import Fault, Forbidden, Invalid, Unauthorized

SIGN_INS = web.AppKey("SIGN_INS", SignIns)
PUBLIC_ORIGIN = web.AppKey("PUBLIC_ORIGIN", str)

_SIGNED_IN: web.RequestKey[SignedIn] = web.RequestKey("signed_in", SignedIn)

MAX_JSON = 64 * 1024
_MAX_DEPTH = 20
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


def for_people(
    right: Right,
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    accepts: type[BaseModel] | None = None,
    answers: type[BaseModel] | None = None,
    status: int = 200,
    faults: tuple[type[Fault], ...] = (),
    parameters: Sequence[Mapping[str, Any]] = (),
) -> Endpoint:
    """An address for whoever is signed in with this right."""
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        access=Access.PERSON,
        right=right,
        accepts=accepts,
        answers=answers,
        status=status,
        faults=(Unauthorized, Forbidden, *faults),
        parameters=parameters,
    )


def asked(
    name: str, description: str | None = None, *, required: bool = False, **schema: Any
) -> dict[str, Any]:
    """What may stand behind an address's question mark, a text unless the schema says otherwise."""
    return {
        "name": name,
        "in": "query",
        "required": required,
        **({} if description is None else {"description": description}),
        "schema": {"type": "string", **schema},
    }


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
    """Where the body does not fit and why, without quoting it back.

    `code` and `facts` say the same to pages, which have words of their own for it.
    """
    return Invalid(
        "The body does not fit; see errors.",
        errors=[
            {
                "path": ".".join(str(part) for part in error["loc"]),
                "message": error["msg"],
                "code": error["type"],
                "facts": {
                    name: fact
                    for name, fact in error.get("ctx", {}).items()
                    if isinstance(fact, str | int | float)
                },
            }
            for error in wrong.errors(include_url=False, include_input=False)
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
