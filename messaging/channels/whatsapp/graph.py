"""One request to a Graph-like API, and what is known when it goes wrong."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload
from yarl import URL

from messaging.channel import Ambiguous, Failure, FailureClass, Rejected
from messaging.channels.whatsapp.failures import failure
from messaging.channels.whatsapp.wire import JsonObject, mapping

ANSWER_LIMIT = 1 << 20
_CONNECTING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_EXACT = 3600.0
_SECONDS = re.compile(r"\d{1,5}")


class Letter(BytesPayload):
    """A JSON body that remembers whether it has begun to leave.

    Until then the provider cannot have taken the message, whatever broke.
    """

    def __init__(self, value: JsonObject) -> None:
        super().__init__(json.dumps(value).encode(), content_type="application/json")
        self.left = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Called by aiohttp once a connection stands."""
        self.left = True
        await super().write_with_length(writer, content_length)


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its body as it came."""

    content: bytes
    mime: str

    @property
    def document(self) -> JsonObject:
        """The JSON object in it, empty when there is none."""
        return _document(self.content)


async def exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    data: Letter | aiohttp.FormData | None = None,
    limit: int = ANSWER_LIMIT,
) -> Answer:
    """Ask once. Raises `Rejected` when the provider certainly refused or heard nothing, else `Ambiguous`."""
    if timeout_s <= 0:
        # To aiohttp zero means for ever.
        raise _unreachable("no_time_left")
    try:
        async with session.request(
            method,
            url,
            data=data,
            # A small compressed answer could unfold into a large one.
            headers={**headers, "Accept-Encoding": "identity"},
            allow_redirects=False,
            # aiohttp rounds longer timeouts up to whole seconds unless told otherwise.
            timeout=aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=_EXACT),
        ) as response:
            content = await _read(response, limit)
    except _CONNECTING:
        raise _unreachable("unreachable") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as broken:
        if isinstance(data, Letter) and not data.left:
            raise _unreachable("unreachable") from None
        # The library's message may name the address; its class says enough.
        raise Ambiguous(type(broken).__name__) from None
    return _judged(response, content)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The whole body, or None as soon as it proves larger than the limit."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            response.close()
            return None
    return bytes(content)


def _judged(response: aiohttp.ClientResponse, content: bytes | None) -> Answer:
    if response.ok and response.status < 300:  # noqa: PLR2004 - redirects are no success
        if content is None:
            raise TooLarge
        return Answer(content, response.headers.get("Content-Type", ""))
    error = mapping(_document(content or b"").get("error"))
    retry_after_s = _retry_after(response)
    if "code" in error:
        raise Rejected(failure(error), retry_after_s=retry_after_s)
    if response.status >= 500 or response.status == 408:  # noqa: PLR2004 - a proxy may have lost the reply only
        raise Ambiguous(f"http_{response.status}")
    refusal = Failure(
        _CLASS_BY_STATUS.get(response.status, FailureClass.OUR_REQUEST), f"http_{response.status}"
    )
    raise Rejected(refusal, retry_after_s=retry_after_s)


class TooLarge(Ambiguous):
    """A success whose body is larger than was allowed."""


_CLASS_BY_STATUS = {
    401: FailureClass.ACCOUNT,
    403: FailureClass.ACCOUNT,
    425: FailureClass.TRANSIENT,
    429: FailureClass.TRANSIENT,
}


def _document(content: bytes) -> JsonObject:
    try:
        return mapping(json.loads(content))
    except (ValueError, RecursionError):
        return {}


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    told = response.headers.get("Retry-After", "").strip()
    return float(told) if _SECONDS.fullmatch(told) else None


def _unreachable(code: str) -> Rejected:
    return Rejected(Failure(FailureClass.TRANSIENT, code))


class Budget:
    """What is left of one timeout that several requests share."""

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until it is spent; negative afterwards."""
        return self._ends - self._loop.time()
