"""Writes what happened straight into the tables, as the service's role: calls, attempts, messages."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.access.workspaces import Workspace, Workspaces, put_workspace
from core.ids import WorkspaceId, new_id
from core.postgres import Database, Tx
from ivr_bridge import calls

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def id_of(at: datetime) -> UUID:
    """A fresh id that was made at this moment."""
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (new_id().int & ((1 << 80) - 1)))


@dataclass(frozen=True)
class Caller:
    """Somebody with a number and a chat."""

    phone: str
    contact_id: UUID
    address_id: UUID
    thread_id: UUID


@dataclass
class Chronicle:
    """One workspace and its past."""

    database: Database
    workspace_id: WorkspaceId
    account_id: UUID = field(default_factory=new_id)
    queue_id: UUID = field(default_factory=new_id)
    lines: list[UUID] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    async def found(self, *, lines: Sequence[str] = ("main",), callers: int = 1) -> "Chronicle":
        """The lines, and people to call them."""
        async with self._tx() as tx:
            await self._insert(
                tx,
                "messaging.account",
                account_id=self.account_id,
                name="whatsapp",
                kind="whatsapp",
                base_url="https://example.com",
                external_id=str(self.account_id),
                sealed=b"-",
            )
            await self._insert(
                tx, "handoff.queue", queue_id=self.queue_id, name="orders", title="Orders"
            )
            for name in lines:
                await self._line(tx, name)
            for number in range(callers):
                await self._caller(tx, f"+7900{self.workspace_id:04d}{number:03d}")
        return self

    def _tx(self) -> AbstractAsyncContextManager[Tx]:
        return self.database.workspace(self.workspace_id)

    async def call(
        self,
        at: datetime,
        *,
        line: int = 0,
        caller: int | None = 0,
        call_id: str | None = None,
        events: Sequence[tuple[str, datetime]] = (),
    ) -> UUID:
        """A call that began then, with what the IVR told of it, in this order."""
        call_ref = new_id()
        async with self._tx() as tx:
            await self._insert(
                tx,
                "ivr_bridge.call",
                call_ref=call_ref,
                line_id=self.lines[line],
                call_id=call_id or str(call_ref),
                caller=None if caller is None else self.callers[caller].phone,
                first_seen_at=at,
            )
        for event, moment in events:
            await self.tell(call_ref, event, moment)
        return call_ref

    async def tell(self, call_ref: UUID, event: str, at: datetime) -> None:
        """One event, as the room takes it: a repeated one changes nothing."""
        async with self._tx() as tx:
            await tx.execute(
                *calls.SQL["take_events"](
                    workspace=self.workspace_id,
                    call_refs=[call_ref],
                    events=[event],
                    event_keys=[f"at:{at.isoformat()}"],
                    ats=[at],
                    attempts=[None],
                    voice_waits=[None],
                    queue_positions=[None],
                )
            )
            await tx.execute(
                *calls.SQL["sum_up_calls"](workspace=self.workspace_id, call_refs=[call_ref])
            )

    async def asked(self, call_ref: UUID, action: str, at: datetime, reason: str = "ok") -> None:
        """The answer to "may we offer?"."""
        async with self._tx() as tx:
            await self._insert(
                tx,
                "ivr_bridge.eligibility",
                eligibility_id=new_id(),
                call_ref=call_ref,
                at=at,
                action=action,
                reason=reason,
                arm="treat",
                reachability="unknown",
                trace=[],
            )

    async def attempt(
        self,
        call_ref: UUID,
        at: datetime,
        *,
        number: int = 1,
        outcome: str = "hangup",
        reason: str = "ok",
        decided_after: timedelta = timedelta(seconds=1),
        caller: int | None = 0,
        status: str = "delivered",
        failed: str | None = None,
        message: bool = True,
        answers_for: UUID | None = None,
        facts: Sequence[str] = (),
    ) -> tuple[UUID, UUID | None]:
        """An attempt to move the call, with its opening; ids of both."""
        deflection_id, message_id = id_of(at), None
        who = None if caller is None else self.callers[caller]
        async with self._tx() as tx:
            line_id = await tx.fetchval(
                "SELECT line_id FROM ivr_bridge.call WHERE call_ref = $1", call_ref
            )
            if message and answers_for is None and who is not None:
                message_id = await self._opening(tx, who, at, status, failed)
            decided = outcome != "pending"
            await self._insert(
                tx,
                "ivr_bridge.deflection",
                deflection_id=deflection_id,
                call_ref=call_ref,
                line_id=line_id,
                attempt=number,
                created_at=at,
                pending_until=at + timedelta(seconds=3),
                confirm="sent",
                grace_ms=0,
                channel="whatsapp",
                account_id=self.account_id,
                contact_id=None if who is None else who.contact_id,
                message_id=message_id,
                answers_for=answers_for,
                outcome=outcome,
                reason=reason if decided else None,
                decided_at=at + decided_after if decided else None,
                decided_by="race" if decided else None,
                proof="delivered_now" if outcome == "hangup" else None,
            )
            for fact in facts:
                await self._insert(
                    tx, "ivr_bridge.fact", deflection_id=deflection_id, fact=fact, at=at
                )
        return deflection_id, message_id

    async def wrote(
        self,
        at: datetime,
        *,
        caller: int = 0,
        received_after: timedelta = timedelta(0),
        state: str | None = None,
        answered_by: str | None = None,
    ) -> UUID:
        """The customer's message; with `state`, in a chat of its own that became so."""
        who, message_id = self.callers[caller], id_of(at + received_after)
        async with self._tx() as tx:
            await self._message(tx, message_id, who, at, "in", "customer")
            if state is not None:
                await self._chat(tx, who, message_id, at, state, answered_by)
        return message_id

    async def _chat(
        self, tx: Tx, who: Caller, message_id: UUID, at: datetime, state: str, by: str | None
    ) -> None:
        conversation_id = new_id()
        over = state in {"closed", "abandoned"}
        await self._insert(
            tx,
            "handoff.conversation",
            conversation_id=conversation_id,
            kind="chat",
            state=state,
            contact_id=who.contact_id,
            thread_id=who.thread_id,
            account_id=self.account_id,
            queue_id=self.queue_id,
            language="ru",
            opened_at=at,
            closed_at=at + HOUR if over else None,
            closed_reason="resolved" if over else None,
        )
        said = [("customer", message_id)]
        if by is not None:
            reply = id_of(at + MINUTE)
            await self._message(tx, reply, who, at + MINUTE, "out", by.removeprefix("failed_"))
            if by.startswith("failed_"):
                await tx.execute(
                    "UPDATE messaging.message SET failed_at = at, failed_class = 'transient',"
                    " failed_code = '1' WHERE message_id = $1",
                    reply,
                )
            said.append((by.removeprefix("failed_"), reply))
        for seq, (author, said_id) in enumerate(said, start=1):
            await self._insert(
                tx,
                "handoff.entry",
                conversation_id=conversation_id,
                seq=seq,
                message_id=said_id,
                author=author,
                at=at,
            )

    async def _line(self, tx: Tx, name: str) -> None:
        self.lines.append(new_id())
        await self._insert(
            tx,
            "ivr_bridge.line",
            line_id=self.lines[-1],
            name=name,
            title=name.title(),
            country="RU",
            account="whatsapp",
            flow="shop",
            queue="orders",
            callback_queue="orders",
            confirm="sent",
            grace_ms=0,
            repeat_call_s=0,
            declined_s=0,
            opening=[{"language": "ru", "template": "call_to_chat", "parameters": []}],
            consent={"method": "dtmf", "prompt_version": "1"},
        )
        await self._insert(
            tx,
            "ivr_bridge.line_number",
            number=f"+7800250{len(self.lines):04d}",
            line_id=self.lines[-1],
            position=1,
        )

    async def _caller(self, tx: Tx, phone: str) -> None:
        who = Caller(phone, new_id(), new_id(), new_id())
        await self._insert(tx, "messaging.contact", contact_id=who.contact_id)
        await self._insert(
            tx,
            "messaging.address",
            address_id=who.address_id,
            contact_id=who.contact_id,
            kind="phone",
            scope="",
            value=phone,
        )
        await self._insert(
            tx,
            "messaging.thread",
            thread_id=who.thread_id,
            contact_id=who.contact_id,
            account_id=self.account_id,
        )
        self.callers.append(who)

    async def _opening(
        self, tx: Tx, who: Caller, at: datetime, status: str, failed: str | None
    ) -> UUID:
        message_id = id_of(at)
        await self._message(
            tx,
            message_id,
            who,
            at,
            "out",
            "business",
            purpose="opening",
            address_id=who.address_id,
            status=status,
            failed_at=None if failed is None else at,
            failed_class=failed,
            failed_code=None if failed is None else "1",
        )
        return message_id

    async def _message(
        self,
        tx: Tx,
        message_id: UUID,
        who: Caller,
        at: datetime,
        direction: str,
        author: str,
        **more: Any,
    ) -> None:
        values = {
            "purpose": "message",
            "status": "received" if direction == "in" else "sent",
            "provider_id": str(message_id),
            **more,
        }
        await self._insert(
            tx,
            "messaging.message",
            message_id=message_id,
            thread_id=who.thread_id,
            account_id=self.account_id,
            direction=direction,
            author_kind=author,
            type="text",
            text="…",
            content={"type": "text"},
            at=at,
            **values,
        )

    async def _insert(self, tx: Tx, table: str, **values: Any) -> None:
        values = {"workspace_id": self.workspace_id, **values}
        places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await tx.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})",
            *values.values(),
        )


async def chronicle(
    database: Database, name: str, zone: str = "Europe/Moscow", **more: Any
) -> Chronicle:
    """A workspace of this name and zone, with lines and callers but nothing that happened."""
    workspace_id = await Workspaces(database).reserve_number(name)
    async with database.workspace(workspace_id) as tx:
        await put_workspace(tx, Workspace(workspace_id, name, name.title(), zone, ["ru", "en"], {}))
    return await Chronicle(database, workspace_id).found(**more)
