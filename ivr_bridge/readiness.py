"""What a line's channel account can do at this moment, as every request on the line needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.ids import WorkspaceId
from core.postgres import Database
from core.queries import load
from handoff.routing.queues import chat_wait_s
from ivr_bridge.line import Line
from ivr_bridge.remembered import Remembered
from ivr_bridge.timing import Pace
from messaging.accounts import Accounts, AccountUnknown
from messaging.channel import Account
from messaging.templates import Template, templates

SQL = load(Path(__file__).with_name("readiness.sql"))


@dataclass(frozen=True, slots=True)
class PaceRow:
    """What a statement says about an account's provider."""

    accepted_ms: int | None
    sent_ms: int | None
    delivered_ms: int | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """An account with its templates, its provider's pace, and the wait for a person in chat."""

    account: Account
    templates: Mapping[tuple[str, str], Template]
    pace: Pace
    silent: bool
    """It took message after message lately and reported nothing about any of them."""
    chat_wait_s: int | None

    def template(self, line: Line, language: str) -> Template | None:
        """The line's opening template in this language, if the account has it."""
        return self.templates.get((line.opening[language].template, language))


class Readiness:
    """Look at a line's account; answers are at most two seconds old."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self._remembered = Remembered(self._look)

    async def of(self, workspace_id: WorkspaceId, line: Line) -> Ready | None:
        """What the line can do, or None when its account is not there."""
        return await self._remembered.get((workspace_id, line.account, line.queue))

    async def _look(self, which: tuple[WorkspaceId, str, str]) -> Ready | None:
        workspace_id, name, queue = which
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            try:
                account = await self._accounts.get(tx, name)
            except AccountUnknown:
                return None
            held = await templates(tx, account.id)
            row = await tx.fetchrow(*SQL["pace"](workspace=workspace_id, account=account.id))
            wait = await chat_wait_s(tx, queue)
        pace = PaceRow(**row) if row is not None else None
        return Ready(
            account=account,
            # A provider's `pt_BR` serves the line's `pt`.
            templates={(each.name, each.language[:2]): each for each in held},
            pace=Pace(pace.accepted_ms, pace.sent_ms, pace.delivered_ms) if pace else Pace(),
            silent=pace is not None and pace.silent,
            chat_wait_s=None if wait is None else round(wait),
        )
