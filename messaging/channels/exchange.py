"""One request to a provider, and what is known when it goes wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload
from yarl import URL

from messaging.channel import Ambiguous, Failure, FailureClass, Rejected

ANSWER_LIMIT = 1 << 20
_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_EXACT = 3600.0
_SECONDS = re.compile(r"\d{1,5}")


class Letter(BytesPayload):
    """A body that remembers whether it has begun to leave.

    Until then the provider cannot have taken the message, whatever broke.
    """

    def __init__(self, content: bytes, content_type: str) -> None:
        super().__init__(content, content_type=content_type)
        self.left = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Called by aiohttp once a connection stands."""
        self.left = True
        await super().write_with_length(writer, content_length)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered, whatever it means."""

    status: int
    headers: Mapping[str, str]
    content: bytes | None
    """None when it is larger than was allowed."""

    @property
    def mime(self) -> str:
        """What it says it is."""
        return self.headers.get("Content-Type", "")

    @property
    def retry_after_s(self) -> float | None:
        """When it asks to be asked again; a date is not understood."""
        told = self.headers.get("Retry-After", "").strip()
        return float(told) if _SECONDS.fullmatch(told) else None


async def ask(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    data: Letter | aiohttp.FormData | None = None,
    limit: int = ANSWER_LIMIT,
    leave_within_s: float | None = None,
) -> Reply:
    """Ask once, following no redirect; without a connection by `leave_within_s`, not at all.

    Raises `Rejected` when the provider certainly heard nothing, `Ambiguous` when nobody can say.
    """
    if timeout_s <= 0 or (leave_within_s is not None and leave_within_s <= 0):
        # To aiohttp zero means for ever.
        raise unreachable("no_time_left")
    try:
        async with session.request(
            method,
            url,
            data=data,
            # A small compressed answer could unfold into a large one.
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            # aiohttp rounds longer timeouts up to whole seconds unless told otherwise.
            timeout=aiohttp.ClientTimeout(
                total=timeout_s, connect=leave_within_s, ceil_threshold=_EXACT
            ),
        ) as response:
            content = await _read(response, limit)
            return Reply(response.status, response.headers, content)
    except _CONNECTING:
        raise unreachable("unreachable") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as broken:
        if isinstance(data, Letter) and not data.left:
            raise unreachable("unreachable") from None
        # The library's message may name the address; its class says enough.
        raise Ambiguous(type(broken).__name__) from None


def unreachable(code: str) -> Rejected:
    """The provider heard nothing: it may be asked again."""
    return Rejected(Failure(FailureClass.TRANSIENT, code))


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The whole body, or None as soon as it proves larger than the limit."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            response.close()
            return None
    return bytes(content)
