"""Where the links of our SMS lead."""

from aiohttp import web

from core.http import Access, Endpoint
from ivr_bridge.rescues.links import Links, LinkUnknown
from ivr_bridge.rescues.page import POLICY, page

LINKS = web.AppKey("LINKS", Links)


async def follow(request: web.Request) -> web.Response:
    """Show the way into the chat, and note that somebody asked for it."""
    followed = await request.app[LINKS].follow(request.match_info["token"])
    return web.Response(
        text=page(followed),
        content_type="text/html",
        headers={"Content-Security-Policy": POLICY},
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/go/{token}",
        handler=follow,
        summary="The page behind a link in one of our SMS",
        access=Access.PUBLIC,
        faults=(LinkUnknown,),
        answer_types=("text/html",),
    ),
)
