"""An account to speak through, and the events that follow."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from core.events import Events
from core.ids import MessageId, WorkspaceId
from core.jobs import NewJob
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import ChannelKind, PhoneNumber
from messaging.accounts import AccountDraft, account, put_account
from messaging.channel import Account, Failure, ReportedStatus, StatusReport
from messaging.content import Content, ContentType, TemplateUse

CALLER = PhoneNumber("+79161234567")
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)

OPENING = Content(
    ContentType.TEMPLATE,
    text="Hello! You have just called us.",
    template=TemplateUse("call_to_chat", "en", ("+78002500000",), ("c:1", "n:1"), 3600),
)


def draft(name: str = "whatsapp", **changed: Any) -> AccountDraft:
    """A WhatsApp account whose credentials are words."""
    values: dict[str, Any] = {
        "name": name,
        "kind": ChannelKind.WHATSAPP,
        "base_url": "http://127.0.0.1:1",
        "external_id": "100000000000001",
        "settings": {"waba_id": "200000000000001"},
        "secrets": {"access_token": "t0ken", "app_secret": "s3cret", "verify_token": "v3rify"},
    }
    return AccountDraft(**{**values, **changed})


def report(
    status: ReportedStatus,
    *,
    message_id: MessageId | None = None,
    provider_id: str = "wamid.1",
    at: datetime = NOW,
    failure: Failure | None = None,
) -> StatusReport:
    """One status as an adapter gives it."""
    return StatusReport(
        f"s:{provider_id}:{status}", status, at, provider_id, message_id, {}, failure, None
    )


@pytest.fixture
def sealer() -> Sealer:
    return Sealer("a secret key of the tests, long enough")


@pytest.fixture
async def whatsapp(database: Database, workspace_id: WorkspaceId, sealer: Sealer) -> Account:
    """The workspace's WhatsApp account."""
    async with database.workspace(workspace_id) as tx:
        account_id = await put_account(tx, sealer, draft())
        return await account(tx, sealer, account_id)


@dataclass
class Heard:
    """Every event that was published, as the jobs it caused would see it."""

    events: Events = field(default_factory=Events)
    facts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("opening.failed", "message.failed", "message.watched"):
            self.events.subscribe(name, self._listener(name))

    def named(self, name: str) -> list[dict[str, Any]]:
        """The facts of one kind of event."""
        return [facts for event, facts in self.facts if event == name]

    def _listener(self, name: str) -> Any:
        def hear(facts: Any) -> NewJob | None:
            self.facts.append((name, dict(facts)))
            return None

        return hear


@pytest.fixture
def heard() -> Heard:
    return Heard()
