"""The sandbox as a process, and as something a test starts in its own loop."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from sandbox.assembly import Assembly
from sandbox.specs import Config

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
    data: Path | None = None,
    seed: str | None = None,
) -> RunningSandbox:
    """Start in this loop; the caller stops it."""
    parts = Assembly(config or Config(), wire_file=wire_file, data=data, seed=seed)
    runner = web.AppRunner(parts.app(static), access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        await parts.close()
        raise

    async def stop() -> None:
        await parts.settle()
        await runner.cleanup()
        await parts.close()

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
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(wanted, config))
    except OSError as taken:
        sys.stderr.write(f"sandbox: cannot listen on {wanted.listen}: {taken.strerror}\n")
        return 1
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: the standard loop does, at half the speed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(wanted: argparse.Namespace, config: Config) -> None:
    host, _, port = wanted.listen.rpartition(":")
    running = await start(
        config,
        host=host.strip("[]") or "127.0.0.1",
        port=int(port),
        static=wanted.static,
        wire_file=wanted.wire_file,
        data=wanted.data,
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
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep chats over a restart")
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
