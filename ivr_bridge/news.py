"""What a company's own systems hear about its calls: signed webhooks (docs/api/webhooks.md)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from core import outgoing
from core.ids import ContactId, ConversationId, DeflectionId, public
from core.postgres import Tx
from core.queries import load
from core.vocabulary import PhoneNumber

SQL = load(Path(__file__).with_name("news.sql"))


class News(StrEnum):
    """The kinds of events; an endpoint names those it wants."""

    DELIVERED = "deflection.delivered"
    """The opening arrived, and the caller was told to hang up."""
    LATE_DELIVERED = "deflection.late_delivered"
    """The opening arrived after the call had gone on."""
    FAILED = "deflection.failed"
    """The opening will not arrive."""
    REPLIED = "deflection.replied"
    """The customer wrote."""
    BOT_CLOSED = "deflection.bot_closed"
    """The bot was enough."""
    OPERATOR_JOINED = "deflection.operator_joined"
    """A person took the conversation."""
    RETURN_TO_VOICE = "deflection.return_to_voice"
    """The customer is to be called, with the place they had."""
    RETURN_CHANGED = "deflection.return_changed"
    """Somebody is calling, has called, or nobody needs to any more."""
    REPEAT_CALL = "deflection.repeat_call"
    """A caller who had been moved to chat is calling again."""
    ALERT = outgoing.ALERT


@dataclass(frozen=True, slots=True)
class Story:
    """One attempt, as far as others may know of it."""

    deflection_id: DeflectionId
    attempt: int
    outcome: str
    reason: str | None
    channel: str | None
    contact_id: ContactId | None
    conversation_id: ConversationId | None
    created_at: datetime
    call_id: str
    caller: str | None
    failed_class: str | None
    line_name: str
    line_title: str
    line_number: str | None

    @property
    def data(self) -> dict[str, Any]:
        """The body's `data`, without the number."""
        return {
            "deflection_id": public("d", self.deflection_id),
            "call_id": self.call_id,
            "attempt": self.attempt,
            "line": {
                "name": self.line_name,
                "title": self.line_title,
                "number": self.line_number,
            },
            "channel": self.channel,
            "contact_id": _public("ct", self.contact_id),
            "conversation_id": _public("cv", self.conversation_id),
            "outcome": self.outcome,
            "reason": self.reason,
            "asked_at": self.created_at.isoformat(),
        }

    @property
    def phone(self) -> PhoneNumber | None:
        """The caller."""
        return None if self.caller is None else PhoneNumber(self.caller)


async def story(tx: Tx, deflection_id: DeflectionId) -> Story | None:
    """What may be told about this attempt."""
    row = await tx.fetchrow(*SQL["story"](workspace=tx.workspace_id, deflection=deflection_id))
    return None if row is None else Story(**row)


async def tell(
    tx: Tx,
    news: News,
    deflection_id: DeflectionId,
    *,
    at: datetime | None = None,
    key: str | None = None,
    meant_for: str | None = None,
    **more: Any,
) -> None:
    """Tell whoever listens. `key` names what may happen more than once to an attempt."""
    told = await story(tx, deflection_id)
    if told is None:
        return
    if news is News.FAILED:
        more = {"failure": told.failed_class, **more}
    await outgoing.tell(
        tx,
        news.value,
        {**told.data, **more},
        key=key or str(deflection_id),
        caller=told.phone,
        meant_for=meant_for,
        at=at,
    )


def _public(prefix: str, value: UUID | None) -> str | None:
    return None if value is None else public(prefix, value)
