"""How fast an account may speak, and how often to one person.

Providers count messages in and out together per account, and separately how many one person gets.
All processes share the count through Redis; without it each paces itself, and the provider's own
refusals are the last word. An opening that may not go now is refused, a reply waits.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.ids import ContactId
from core.vocabulary import ChannelKind
from messaging.channel import Account, Capabilities, Channel

log = structlog.get_logger()

_REDIS_TIMEOUT_S = 0.1
_REDIS_CONNECTIONS = 16
_REDIS_REST_S = 1.0
_SHARE_EVERY_S = 0.1
_MOST_PAIRS = 50_000

# A leaky bucket kept as one time per key: when the next message would be exactly on time (GCRA).
# The account's bucket is looked at before the pair's, and both are filled only when both have room.
_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local cost = tonumber(ARGV[1])
local ahead = {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local due = math.max(tonumber(redis.call('GET', key) or now), now) + interval * cost
  local wait = due - now - interval * burst
  if wait > 0 then return {i, math.ceil(wait)} end
  ahead[i] = due
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ahead[i], 'PX', math.max(1, math.ceil(ahead[i] - now)))
end
return {0, 0}
"""

# The same look, with nothing taken.
_LOOK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local wait = math.max(tonumber(redis.call('GET', key) or now), now) + interval - now - interval * burst
  if wait > 0 then return {i, math.ceil(wait)} end
end
return {0, 0}
"""

# What came in counts too, but was not ours to refuse: it may fill the bucket, not overfill it.
_NOTE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + interval * tonumber(ARGV[1])
due = math.min(due, now + interval * burst)
redis.call('SET', KEYS[1], due, 'PX', math.max(1, math.ceil(due - now)))
return 0
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """May it go now; if not, in how long, and for whose sake."""

    wait_s: float = 0.0
    scope: Literal["account", "pair"] | None = None

    @property
    def allowed(self) -> bool:
        """Now."""
        return self.wait_s <= 0


NOW = Pace()


@dataclass(frozen=True, slots=True)
class _Bucket:
    """One limit: a message every `interval_ms`, and `burst` of them at once."""

    key: str
    interval_ms: float
    burst: float


class Pacing:
    """The pace of every account, shared between processes where Redis answers."""

    def __init__(
        self,
        channels: Mapping[ChannelKind, Channel],
        redis: Redis | None,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channels = channels
        self._seconds = seconds
        self._take = redis.register_script(_TAKE) if redis is not None else None
        self._look = redis.register_script(_LOOK) if redis is not None else None
        self._note = redis.register_script(_NOTE) if redis is not None else None
        self._alone = _Alone(seconds)
        self._redis_rests_until = 0.0
        self._share_from = 0.0
        self._inbound: dict[_Bucket, int] = {}

    async def allow(self, account: Account, recipient: ContactId | None, *, cost: int = 1) -> Pace:
        """Take a place for a message to this person, if there is one now."""
        buckets = self._buckets(account, recipient)
        told = await self._ask(buckets, cost)
        if told is None:
            told = self._alone.take(buckets, cost)
        return _pace(*told)

    async def room(self, account: Account, recipient: ContactId | None) -> Pace:
        """Would there be a place now? Takes none; without Redis nobody knows better than to say yes."""
        if self._look is None or self._seconds() < self._redis_rests_until:
            return NOW
        buckets = self._buckets(account, recipient)
        args = [value for each in buckets for value in (each.interval_ms, each.burst)]
        try:
            which, wait_ms = await self._look(keys=[each.key for each in buckets], args=args)
        except (RedisError, OSError, TimeoutError):
            self._rest()
            return NOW
        return _pace(int(which), float(wait_ms))

    def note_inbound(self, account: Account, messages: int) -> None:
        """Customers' messages count against the account as well; `share` tells the others."""
        bucket = _of_account(account, self._channels[account.kind].capabilities)
        self._alone.note(bucket, messages)
        self._inbound[bucket] = self._inbound.get(bucket, 0) + messages

    async def share(self) -> None:
        """Tell the other processes what came in; asked often, it does so a few times a second."""
        now = self._seconds()
        if not self._inbound or now < self._share_from:
            return
        self._share_from = now + _SHARE_EVERY_S
        noted, self._inbound = self._inbound, {}
        if self._note is None or now < self._redis_rests_until:
            return
        try:
            for bucket, messages in noted.items():
                await self._note(
                    keys=[bucket.key], args=[messages, bucket.interval_ms, bucket.burst]
                )
        except (RedisError, OSError, TimeoutError):
            self._rest()

    def _buckets(self, account: Account, recipient: ContactId | None) -> list[_Bucket]:
        capabilities = self._channels[account.kind].capabilities
        buckets = [_of_account(account, capabilities)]
        if recipient is not None:
            buckets.append(_of_pair(account, capabilities, recipient))
        return buckets

    async def _ask(self, buckets: list[_Bucket], cost: int) -> tuple[int, float] | None:
        """Redis's word, or None when it has none in time."""
        if self._take is None or self._seconds() < self._redis_rests_until:
            return None
        args: list[float] = [cost]
        for bucket in buckets:
            args += [bucket.interval_ms, bucket.burst]
        try:
            which, wait_ms = await self._take(keys=[each.key for each in buckets], args=args)
        except (RedisError, OSError, TimeoutError):
            self._rest()
            return None
        return int(which), float(wait_ms)

    def _rest(self) -> None:
        """Do not let every message pay for a Redis that is away."""
        log.warning("pacing.redis_lost")
        self._redis_rests_until = self._seconds() + _REDIS_REST_S


class _Alone:
    """The same buckets, for this process only."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, buckets: list[_Bucket], cost: int) -> tuple[int, float]:
        now = self._seconds() * 1000
        due = [
            max(self._due.get(bucket.key, now), now) + bucket.interval_ms * cost
            for bucket in buckets
        ]
        for place, bucket in enumerate(buckets):
            wait = due[place] - now - bucket.interval_ms * bucket.burst
            # A thousandth of a millisecond is the clock's noise, not the customer's wait.
            if wait > 1e-3:  # noqa: PLR2004
                return place + 1, wait
        for bucket, moment in zip(buckets, due, strict=True):
            self._keep(bucket.key, moment)
        return 0, 0.0

    def note(self, bucket: _Bucket, messages: int) -> None:
        now = self._seconds() * 1000
        due = max(self._due.get(bucket.key, now), now) + bucket.interval_ms * messages
        self._keep(bucket.key, min(due, now + bucket.interval_ms * bucket.burst))

    def _keep(self, key: str, due: float) -> None:
        self._due[key] = due
        self._due.move_to_end(key)
        while len(self._due) > _MOST_PAIRS:
            self._due.popitem(last=False)


def _pace(which: int, wait_ms: float) -> Pace:
    return Pace(wait_ms / 1000, "account" if which == 1 else "pair") if which else NOW


def _of_account(account: Account, capabilities: Capabilities) -> _Bucket:
    # An account's own tier (coexistence 20/s, upgraded 1,000/s) stands in its settings.
    told = account.settings.get("messages_per_second")
    per_second = float(told) if told else capabilities.messages_per_second
    return _Bucket(
        f"ivr_bridge:pace:{account.workspace_id}:{account.id}",
        interval_ms=1000 / per_second,
        burst=max(1.0, per_second),
    )


def _of_pair(account: Account, capabilities: Capabilities, recipient: ContactId) -> _Bucket:
    return _Bucket(
        f"ivr_bridge:pace:{account.workspace_id}:{account.id}:{recipient}",
        interval_ms=capabilities.pair_interval_s * 1000,
        burst=max(1.0, float(capabilities.pair_burst)),
    )


def pacing_redis(redis_url: str) -> Redis:
    """A few connections that give up fast: a caller is waiting."""
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=_REDIS_CONNECTIONS,
        timeout=_REDIS_TIMEOUT_S,
        socket_connect_timeout=_REDIS_TIMEOUT_S,
        socket_timeout=_REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
