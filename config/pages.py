"""The built pages, served with headers that let a browser run nothing but them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from config.api_page import api_page
from core.health import READINESS
from core.http import Handler

_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_YEAR = "public, max-age=31536000, immutable"
_NOT_BUILT = (
    "The pages are not built. Run `make web` in the checkout, or set IVR_BRIDGE_WEB_DIST to the folder"
    " that holds desk.html."
)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer says what a browser may do with it."""
    response = await handler(request)
    if not response.prepared:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("Content-Security-Policy", _POLICY)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
        if request.app[READINESS].leaving:
            # A kept connection would be closed under its owner's next request.
            response.force_close()
    return response


def page_routes(dist: Path, described: Mapping[str, Any]) -> list[web.RouteDef]:
    """The desk, the reports, the admin pages, their assets, and the API's description for people and programs."""
    pages = {"/desk": "desk.html", "/reports": "reports.html", "/admin": "admin.html"}
    routes = [web.get(path, _page(dist / name)) for path, name in pages.items()]
    routes += [
        web.get("/", _to("/desk")),
        web.get("/openapi.json", _openapi(described)),
        web.get("/docs", _docs(described)),
        web.get("/assets/{name:[A-Za-z0-9._-]+}", _asset(dist / "assets")),
    ]
    return routes


def _page(path: Path) -> Handler:
    async def page(request: web.Request) -> web.StreamResponse:
        del request
        if not path.is_file():  # noqa: ASYNC240 - one stat of a local file
            return web.Response(status=503, text=_NOT_BUILT)
        return web.FileResponse(path, headers={"Cache-Control": "no-cache"})

    return page


def _asset(folder: Path) -> Handler:
    async def asset(request: web.Request) -> web.StreamResponse:
        path = folder / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        # Their names carry a hash of their content.
        return web.FileResponse(path, headers={"Cache-Control": _YEAR})

    return asset


def _to(where: str) -> Handler:
    async def redirect(request: web.Request) -> web.StreamResponse:
        del request
        raise web.HTTPFound(where)

    return redirect


def _openapi(described: Mapping[str, Any]) -> Handler:
    async def openapi(request: web.Request) -> web.StreamResponse:
        del request
        return web.json_response(described)

    return openapi


def _docs(described: Mapping[str, Any]) -> Handler:
    text = api_page(described)

    async def docs(request: web.Request) -> web.StreamResponse:
        del request
        # Its few style rules stand in the page; it runs no script.
        headers = {
            "Content-Security-Policy": f"{_POLICY}; style-src 'unsafe-inline'; script-src 'none'"
        }
        return web.Response(text=text, content_type="text/html", headers=headers)

    return docs
