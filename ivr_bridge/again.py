"""A caller who had been moved to chat calls again: whoever has that chat sees it while it happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog

from core.clock import Clock
from core.ids import CallRef, ContactId, ConversationId, DeflectionId
from core.jobs import Handler, Job, NewJob, transactional
from core.postgres import Database, Tx
from core.queries import load
from handoff.conversation import voice
from ivr_bridge import news
from ivr_bridge.news import News
from ivr_bridge.returns import returns, store
from ivr_bridge.returns.store import State

log = structlog.get_logger()

SQL = load(Path(__file__).with_name("again.sql"))

CALLED_AGAIN = "ivr_bridge.called_again"


@dataclass(frozen=True, slots=True)
class CalledAgain:
    """The new call, and what it comes back to."""

    call_id: str
    at: datetime
    within_s: int
    deflection_id: DeflectionId
    conversation_id: ConversationId | None
    contact_id: ContactId | None
    decided_at: datetime
    calls: int


def called_again(call_ref: CallRef) -> NewJob:
    """Tell about a call of somebody who had been moved to chat."""
    return NewJob(CALLED_AGAIN, {"call_ref": str(call_ref)}, band="urgent", key=str(call_ref))


@dataclass(frozen=True, slots=True)
class Again:
    """The handler of this job."""

    database: Database
    clock: Clock

    def handlers(self) -> Mapping[str, Mapping[str, Handler]]:
        """By band, then by kind."""
        return {"urgent": {CALLED_AGAIN: transactional(self.database, self.tell)}}

    async def tell(self, tx: Tx, job: Job) -> None:
        """The desk, the company's systems, and whoever was about to call them, hear of it."""
        call_ref = CallRef(UUID(job.payload["call_ref"]))
        row = await tx.fetchrow(*SQL["return"](workspace=tx.workspace_id, call_ref=call_ref))
        if row is None:
            return
        again = CalledAgain(**row)
        if again.conversation_id is not None:
            await voice.note_called_again(
                tx, again.conversation_id, at=again.at, calls=again.calls, within_s=again.within_s
            )
        await news.tell(
            tx,
            News.REPEAT_CALL,
            again.deflection_id,
            at=again.at,
            key=f"{again.deflection_id}:{call_ref}",
            again_call_id=again.call_id,
            after_s=round((again.at - again.decided_at).total_seconds()),
            calls=again.calls,
            within_s=again.within_s,
        )
        if again.contact_id is not None:
            for return_id in await store.open_of_contact(tx, again.contact_id):
                await returns.settle(
                    tx, return_id, State.CALLED_OFF, "customer_called", self.clock()
                )
        log.info("caller.called_again", deflection_id=str(again.deflection_id), calls=again.calls)
