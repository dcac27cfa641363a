"""Puts the parts together, and takes them apart again."""

import secrets
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox.control import Control
from sandbox.graph.api import GraphApi
from sandbox.graph.media import MediaShelf
from sandbox.graph.sending import Sending
from sandbox.network import Network
from sandbox.phone.api import PhoneApi
from sandbox.phone.chats import Chats
from sandbox.phone.exchange import Exchange
from sandbox.phone.live import Live
from sandbox.presets import NUMBERS
from sandbox.sms.api import SmsApi
from sandbox.specs import Config, NumberChange
from sandbox.state import Keeper
from sandbox.timeline import Timeline
from sandbox.wire import Wire

BODY_MAX = 110 * 1024 * 1024  # Meta's largest document and its multipart frame


class Assembly:
    """One sandbox: network, wire, chats, exchange, and who serves them."""

    def __init__(
        self, config: Config, *, wire_file: Path | None, data: Path | None, seed: str | None
    ) -> None:
        self._config = config
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._timeline = Timeline()
        self._wire = Wire(wire_file)
        self._network = Network(self._timeline, self._session, seed or secrets.token_hex(16))
        self._media = MediaShelf(self._timeline)
        self._sending = Sending(self._network, self._wire, self._media)
        self._chats = Chats(self._network, self._media)
        self._exchange = Exchange(self._session, self._timeline, self._chats)
        self._live = Live(self._network, self._chats, self._exchange)
        self.apply(config)
        self._keeper = Keeper(data, self._network, self._chats, self._media) if data else None
        if self._keeper:
            self._keeper.load()

    def app(self, static: Path | None) -> web.Application:
        """Everything that answers HTTP."""
        phone = PhoneApi(
            self._network, self._chats, self._exchange, self._live, self._media, static
        )
        control = Control(
            self._network, self._wire, self._sending, apply=self.apply, reset=self.reset
        )
        app = web.Application(client_max_size=BODY_MAX)
        app.add_routes(GraphApi(self._network, self._wire, self._media, self._sending).routes())
        app.add_routes(SmsApi(self._network, self._wire, self._sending).routes())
        app.add_routes(control.routes())
        app.add_routes(phone.routes())
        return app

    def apply(self, wanted: Config) -> None:
        """Add and replace what a configuration names."""
        for account in wanted.accounts:
            self._network.register(account)
        for line in wanted.lines:
            self._exchange.register(line)
        if wanted.default:
            self._network.default = wanted.default
        named = {number.number for number in wanted.numbers}
        presets = [one for one in NUMBERS if one.number not in named] if wanted.presets else []
        for number in (*presets, *wanted.numbers):
            told = number.model_dump(exclude={"number"}, exclude_unset=True)
            told.setdefault("behaviour", number.behaviour)
            self._network.change(number.number, NumberChange(**told))

    def reset(self) -> None:
        """Begin anew with the numbers of the first configuration."""
        self._exchange.reset()
        self._network.reset()
        self._chats.reset()
        self._media.clear()
        self._wire.clear()
        self.apply(Config(numbers=self._config.numbers, presets=self._config.presets))

    async def settle(self) -> None:
        """Before the listening ends: keep the state, end calls, pages and deliveries."""
        if self._keeper:
            self._keeper.save()
        await self._live.close()
        await self._exchange.stop()
        for account in self._network.accounts.values():
            await account.postman.stop()
        self._timeline.clear()
        self._sending.release(None)

    async def close(self) -> None:
        """After the listening ended."""
        if self._keeper:
            self._keeper.stop()
        await self._session.close()
        self._wire.close()
