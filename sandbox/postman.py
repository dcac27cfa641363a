"""Carries webhooks: batched, signed over raw bytes, retried until the product says 2xx."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections import deque
from dataclasses import dataclass

import aiohttp
import structlog

from sandbox.specs import AccountSpec, Json
from sandbox.timeline import Timeline

log = structlog.get_logger()

KEPT_FOR_S = 7 * 86_400


@dataclass(slots=True, eq=False)
class Batch:
    """One POST: its changes, already written out, and how often it was tried."""

    changes: list[str]
    first_at: float
    attempts: int = 0
    waiting: bool = False


@dataclass(slots=True)
class Round:
    """What the postman has done so far."""

    delivered: int = 0
    attempts: int = 0
    abandoned: int = 0
    unrouted: int = 0
    last_error: str | None = None


class Postman:
    """One account's deliveries; nothing handed in is lost while the process lives."""

    def __init__(
        self, account: AccountSpec, session: aiohttp.ClientSession, timeline: Timeline
    ) -> None:
        self.account = account
        self.round = Round()
        self.paused = False
        self._session, self._timeline = session, timeline
        self._fresh: deque[str] = deque()
        self._again: deque[Batch] = deque()
        self._waiting: set[Batch] = set()
        self._in_flight: dict[asyncio.Task[None], Batch] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop: asyncio.Task[None] | None = None

    def post(self, value: Json, *, field: str = "messages", copies: int = 1) -> None:
        """Hand in one update."""
        if not self.account.webhook_url:
            self.round.unrouted += copies
            return
        told = value if self._sms else {"value": value, "field": field}
        change = json.dumps(told, ensure_ascii=False)
        self._fresh.extend([change] * copies)
        self._idle.clear()
        self._wake.set()
        if self._loop is None:
            self._loop = asyncio.get_running_loop().create_task(self._run())

    @property
    def _sms(self) -> bool:
        return self.account.kind == "sms"

    @property
    def in_flight(self) -> int:
        """Updates inside POSTs that are under way."""
        return sum(len(batch.changes) for batch in self._in_flight.values())

    @property
    def undelivered(self) -> int:
        """Updates that no 2xx has confirmed yet."""
        resting = sum(len(batch.changes) for batch in (*self._again, *self._waiting))
        return len(self._fresh) + resting + self.in_flight

    def pause(self) -> None:
        """Stop delivering; what comes is kept."""
        self.paused = True

    def resume(self) -> None:
        """Deliver again, what waited first."""
        self.paused = False
        self._wake.set()

    async def flush(self, seconds: float) -> int:
        """Retry now what waits for its turn, and tell what is left after so many seconds."""
        for batch in list(self._waiting):
            self._retry(batch)
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            pass
        return self.undelivered

    def forget(self) -> None:
        """Drop everything undelivered (a judge's reset)."""
        self._fresh.clear()
        self._again.clear()
        self._waiting.clear()
        self.round = Round()
        self._settle()

    async def stop(self) -> None:
        """End the deliveries of this account."""
        tasks = [*self._in_flight, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def verify(self) -> tuple[bool, int, str]:
        """Meta's GET handshake: the challenge must come back as it is."""
        challenge = secrets.token_hex(8)
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": self.account.verify_token,
        }
        try:
            async with self._session.get(
                self.account.webhook_url or "",
                params=query,
                timeout=aiohttp.ClientTimeout(total=self.account.webhook_timeout_s),
                allow_redirects=False,
            ) as reply:
                text = await reply.text()
                return reply.status == 200 and text == challenge, reply.status, text  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError, ValueError) as broken:
            return False, 0, f"{type(broken).__name__}: {broken}"

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self.account.batch_linger_ms / 1000)
            while not self.paused and len(self._in_flight) < self.account.webhook_concurrency:
                batch = self._next()
                if batch is None:
                    break
                task = asyncio.get_running_loop().create_task(self._deliver(batch))
                self._in_flight[task] = batch
                task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.pop(task, None)
        self._settle()
        if self._fresh or self._again:
            self._wake.set()
        if not task.cancelled() and (broken := task.exception()):
            log.error("webhook.crashed", error=repr(broken))

    def _settle(self) -> None:
        if not (self._fresh or self._again or self._waiting or self._in_flight):
            self._idle.set()

    def _next(self) -> Batch | None:
        if self._again:
            return self._again.popleft()
        if not self._fresh:
            return None
        size = 1 if self._sms else min(len(self._fresh), self.account.batch_max)
        changes = [self._fresh.popleft() for _ in range(size)]
        return Batch(changes, self._timeline.now())

    async def _deliver(self, batch: Batch) -> None:
        batch.attempts += 1
        self.round.attempts += 1
        error = await self._post(self._body(batch))
        if error is None:
            self.round.delivered += len(batch.changes)
            return
        self.round.last_error = error
        if self._exhausted(batch):
            self.round.abandoned += len(batch.changes)
            log.error("webhook.abandoned", account=self.account.phone_number_id, error=error)
            return
        # Meta: "immediately, then a few more times with decreasing frequency over 7 days".
        pause = 0.0 if batch.attempts == 1 else 2.0 ** min(batch.attempts - 2, 16)
        self._waiting.add(batch)
        self._timeline.after(
            min(pause, self.account.webhook_backoff_max_s), lambda: self._retry(batch)
        )

    def _retry(self, batch: Batch) -> None:
        if batch in self._waiting:
            self._waiting.discard(batch)
            self._again.append(batch)
            self._wake.set()

    def _exhausted(self, batch: Batch) -> bool:
        limit = self.account.webhook_attempts
        too_old = self._timeline.now() - batch.first_at > KEPT_FOR_S
        return batch.attempts >= limit if limit else too_old

    def _body(self, batch: Batch) -> bytes:
        if self._sms:
            return batch.changes[0].encode()
        waba = json.dumps(self.account.waba_id)
        changes = ",".join(batch.changes)
        return (
            f'{{"object":"whatsapp_business_account","entry":[{{"id":{waba},'
            f'"changes":[{changes}]}}]}}'
        ).encode()

    async def _post(self, body: bytes) -> str | None:
        try:
            async with self._session.post(
                self.account.webhook_url or "",
                data=body,
                headers=self._headers(body),
                timeout=aiohttp.ClientTimeout(total=self.account.webhook_timeout_s),
                allow_redirects=False,
            ) as reply:
                await reply.read()
                return None if reply.status // 100 == 2 else f"HTTP {reply.status}"  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError, ValueError) as broken:
            return f"{type(broken).__name__}: {broken}"

    def _headers(self, body: bytes) -> dict[str, str]:
        mark = sign(self.account.app_secret, body)
        if self._sms:
            return {"Content-Type": "application/json", "X-Sms-Signature": mark}
        return {
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
            "X-Hub-Signature-256": f"sha256={mark}",
        }


def sign(app_secret: str, body: bytes) -> str:
    """HMAC-SHA256 over the bytes as they are sent."""
    return hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
