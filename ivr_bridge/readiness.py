"""What a line's channel account can do at this moment, as every request on the line needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.ids import LineId, WorkspaceId
from core.postgres import Database
from core.queries import load
from core.vocabulary import ChannelKind
from handoff.routing.queues import expected_wait_s, wait_facts
from ivr_bridge.line import Line
from ivr_bridge.policy import PolicyTerms
from ivr_bridge.remembered import Remembered
from ivr_bridge.timing import Pace
from ivr_bridge.ways.terms import ChannelTerm
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
    users_today: int | None
    refused_templates: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ready:
    """An account with its templates, its provider's pace, and the wait for a person in chat."""

    account: Account
    templates: Mapping[tuple[str, str], Template]
    pace: Pace
    silent: bool
    """It took message after message lately and reported nothing about any of them."""
    chat_wait_s: int | None
    """None when nobody is there to answer."""
    chat_waiting: int | None
    """How many wait in the line's queue already."""
    users_today: int = 0
    """People whom the account wrote to in the last 24 hours."""
    refused_templates: frozenset[str] = frozenset()
    """Name and language of those that the provider lately refused more often than not."""

    term: ChannelTerm | None = None
    """What the line says about this channel, when it names several."""
    users_left: bool | None = None
    """May it write to somebody new today? Said by the guard where there are several channels; None
    without a limit.
    """

    @property
    def users_per_day(self) -> int | None:
        """How many people the provider lets the account write to in 24 hours."""
        told = self.account.settings.get("users_per_day")
        return int(told) if told else None

    @property
    def windowless(self) -> bool:
        """Free words may be sent before the customer ever wrote."""
        return self.account.kind is ChannelKind.SMS

    def words(self, language: str) -> str | None:
        """The opening's own words, where the channel needs no template for them."""
        if self.term is None or not self.windowless or not self.term.text:
            return None
        return self.term.text.get(language) or next(iter(self.term.text.values()))

    def template(self, line: Line, language: str) -> Template | None:
        """The line's opening template in this language, if the account has it."""
        return self.templates.get((line.opening[language].template, language))


class Readiness:
    """Look at a line's account; answers are at most two seconds old."""

    def __init__(self, database: Database, accounts: Accounts) -> None:
        self._database = database
        self._accounts = accounts
        self._remembered = Remembered(self._look)
        self._calls = Remembered(self._count)

    async def of(self, workspace_id: WorkspaceId, line: Line) -> Ready | None:
        """What the line can do, or None when its account is not there."""
        return await self._remembered.get((workspace_id, line.account, line.queue))

    async def named(self, workspace_id: WorkspaceId, term: ChannelTerm, line: Line) -> Ready | None:
        """The same of one of several channels."""
        ready = await self._remembered.get((workspace_id, term.channel, line.queue))
        return None if ready is None else replace(ready, term=term)

    async def account(self, workspace_id: WorkspaceId, name: str, queue: str) -> Ready | None:
        """The same of an account that an attempt named."""
        return await self._remembered.get((workspace_id, name, queue))

    async def recent_calls(
        self, workspace_id: WorkspaceId, line: Line, terms: PolicyTerms
    ) -> int | None:
        """Calls on the line within the minutes these terms name; None when they name none."""
        peak = terms.peak
        if peak is None or peak.calls is None:
            return None
        return await self._calls.get(
            (workspace_id, line.line_id, peak.calls_within_min, peak.calls)
        )

    async def _count(self, which: tuple[WorkspaceId, LineId, int, int]) -> int:
        workspace_id, line_id, within_min, enough = which
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            found: int = await tx.fetchval(
                *SQL["recent_calls"](
                    workspace=workspace_id, line=line_id, within_min=within_min, enough=enough
                )
            )
        return found

    async def _look(self, which: tuple[WorkspaceId, str, str]) -> Ready | None:
        workspace_id, name, queue = which
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            try:
                account = await self._accounts.get(tx, name)
            except AccountUnknown:
                return None
            held = await templates(tx, account.id)
            row = await tx.fetchrow(*SQL["pace"](workspace=workspace_id, account=account.id))
            facts = await wait_facts(tx, queue)
        wait = None if facts is None else expected_wait_s(facts)
        pace = PaceRow(**row) if row is not None else None
        return Ready(
            account=account,
            # A provider's `pt_BR` serves the line's `pt`.
            templates={(each.name, each.language[:2]): each for each in held},
            pace=Pace(pace.accepted_ms, pace.sent_ms, pace.delivered_ms) if pace else Pace(),
            silent=pace is not None and pace.silent,
            chat_wait_s=None if wait is None else round(wait),
            chat_waiting=None if facts is None else facts.waiting,
            users_today=0 if pace is None else pace.users_today or 0,
            refused_templates=frozenset() if pace is None else frozenset(pace.refused_templates),
        )
