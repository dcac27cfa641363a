"""The port that Asterisk's AGI() connects to: the same decisions as over HTTP, told as variables."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from core.access import KeyHolder, Keys
from core.clock import Clock
from core.entrance import AddressForbidden
from core.faults import Fault, Forbidden, Unauthorized
from core.ids import DeflectionId, parse
from ivr_bridge.answer import Answer
from ivr_bridge.asking import SCOPE, Bridge
from ivr_bridge.deflections import BEGIN_WITHIN_S, DeflectionUnknown
from ivr_bridge.dialects.fastagi.talk import MAX_LINE, Gone, Talk
from ivr_bridge.dialects.fastagi.variables import ACTION, REASON, TRACE_ID, refused, variables
from ivr_bridge.dialects.fastagi.visit import Path, Visit, visit
from ivr_bridge.inflight import InFlight
from ivr_bridge.outcome import Action
from ivr_bridge.reading import asked_of
from ivr_bridge.shares import Shares
from ivr_bridge.store import Row
from ivr_bridge.timing import LONGEST_MS, VERBS_DEADLINE_MS, Budget, deadline_ms, patience_s

log = structlog.get_logger()

FINISH_S = LONGEST_MS / 1000 + 1
"""How long calls that are under way have when the process stops."""

OPEN = Gauge("ivr_bridge_fastagi_connections", "Asterisk channels that wait for an answer")
TOLD = Counter("ivr_bridge_fastagi_answers_total", "Answers over FastAGI", ["path", "action"])
TURNED_AWAY = Counter("ivr_bridge_fastagi_turned_away_total", "Connections beyond the limit")
TOOK = Histogram(
    "ivr_bridge_fastagi_seconds",
    "From connection to the last variable",
    ["path"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 8, 12),
)

Told = Iterable[tuple[str, str]]


class Broken(Fault, status=500, code="internal_error", retry=True):
    """Something broke here; the call goes on."""


class FastAgi:
    """Answers Asterisk channels, at most so many at once."""

    def __init__(
        self, bridge: Bridge, keys: Keys, shares: Shares, clock: Clock, *, at_once: int
    ) -> None:
        self._bridge = bridge
        self._shares = shares
        self._keys = keys
        self._clock = clock
        self._at_once = at_once
        self._in_flight = InFlight()
        self._server: asyncio.Server | None = None
        self._finish_by: float | None = None

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Take connections until the block ends; then give those under way their time."""
        self._server = await asyncio.start_server(
            self._met, host, port, limit=MAX_LINE, backlog=1024
        )
        try:
            yield
        finally:
            self.leave()
            left_s = (self._finish_by or 0.0) - time.monotonic()
            await self._in_flight.drain(max(0.0, left_s))

    def leave(self) -> None:
        """Take no more connections; the time of those under way runs from now."""
        if self._server is not None and self._finish_by is None:
            self._server.close()
            self._finish_by = time.monotonic() + FINISH_S

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._in_flight) >= self._at_once:
            # Nothing was set, so the call goes on; saying more would cost what we do not have.
            TURNED_AWAY.inc()
            writer.close()
            return
        self._in_flight.launch(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.monotonic()
        trace_id = secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
        OPEN.inc()
        try:
            await self._talk(Talk(reader, writer, self._clock), began, trace_id)
        except Gone:
            log.info("fastagi.left")
        finally:
            OPEN.dec()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, talk: Talk, began: float, trace_id: str) -> None:
        headers = await talk.headers()
        asked: Visit | None = None
        try:
            asked = visit(headers)
            holder = await self._bridge.soon(self._holder(asked, talk), BEGIN_WITHIN_S)
            # A connection that breaks from here on leaves this word, even where the dialplan forgot it.
            await talk.set_variable(ACTION, Action.CONTINUE.value)
            told, action = await self._answered(talk, asked, holder, began)
        except Fault as fault:
            log.info("fastagi.refused", code=fault.code)
            told, action = _refused(asked, fault), Action.CONTINUE
        except Gone:
            raise
        except Exception as broken:
            log.exception("fastagi.broke", exc_info=broken)
            told, action = _refused(asked, Broken()), Action.CONTINUE
        for name, value in (*told, (TRACE_ID, trace_id), (ACTION, action.value)):
            await talk.set_variable(name, value)
        path = "unknown" if asked is None else asked.path.value
        TOLD.labels(path, action.value).inc()
        TOOK.labels(path).observe(time.monotonic() - began)

    async def _holder(self, asked: Visit, talk: Talk) -> KeyHolder:
        """Whose key it is: the one that was brought, else the address' own; raises Forbidden …"""
        if asked.key is not None:
            holder = await self._keys.find(asked.key)
        else:
            holder = None if talk.address is None else await self._keys.by_address(talk.address)
        if holder is None:
            raise Unauthorized("Give AGI() a valid key: key=…")
        if not await self._keys.admit(holder, talk.address):
            raise AddressForbidden
        if SCOPE not in holder.scopes:
            raise Forbidden(f"This key does not open {SCOPE}.")
        return holder

    async def _answered(
        self, talk: Talk, asked: Visit, holder: KeyHolder, began: float
    ) -> tuple[Told, Action]:
        """What is to be told. A caller who leaves meanwhile neither aborts nor repeats anything."""
        if asked.path is Path.DECISION:
            answer = await self._decision(holder, asked.fields)
            return variables(answer), answer.action
        with self._shares.held(holder.key_id):
            if asked.path is Path.EVENT:
                return await self._event(holder, asked.fields), Action.CONTINUE
            return await self._heard(talk, asked, holder, began)

    async def _heard(
        self, talk: Talk, asked: Visit, holder: KeyHolder, began: float
    ) -> tuple[Told, Action]:
        """The decision, and whether the caller is still there to be told."""
        listening = asyncio.ensure_future(talk.listen())
        try:
            answer = await self._decided(asked, holder, began)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, Gone):
                await listening
        if talk.hung_up_at is not None:
            await self._ended(holder, asked.fields, talk)
        return variables(answer), answer.action

    async def _decided(self, asked: Visit, holder: KeyHolder, began: float) -> Answer:
        bridge = self._bridge
        wish = await bridge.soon(bridge.wish(holder, asked_of(asked.fields)), BEGIN_WITHIN_S)
        if isinstance(wish, Answer):
            return wish
        limit = deadline_ms(wish.request.deadline_ms, wish.line.deadline_ms, VERBS_DEADLINE_MS)
        budget = Budget.of_call(began, limit)
        if asked.path is Path.ELIGIBILITY:
            return await bridge.soon(bridge.eligibility.ask(wish, budget), budget.answer_in_s)
        return await bridge.deflections.decide(wish, budget)

    async def _decision(self, holder: KeyHolder, fields: Any) -> Answer:
        row = await self._bridge.soon(self._attempt(holder, fields), BEGIN_WITHIN_S)
        wait_s = patience_s(str(fields.get("wait_ms", "")))
        return await self._bridge.deflections.follow(holder.workspace_id, row, wait_s=wait_s)

    async def _attempt(self, holder: KeyHolder, fields: Any) -> Row:
        """The attempt that is asked about, on a line of this key."""
        deflection_id = DeflectionId(parse("d", str(fields.get("deflection_id", ""))))
        row = await self._bridge.deflections.find(holder.workspace_id, deflection_id)
        line = await self._bridge.lines.by_id(holder.workspace_id, row.line_id)
        if line is None or not line.opens_to(holder.lines):
            raise DeflectionUnknown
        return row

    async def _event(self, holder: KeyHolder, fields: Any) -> Told:
        taking = self._bridge.events.take(holder.workspace_id, holder.lines, [fields])
        taken = await self._bridge.soon(taking, BEGIN_WITHIN_S)
        return [(REASON, taken.refused[0].code if taken.refused else "ok")]

    async def _ended(self, holder: KeyHolder, fields: Any, talk: Talk) -> None:
        """Asterisk told that the caller left: as good as the event, and nobody else may report it."""
        known = {name: fields.get(name) for name in ("call_id", "line", "caller")}
        left = {**known, "event": "ended", "at": talk.hung_up_at}
        if "caller_withheld" in fields:
            left["caller_withheld"] = fields["caller_withheld"]
        await self._bridge.events.take(holder.workspace_id, holder.lines, [left])


def _refused(asked: Visit | None, fault: Fault) -> Told:
    return refused(fault.code, pressed=asked is not None and asked.path is Path.DEFLECT)
