"""How the sandbox's own addresses answer: JSON in, JSON out, refusals in words."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sandbox.specs import Json

Model = TypeVar("Model", bound=BaseModel)
Do = Callable[[web.Request], Awaitable[Any]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(do: Do) -> Handler:
    """JSON out, and errors in words; requests that a foreign page sends are refused."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if foreign(request):
            return web.json_response({"error": "another site's page may not ask"}, status=403)
        try:
            return web.json_response(await do(request))
        except ValidationError as wrong:
            errors = wrong.errors(include_url=False, include_context=False)
            return web.json_response({"error": errors}, status=422)
        except web.HTTPException as refused:
            return web.json_response({"error": refused.text}, status=refused.status)

    return handler


def foreign(request: web.Request) -> bool:
    """Whether a page of another origin sends this: browsers say so, programs do not."""
    origin = request.headers.get("Origin")
    if not origin:
        return False
    host = origin.partition("://")[2]
    name = host.rpartition(":")[0] or host
    return host != request.host and name not in {"localhost", "127.0.0.1", "[::1]"}


async def read(request: web.Request, model: type[Model]) -> Model:
    """The body as a model; an empty body is an empty object."""
    return model.model_validate(await read_object(request))


async def read_object(request: web.Request) -> Json:
    """The body as a JSON object; an empty body is an empty one."""
    raw = await request.read()
    try:
        body = json.loads(raw or b"{}")
    except ValueError as broken:
        raise web.HTTPBadRequest(text=f"not JSON: {broken}") from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="a JSON object is expected")
    return body
