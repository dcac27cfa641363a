"""`/phone/api/…` and the page itself."""

from pathlib import Path
from typing import Any, Literal

from aiohttp import hdrs, web

from sandbox import numbers
from sandbox.graph.media import MediaShelf
from sandbox.http import Do, answer, read
from sandbox.network import Network
from sandbox.phone import prompts
from sandbox.phone.call import Call
from sandbox.phone.chats import Chats, Impossible
from sandbox.phone.exchange import Exchange
from sandbox.phone.live import Live
from sandbox.specs import Behaviour, Json, NumberChange, Spec

FILE_MAX = 16 * 1024 * 1024
# Pictures may come from wherever a business links them; code only from here.
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' blob: https: http:; media-src 'self' https: http:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'"
)
SHOWABLE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


class Dial(Spec):
    """Begin a call."""

    line: str
    language: Literal["ru", "en"] | None = None
    withheld: bool = False


class Key(Spec):
    """One key of the phone."""

    digit: str


class Look(Spec):
    """Open a chat or leave it."""

    open: bool = True
    while_shown: bool = False


class Writing(Spec):
    """A text, or a tap on a button or list row of a message."""

    text: str | None = None
    tap: str | None = None
    message_id: str | None = None
    reply_to: str | None = None
    reaction: str | None = None


class PhoneApi:
    """What the page asks; the state lives in the chats and the exchange."""

    def __init__(
        self,
        network: Network,
        chats: Chats,
        exchange: Exchange,
        live: Live,
        media: MediaShelf,
        static: Path | None,
    ) -> None:
        self._network, self._chats, self._exchange = network, chats, exchange
        self._live = live
        self._media, self._static = media, static

    def routes(self) -> list[web.RouteDef | web.AbstractRouteDef]:
        """The page, its files and what it asks."""
        base = "/phone/api/numbers/{number}"
        chat = base + "/chats/{account}"
        handlers: list[tuple[str, str, Do]] = [
            ("GET", "/phone/api/config", self.config),
            ("GET", base, self.phone),
            ("PUT", base, self.change),
            ("POST", base + "/calls", self.dial),
            ("POST", base + "/calls/current/keys", self.press),
            ("POST", base + "/calls/current/hangup", self.hang_up),
            ("POST", chat + "/open", self.look),
            ("POST", chat + "/messages", self.write),
            ("POST", chat + "/files", self.file),
        ]
        found: list[web.RouteDef | web.AbstractRouteDef] = [
            web.route(verb, path, answer(_possible(do))) for verb, path, do in handlers
        ]
        found.append(web.get("/phone/live", self._live.serve))
        found.append(web.get("/phone/api/media/{id}", self.medium))
        if self._static:
            found.append(web.get("/", self.page))
            if (self._static / "assets").is_dir():
                found.append(web.static("/assets", self._static / "assets"))
        else:
            found.append(web.get("/", self.no_page))
        return found

    # -- the page ------------------------------------------------------------------------------

    async def page(self, _: web.Request) -> web.StreamResponse:
        """The built page; never cached, its files are."""
        return web.FileResponse(
            Path(str(self._static)) / "phone.html",
            headers={hdrs.CACHE_CONTROL: "no-cache", "Content-Security-Policy": PAGE_POLICY},
        )

    async def no_page(self, _: web.Request) -> web.Response:
        """What to do when nobody built the page."""
        return web.Response(text="The phone page is not built: start with --static web/dist\n")

    async def config(self, _: web.Request) -> Json:
        """What can be dialled, and which phones there are."""
        lines = self._exchange.lines.values()
        named = [person for person in self._network.people.values() if person.named]
        return {
            "lines": [
                {
                    "number": line.number,
                    "brand": line.brand,
                    "language": line.language,
                    "chat_account": line.chat_account,
                    "base_url": line.base_url,
                }
                for line in lines
            ],
            "numbers": [person.shown() for person in named],
            "accounts": [
                {"account": one.spec.phone_number_id, "name": one.spec.name}
                for one in self._network.accounts.values()
            ],
            "behaviours": [behaviour.value for behaviour in Behaviour],
            "prompts": sorted(prompts.TEXTS),
        }

    async def medium(self, request: web.Request) -> web.StreamResponse:
        """A file for the screen; what a browser might run is only ever downloaded."""
        medium = self._media.get(request.match_info["id"])
        if medium is None:
            raise web.HTTPNotFound
        plain = medium.mime.partition(";")[0].strip().lower()
        shown = plain in SHOWABLE or plain.startswith(("audio/", "video/"))
        headers = {
            hdrs.CONTENT_TYPE: plain if shown else "application/octet-stream",
            hdrs.X_CONTENT_TYPE_OPTIONS: "nosniff",
            hdrs.CACHE_CONTROL: "private, max-age=3600",
        }
        if not shown:
            headers[hdrs.CONTENT_DISPOSITION] = "attachment"
        return web.Response(body=medium.content, headers=headers)

    # -- the phone -----------------------------------------------------------------------------

    async def phone(self, request: web.Request) -> Json:
        """Everything a phone shows."""
        return self._live.snapshot(_number(request))

    async def change(self, request: web.Request) -> Json:
        """Behaviour, name, online."""
        key = _number(request)
        person = self._network.change(key, await read(request, NumberChange))
        self._chats.feed.tell(key, {"type": "phone", "phone": person.shown()})
        return person.shown()

    async def dial(self, request: web.Request) -> Json:
        """Call a line."""
        key, wanted = _number(request), await read(request, Dial)
        self._network.person(key)
        call = self._exchange.dial(key, wanted.line, wanted.language, withheld=wanted.withheld)
        return call.shown()

    async def press(self, request: web.Request) -> Json:
        """Press a key in the call."""
        digit = (await read(request, Key)).digit
        if digit not in set("0123456789*#"):
            raise Impossible("a phone has the keys 0-9, * and #")
        call = self._call(request)
        call.press(digit)
        return call.shown()

    async def hang_up(self, request: web.Request) -> Json:
        """Leave the call."""
        call = self._call(request)
        call.hang_up()
        return call.shown()

    async def look(self, request: web.Request) -> Json:
        """Open or leave a chat."""
        wanted = await read(request, Look)
        account = request.match_info["account"]
        self._chats.open(
            _number(request), account, open_=wanted.open, while_shown=wanted.while_shown
        )
        return {"ok": True}

    async def write(self, request: web.Request) -> Json:
        """Write, tap, or react."""
        key, account = _number(request), request.match_info["account"]
        wanted = await read(request, Writing)
        if wanted.tap is not None:
            return {"id": self._chats.tap(key, account, wanted.message_id or "", wanted.tap)}
        if wanted.reaction is not None:
            emoji = {"message_id": wanted.message_id or "", "emoji": wanted.reaction}
            message: Json = {"type": "reaction", "reaction": emoji}
            return {"id": self._chats.write(key, account, message)}
        text = (wanted.text or "").strip()
        if not 1 <= len(text) <= 4096:  # noqa: PLR2004 - WhatsApp's limit on a text
            raise Impossible("a message has 1 to 4096 characters")
        message = {"type": "text", "text": {"body": text}}
        return {"id": self._chats.write(key, account, message, wanted.reply_to)}

    async def file(self, request: web.Request) -> Json:
        """Send a picture or a file: multipart with `file` and `caption`."""
        key, account = _number(request), request.match_info["account"]
        if not request.content_type.startswith("multipart/"):
            raise Impossible("multipart/form-data is expected")
        form = await request.post()
        sent = form.get("file")
        if not isinstance(sent, web.FileField):
            raise Impossible("the part `file` is missing")
        content = sent.file.read(FILE_MAX + 1)
        if not 0 < len(content) <= FILE_MAX:
            raise Impossible("a file has 1 byte to 16 MB")
        wamid = self._chats.send_file(
            key,
            account,
            mime=sent.content_type or "application/octet-stream",
            content=content,
            name=sent.filename,
            caption=str(form.get("caption", "")),
        )
        return {"id": wamid}

    def _call(self, request: web.Request) -> Call:
        call = self._exchange.current(_number(request))
        if call is None or call.state == "ended":
            raise Impossible("this phone is in no call")
        return call


def _number(request: web.Request) -> str:
    key = numbers.key(request.match_info["number"])
    if not 7 <= len(key) <= 15:  # noqa: PLR2004 - E.164
        raise Impossible("that is no phone number")
    return key


def _possible(do: Do) -> Do:
    async def handler(request: web.Request) -> Any:
        try:
            return await do(request)
        except Impossible as why:
            raise web.HTTPConflict(text=str(why)) from None

    return handler
