"""The addresses of this room: providers' webhooks, and files."""

from urllib.parse import quote

import structlog
from aiohttp import BodyPartReader, web
from pydantic import BaseModel

from core.access import Right
from core.entrance import client_address, read_once
from core.faults import Fault, Invalid, NotFound, Overloaded, TooLarge
from core.http import Access, Endpoint, answer, signed_in
from core.ids import public
from messaging.media import (
    UPLOAD_LIMIT,
    Library,
    Media,
    MediaTooLarge,
    MediaTypeRefused,
    MediaUnknown,
)
from messaging.webhooks import (
    MAX_BODY,
    AddressWrong,
    HandshakeRefused,
    SignatureWrong,
    Webhooks,
)

log = structlog.get_logger()

WEBHOOKS = web.AppKey("WEBHOOKS", Webhooks)
LIBRARY = web.AppKey("LIBRARY", Library)

_INLINE = ("image/", "video/", "audio/")


class MediaAnswer(BaseModel):
    """A file that was put up, ready to be sent."""

    id: str
    url: str
    mime: str
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    state: str


async def take_webhook(request: web.Request) -> web.Response:
    """Commit everything in this body; 200 means that it is committed."""
    webhooks = request.app[WEBHOOKS]
    account, channel = await webhooks.find(
        request.match_info["workspace"], request.match_info["account"]
    )
    body = await read_once(request, MAX_BODY)
    await webhooks.take(
        account, channel, request.headers, body, peer=lambda: client_address(request)
    )
    return web.Response()


async def shake_hands(request: web.Request) -> web.Response:
    """Prove to the provider that this address is ours."""
    webhooks = request.app[WEBHOOKS]
    account, channel = await webhooks.find(
        request.match_info["workspace"], request.match_info["account"]
    )
    return web.Response(text=webhooks.handshake(account, channel, request.query))


async def show_media(request: web.Request) -> web.StreamResponse:
    """A file, for whoever holds a link that we signed."""
    found, pieces = await request.app[LIBRARY].open(request.match_info["token"])
    response = web.StreamResponse(headers=_headers(found))
    response.content_length = found.size
    # The first piece is read before anything is sent, so that a file that is gone is still a 404.
    first = await anext(pieces, b"")
    await response.prepare(request)
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except ConnectionResetError:
        # Whoever asked has seen enough.
        pass
    except Fault as broken:
        # The answer has begun: only its breaking off still says that it is not whole.
        log.warning("media.broke_off", media_id=str(found.media_id), code=broken.code)
        if request.transport is not None:
            request.transport.abort()
    return response


async def put_up(request: web.Request) -> web.Response:
    """Keep a file for a message that is about to be written."""
    person = signed_in(request)
    name, content = await _file_of(request)
    library = request.app[LIBRARY]
    kept = await library.put_up(
        person.workspace_id, content=content, name=name, by=person.person.person_id
    )
    return answer(
        MediaAnswer(
            id=public("md", kept.media_id),
            url=library.path(person.workspace_id, kept.media_id),
            mime=kept.mime,
            name=kept.name,
            size=kept.size,
            width=kept.width,
            height=kept.height,
            state=kept.state,
        ),
        status=201,
    )


async def _file_of(request: web.Request) -> tuple[str | None, bytes]:
    """The part called `file` of a form, refused as soon as it is known to be too large."""
    if request.content_type != "multipart/form-data":
        raise Invalid("Send the file as the part `file` of a multipart/form-data body.")
    if request.content_length is not None and request.content_length > UPLOAD_LIMIT + MAX_BODY:
        raise MediaTooLarge
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                return part.filename, await _read(part)
    except ValueError as broken:
        raise Invalid("The form cannot be read.") from broken
    raise Invalid("The form has no part called `file`.")


async def _read(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        content += chunk
        if len(content) > UPLOAD_LIMIT:
            raise MediaTooLarge
    return bytes(content)


def _headers(found: Media) -> dict[str, str]:
    """A stranger's file under our address: it is shown or saved, and never runs."""
    shown = found.mime.startswith(_INLINE)
    named = f"; filename*=UTF-8''{quote(found.name, safe='')}" if found.name else ""
    return {
        "Content-Type": found.mime,
        "Content-Disposition": f"{'inline' if shown else 'attachment'}{named}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, max-age=3600, immutable",
    }


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/webhooks/{workspace}/{account}",
        handler=take_webhook,
        summary="Take what a messenger's provider reports",
        access=Access.PUBLIC,
        faults=(NotFound, SignatureWrong, AddressWrong, TooLarge, Overloaded),
    ),
    Endpoint(
        method="GET",
        path="/webhooks/{workspace}/{account}",
        handler=shake_hands,
        summary="Answer a provider's set-up request",
        access=Access.PUBLIC,
        faults=(NotFound, HandshakeRefused),
        answer_types=("text/plain",),
    ),
    Endpoint(
        method="GET",
        path="/media/{token}",
        handler=show_media,
        summary="A file, by a signed link",
        access=Access.PUBLIC,
        faults=(MediaUnknown,),
        answer_types=("application/octet-stream",),
    ),
    Endpoint(
        method="POST",
        path="/v1/media",
        handler=put_up,
        summary="Put up a file for a message",
        access=Access.PERSON,
        right=Right.DESK,
        answers=MediaAnswer,
        status=201,
        faults=(Invalid, MediaTooLarge, MediaTypeRefused),
    ),
)
