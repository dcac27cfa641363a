"""Hints between processes over Redis: "look again". Losing one, or all of them, loses nothing.

Everything that waits here also sweeps, so Redis is never needed; it only makes waiting short.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.spells import Spell

_CHANNEL = "ivr_bridge:wake"
_PENDING_LIMIT = 10_000
_RECONNECT_S = 0.5
_GATHER_S = 0.02
"""The first hint goes out at once; those that follow on its heels go together."""
_SENDER = "from:"


class Signal:
    """Something to wait on; set when its topic was hinted at since the last wait."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake whoever waits."""
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """True when hinted at, False when it is time to sweep."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wake:
    """This process's end of the hints."""

    def __init__(self) -> None:
        self._signals: dict[str, set[Signal]] = defaultdict(set)
        self._pending: dict[str, None] = {}
        # What we hint at rings here at once: hearing it again from Redis would make everybody look twice.
        self._sender = f"{_SENDER}{secrets.token_hex(8)}"
        self._has_pending = asyncio.Event()

    def hint(self, topics: Iterable[str]) -> None:
        """Say to every process, this one first, that something under these topics changed."""
        for topic in topics:
            self._ring(topic)
            if len(self._pending) < _PENDING_LIMIT:
                self._pending[topic] = None
        self._has_pending.set()

    @contextmanager
    def listening(self, topic: str) -> Iterator[Signal]:
        """A signal for one topic; subscribe first, read afterwards, and nothing falls between."""
        signal = Signal()
        self._signals[topic].add(signal)
        try:
            yield signal
        finally:
            listeners = self._signals[topic]
            listeners.discard(signal)
            if not listeners:
                del self._signals[topic]

    async def publish(self, redis: Redis) -> None:
        """Carry hints to the other processes until cancelled."""
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            topics, self._pending = list(self._pending), {}
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await redis.publish(_CHANNEL, "\n".join([self._sender, *topics]))
            await asyncio.sleep(_GATHER_S)

    async def listen(self, redis: Redis) -> None:
        """Hear the other processes' hints until cancelled; when Redis is away, try again quietly."""
        away = Spell("wake.redis_lost", "wake.redis_back")
        while True:
            try:
                async with redis.pubsub() as pubsub:
                    await pubsub.subscribe(_CHANNEL)
                    away.over()
                    # Whatever was hinted at while we were deaf may have been ours.
                    self._ring_all()
                    while True:
                        message = await pubsub.get_message(
                            ignore_subscribe_messages=True, timeout=30
                        )
                        if message is not None:
                            self._hear(message["data"].decode().split("\n"))
            except (RedisError, OSError, TimeoutError) as lost:
                away.met(lost)
                await asyncio.sleep(_RECONNECT_S)

    def _hear(self, lines: list[str]) -> None:
        if lines[0] == self._sender:
            return
        for topic in lines:
            self._ring(topic)

    def _ring(self, topic: str) -> None:
        for signal in self._signals.get(topic, ()):
            signal.set()

    def _ring_all(self) -> None:
        for signals in self._signals.values():
            for signal in signals:
                signal.set()


@asynccontextmanager
async def open_wake(redis_url: str) -> AsyncIterator[Wake]:
    """Hints over this Redis or Valkey for as long as the block lasts."""
    # redis-py retries ten times with five seconds each by default: far too patient for a hint.
    redis = Redis.from_url(
        redis_url, socket_connect_timeout=1, socket_timeout=None, retry=Retry(NoBackoff(), 0)
    )
    wake = Wake()
    tasks = [asyncio.ensure_future(wake.publish(redis)), asyncio.ensure_future(wake.listen(redis))]
    try:
        yield wake
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await redis.aclose()
