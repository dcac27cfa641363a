"""The sandbox as a process, and as something a test starts in its own loop."""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from pydantic import ValidationError

from sandbox.control import Control
from sandbox.graph.api import GraphApi
from sandbox.graph.media import MediaShelf
from sandbox.graph.sending import Sending
from sandbox.network import Network
from sandbox.phone.api import PhoneApi
from sandbox.phone.chats import Chats
from sandbox.phone.exchange import Exchange
from sandbox.specs import Config, NumberChange
from sandbox.timeline import Timeline
from sandbox.wire import Wire

log = structlog.get_logger()

BODY_MAX = 110 * 1024 * 1024  # Meta's largest document and its multipart frame
DEFAULT_LISTEN = "127.0.0.1:8090"


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at `url` until `stop()`."""

    url: str
    stop: Callable[[], Awaitable[None]]


async def start(
    config: Config | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    static: Path | None = None,
    wire_file: Path | None = None,
    seed: str | None = None,
) -> RunningSandbox:
    """Start in this loop; the caller stops it."""
    timeline = Timeline()
    wire = Wire(wire_file)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    )
    network = Network(timeline, session, seed or secrets.token_hex(16))
    media = MediaShelf(timeline)
    sending = Sending(network, wire, media)
    chats = Chats(network, media)
    exchange = Exchange(session, timeline, chats)

    def apply(wanted: Config) -> None:
        for account in wanted.accounts:
            network.register(account)
        for line in wanted.lines:
            exchange.register(line)
        for number in wanted.numbers:
            told = number.model_dump(exclude={"number"}, exclude_unset=True)
            network.change(number.number, NumberChange(**{"behaviour": number.behaviour, **told}))
        if wanted.default:
            network.default = wanted.default

    def reset() -> None:
        exchange.reset()
        network.reset()
        chats.reset()
        media.clear()
        wire.clear()
        apply(Config(numbers=config.numbers if config else []))

    app = web.Application(client_max_size=BODY_MAX)
    app.add_routes(GraphApi(network, wire, media, sending).routes())
    app.add_routes(Control(network, wire, sending, apply=apply, reset=reset).routes())
    phone = PhoneApi(network, chats, exchange, media, static)
    app.add_routes(phone.routes())
    apply(config or Config())

    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()

    async def stop() -> None:
        await phone.close()
        await exchange.stop()
        for account in network.accounts.values():
            await account.postman.stop()
        timeline.clear()
        sending.release(None)
        await runner.cleanup()
        await session.close()
        wire.close()

    address: tuple[Any, ...] = runner.addresses[0]
    shown = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
    return RunningSandbox(f"http://{shown}:{address[1]}", stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop."""
    wanted = _arguments(sys.argv[1:] if argv is None else argv)
    try:
        config = _config(wanted.config)
    except (OSError, ValueError) as wrong:
        sys.stderr.write(f"sandbox: cannot use {wanted.config}: {wrong}\n")
        return 2
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(wanted, config))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(wanted, config))
    return 0


async def _serve(wanted: argparse.Namespace, config: Config) -> None:
    host, _, port = wanted.listen.rpartition(":")
    running = await start(
        config,
        host=host.strip("[]") or "127.0.0.1",
        port=int(port),
        static=wanted.static,
        wire_file=wanted.wire_file,
        seed=wanted.seed,
    )
    sys.stdout.write(json.dumps({"url": running.url}) + "\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    await stop.wait()
    await running.stop()


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A pretend messenger network and a customer's phone."
    )
    parser.add_argument("--listen", default=DEFAULT_LISTEN, metavar="HOST:PORT")
    parser.add_argument("--config", type=Path, metavar="FILE", help="accounts, lines, numbers")
    parser.add_argument("--static", type=Path, metavar="DIR", help="the built phone page")
    parser.add_argument("--wire-file", type=Path, metavar="FILE", help="append every request here")
    parser.add_argument("--seed", metavar="TEXT", help="same seed, same ids and latencies")
    wanted = parser.parse_args(argv)
    if not wanted.listen.rpartition(":")[2].isdigit():
        parser.error("--listen must be HOST:PORT, for example 127.0.0.1:8090")
    return wanted


def _config(file: Path | None) -> Config:
    if file is None:
        return Config()
    try:
        return Config.model_validate_json(file.read_bytes())
    except ValidationError as wrong:
        raise ValueError(str(wrong)) from None
