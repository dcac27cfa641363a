"""The Graph API's routes: messages, media, templates, phone numbers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import BodyPartReader, hdrs, web

from sandbox.accounts import Account
from sandbox.graph.media import MediaShelf, Medium
from sandbox.graph.refusals import Refusal
from sandbox.graph.sending import Broken, Sending
from sandbox.network import Network
from sandbox.wire import Wire

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VERSION = r"/{version:v\d+\.\d+}"


class GraphApi:
    """HTTP around the network: one method a route."""

    def __init__(self, network: Network, wire: Wire, media: MediaShelf, sending: Sending) -> None:
        self._network, self._wire, self._media, self._sending = network, wire, media, sending

    def routes(self) -> list[web.RouteDef]:
        """All routes under a version."""
        return [
            web.post(VERSION + "/{id}/messages", self.messages),
            web.post(VERSION + "/{id}/media", _graph(self.upload)),
            web.get(VERSION + "/{id}/message_templates", _graph(self.templates)),
            web.get(VERSION + "/{id}/phone_numbers", _graph(self.phone_numbers)),
            web.post(VERSION + "/{id}/subscribed_apps", _graph(self.subscribe)),
            web.get(VERSION + "/{id}", _graph(self.node)),
            web.delete(VERSION + "/{id}", _graph(self.delete)),
            web.get("/media/{word}", _graph(self.download)),
        ]

    async def messages(self, request: web.Request) -> web.Response:
        """Send one message."""
        try:
            reply = await self._sending.take(
                request.match_info["id"],
                request.headers.get(hdrs.AUTHORIZATION, ""),
                request.path,
                await request.read(),
            )
        except Refusal as refusal:
            return web.json_response(refusal.body(), status=refusal.http_status)
        except Broken:
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        return web.Response(text=json.dumps(reply), content_type="application/json")

    async def upload(self, request: web.Request) -> web.Response:
        """Keep a file: multipart with `file`, `type` and `messaging_product`."""
        account = self._account(request)
        if not request.content_type.startswith("multipart/"):
            raise Refusal(100, "The body must be multipart/form-data.")
        content, filename, mime, product = b"", None, "", ""
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            if part.name == "file":
                content = bytes(await part.read(decode=False))
                filename = part.filename
                mime = mime or part.headers.get(hdrs.CONTENT_TYPE, "")
            elif part.name == "type":
                mime = await part.text()
            elif part.name == "messaging_product":
                product = await part.text()
        record = self._note(request, "media", f"<{len(content)} bytes of {mime}>".encode())
        if product != "whatsapp":
            record.status, record.code = 400, 100
            raise Refusal(100, "The parameter messaging_product is required.")
        medium = self._media.upload(account.spec.phone_number_id, mime, content, filename)
        record.status = 200
        return web.json_response({"id": medium.id})

    async def node(self, request: web.Request) -> web.Response:
        """A media id or a phone number id: Graph does not tell them apart by path."""
        wanted = request.match_info["id"]
        self._note(request, "lookup", b"")
        account = self._network.accounts.get(wanted)
        if account:
            self._authorised(request, account)
            return web.json_response(_phone_number(account))
        medium = self._owned(request, wanted)
        address = request.url.origin().with_path(f"/media/{self._media.link(medium)}")
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "url": str(address),
                "mime_type": medium.mime,
                "sha256": medium.sha256,
                "file_size": str(len(medium.content)),
                "id": medium.id,
            }
        )

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a file."""
        self._media.drop(self._owned(request, request.match_info["id"]).id)
        return web.json_response({"success": True})

    async def download(self, request: web.Request) -> web.Response:
        """The bytes; the address alone is not enough, the token must come too."""
        medium = self._media.follow(request.match_info["word"])
        if medium is None:
            return web.json_response({"error": {"message": "Not found or expired"}}, status=404)
        self._authorised(request, self._network.accounts[medium.account])
        return web.Response(body=medium.content, headers={hdrs.CONTENT_TYPE: medium.mime})

    async def templates(self, request: web.Request) -> web.Response:
        """The templates of a business account, 25 a page unless asked otherwise."""
        accounts = self._of_business(request)
        self._note(request, "lookup", b"")
        found = [
            {"id": f"{index + 1:015d}", **template.model_dump(exclude_none=True)}
            for index, template in enumerate(accounts[0].spec.templates)
        ]
        name = request.query.get("name")
        rows = [row for row in found if name is None or name in row["name"]]
        return web.json_response(_page(request, rows))

    async def phone_numbers(self, request: web.Request) -> web.Response:
        """The numbers of a business account."""
        accounts = self._of_business(request)
        return web.json_response({"data": [_phone_number(account) for account in accounts]})

    async def subscribe(self, request: web.Request) -> web.Response:
        """Subscribing an application to webhooks always succeeds here."""
        self._of_business(request)
        return web.json_response({"success": True})

    # -- who asks ----------------------------------------------------------------------------

    def _account(self, request: web.Request) -> Account:
        wanted = request.match_info["id"]
        account = self._network.accounts.get(wanted)
        if account is None:
            self._anyone(request)
            raise Refusal(33, f"Object with ID '{wanted}' does not exist")
        self._authorised(request, account)
        return account

    def _of_business(self, request: web.Request) -> list[Account]:
        wanted = request.match_info["id"]
        found = [one for one in self._network.accounts.values() if one.spec.waba_id == wanted]
        if not found:
            self._anyone(request)
            raise Refusal(100, f"Object with ID '{wanted}' does not exist")
        self._authorised(request, *found)
        return found

    def _owned(self, request: web.Request, media_id: str) -> Medium:
        medium = self._media.get(media_id)
        if medium is None:
            self._anyone(request)
            raise Refusal(33, f"Object with ID '{media_id}' does not exist")
        self._authorised(request, self._network.accounts[medium.account])
        return medium

    def _anyone(self, request: web.Request) -> None:
        self._authorised(request, *self._network.accounts.values())

    def _authorised(self, request: web.Request, *accounts: Account) -> None:
        given = request.headers.get(hdrs.AUTHORIZATION, "")
        if not any(given == account.bearer for account in accounts):
            raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")

    def _note(self, request: web.Request, kind: str, body: bytes) -> Any:
        return self._wire.write(
            at=self._network.timeline.now(),
            kind=kind,
            account=request.match_info["id"],
            method=request.method,
            path=request.path,
            body=body,
        )


def _graph(handler: Handler) -> Handler:
    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return web.json_response(refusal.body(), status=refusal.http_status)

    return answered


def _phone_number(account: Account) -> dict[str, Any]:
    level = "STANDARD" if account.spec.mps <= 80 else "HIGH"  # noqa: PLR2004 - Meta's default mps
    return {
        "id": account.spec.phone_number_id,
        "verified_name": account.spec.name,
        "display_phone_number": account.spec.display_number,
        "quality_rating": "GREEN",
        "throughput": {"level": level},
        "whatsapp_business_manager_messaging_limit": account.spec.daily_tier,
    }


def _page(request: web.Request, rows: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        limit = max(1, min(250, int(request.query.get("limit", "25"))))
        start = int(request.query.get("after", "0"))
    except ValueError:
        raise Refusal(100, "limit and after must be numbers") from None
    page: dict[str, Any] = {"data": rows[start : start + limit], "paging": {"cursors": {}}}
    page["paging"]["cursors"] = {"before": str(start), "after": str(start + limit)}
    if start + limit < len(rows):
        following = request.url.update_query({"after": str(start + limit), "limit": str(limit)})
        page["paging"]["next"] = str(following)
    return page
