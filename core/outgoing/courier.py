"""One POST to somebody else's server: signed, short, without redirects, without trust."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import aiohttp

from core.clock import Clock
from core.outgoing.destinations import Forbidden, GuardedResolver, check_literal
from core.outgoing.signing import headers

TIMEOUT_S = 8.0
_CONNECT_S = 4.0
_LONGEST_WAIT_S = 3600.0
_GONE = 410
_AGENT = "IVR-Bridge-Webhooks/1"


class End(Enum):
    """How an attempt ended."""

    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"
    """The receiver says that nobody listens there any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt and what is known about it; `error` is a word of ours, never the receiver's."""

    end: End
    error: str | None = None
    wait_s: float = 0.0
    """The receiver asked for this much rest."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be delivered, and where."""

    url: str
    private: bool
    secrets: Sequence[str]
    webhook_id: str
    body: str


class Courier:
    """Delivers letters over two sets of connections that never mix: the world's, and our own net's."""

    def __init__(
        self, public: aiohttp.ClientSession, private: aiohttp.ClientSession, clock: Clock
    ) -> None:
        self._sessions = {False: public, True: private}
        self._clock = clock

    async def deliver(self, letter: Letter) -> Attempt:
        """Try once."""
        body = letter.body.encode()
        told = {
            "Content-Type": "application/json",
            "User-Agent": _AGENT,
            **headers(
                letter.secrets,
                webhook_id=letter.webhook_id,
                timestamp=int(self._clock().timestamp()),
                body=body,
            ),
        }
        try:
            check_literal(letter.url, private=letter.private)
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._sessions[letter.private].post(
                    letter.url, data=body, headers=told, allow_redirects=False
                ) as response,
            ):
                return _judged(response)
        except TimeoutError:
            return Attempt(End.FAILED, "timeout")
        except Forbidden:
            return Attempt(End.FAILED, "address_forbidden")
        except aiohttp.ClientConnectorError as broken:
            forbidden = isinstance(broken.os_error, Forbidden)
            return Attempt(End.FAILED, "address_forbidden" if forbidden else "connection")
        except (aiohttp.ClientError, OSError, ValueError):
            return Attempt(End.FAILED, "connection")


def _judged(response: aiohttp.ClientResponse) -> Attempt:
    """What the status says; nobody reads the body. A redirect is an address nobody agreed to."""
    if response.ok and response.status < 300:  # noqa: PLR2004 - 2xx is the promise
        return Attempt(End.TAKEN)
    error = f"status_{response.status}"
    if response.status == _GONE:
        return Attempt(End.GONE, error)
    return Attempt(End.FAILED, error, _wait_s(response.headers.get("Retry-After", "")))


def _wait_s(text: str) -> float:
    return min(_LONGEST_WAIT_S, float(text)) if text.isascii() and text.isdigit() else 0.0


@asynccontextmanager
async def open_courier(clock: Clock) -> AsyncIterator[Courier]:
    """A courier with connections of its own, closed at the end."""
    async with _session(private=False) as public, _session(private=True) as private:
        yield Courier(public, private, clock)


def _session(*, private: bool) -> aiohttp.ClientSession:
    # No memory of names: an answer is used for the connection it was checked for.
    connector = aiohttp.TCPConnector(
        limit=100, limit_per_host=8, resolver=GuardedResolver(private=private), use_dns_cache=False
    )
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=_CONNECT_S)
    return aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    )
