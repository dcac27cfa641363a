"""One request to a Graph-like API, and what its answer means."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import orjson
from yarl import URL

from messaging.channel import Ambiguous, Failure, FailureClass, Rejected
from messaging.channels import exchange as http
from messaging.channels.exchange import ANSWER_LIMIT, Reply
from messaging.channels.whatsapp.failures import failure
from messaging.channels.whatsapp.wire import JsonObject, mapping
from messaging.channels.wire import document


class Letter(http.Letter):
    """A JSON body that remembers whether it has begun to leave."""

    def __init__(self, value: JsonObject) -> None:
        super().__init__(orjson.dumps(value), "application/json")


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
    leave_within_s: float | None = None,
) -> Answer:
    """Ask once. Raises `Rejected` when the provider certainly refused or heard nothing, else `Ambiguous`."""
    reply = await http.ask(
        session,
        method,
        url,
        headers=headers,
        timeout_s=timeout_s,
        data=data,
        limit=limit,
        leave_within_s=leave_within_s,
    )
    return _judged(reply)


def _judged(reply: Reply) -> Answer:
    if 200 <= reply.status < 300:  # noqa: PLR2004 - redirects are no success
        if reply.content is None:
            raise TooLarge
        return Answer(reply.content, reply.mime)
    error = mapping(_document(reply.content or b"").get("error"))
    if "code" in error:
        raise Rejected(failure(error), retry_after_s=reply.retry_after_s)
    if reply.status >= 500 or reply.status == 408:  # noqa: PLR2004 - a proxy may have lost the reply only
        raise Ambiguous(f"http_{reply.status}")
    refusal = Failure(
        _CLASS_BY_STATUS.get(reply.status, FailureClass.OUR_REQUEST), f"http_{reply.status}"
    )
    raise Rejected(refusal, retry_after_s=reply.retry_after_s)


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
        return mapping(document(content))
    except ValueError:
        return {}


class Budget:
    """What is left of one timeout that several requests share."""

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until it is spent; negative afterwards."""
        return self._ends - self._loop.time()
