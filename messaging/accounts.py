"""The numbers, bots and pages that we speak through, and the credentials for them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from core.faults import NotFound
from core.ids import AccountId, WorkspaceId, new_id
from core.jobs import NewJob, enqueue
from core.postgres import Database, Tx
from core.queries import load
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from messaging.channel import Account

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("accounts.sql"))

SWEEP_JOB = "messaging.sweep"
"""Tidies up after a workspace that has an account; it puts itself in again."""

STOPPED_FOR_S = 60.0
"""How long an account rests after the provider refused it as a whole, before the next try."""


class AccountUnknown(NotFound, code="account_unknown"):
    """There is no channel account with this name."""


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account as a workspace file describes it."""

    name: str
    kind: ChannelKind
    base_url: str
    external_id: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as it is stored, credentials encrypted."""

    account_id: AccountId
    name: str
    kind: str
    base_url: str
    external_id: str
    settings: Mapping[str, Any]
    sealed: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """What may be known about an account by whoever does not speak for it."""

    account_id: AccountId
    kind: str
    settings: Mapping[str, Any]
    stopped: bool


async def put_account(tx: Tx, sealer: Sealer, draft: AccountDraft) -> AccountId:
    """Make it so, whether or not it exists; an account that is as wanted is not touched."""
    row = await _row(tx, draft.name)
    if row is not None and _same(row, sealer, draft):
        return row.account_id
    account_id = row.account_id if row is not None else AccountId(new_id())
    values: dict[str, Any] = {
        "workspace": tx.workspace_id,
        "account_id": account_id,
        "kind": draft.kind.value,
        "base_url": draft.base_url,
        "external_id": draft.external_id,
        "settings": dict(draft.settings),
        "sealed": sealer.seal(draft.secrets),
    }
    if row is None:
        await tx.execute(*SQL["add_account"](name=draft.name, **values))
        await enqueue(tx, NewJob(kind=SWEEP_JOB, payload={}, key="workspace", delay_s=60))
    else:
        await tx.execute(*SQL["change_account"](**values))
    return account_id


async def account(tx: Tx, sealer: Sealer, which: AccountId | str) -> Account:
    """One account with its credentials, read now; raises AccountUnknown."""
    row = await _row(tx, which)
    if row is None:
        raise AccountUnknown
    return _opened(tx.workspace_id, sealer, row)


async def sketch(tx: Tx, name: str) -> Sketch | None:
    """An account without its credentials, for work that only puts messages into its outbox."""
    row = await tx.fetchrow(*SQL["sketch"](workspace=tx.workspace_id, name=name))
    return Sketch(**row) if row is not None else None


async def stop(tx: Tx, account_id: AccountId, code: str) -> None:
    """The provider refuses the account itself: no offers for a while, and somebody must look."""
    await tx.execute(
        *SQL["stop_account"](
            workspace=tx.workspace_id, account_id=account_id, code=code, for_s=STOPPED_FOR_S
        )
    )
    log.error("account.stopped", account_id=str(account_id), code=code)


async def stopped(tx: Tx, account_id: AccountId) -> str | None:
    """The provider's code for which an account rests right now, if it does."""
    code: str | None = await tx.fetchval(
        *SQL["stopped"](workspace=tx.workspace_id, account_id=account_id)
    )
    return code


class Accounts:
    """Accounts as every request needs them: remembered, and looked at again every few seconds."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        fresh_s: float = 5.0,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._fresh_s = fresh_s
        self._seconds = seconds
        self._known: dict[tuple[WorkspaceId, AccountId | str], tuple[float, int, Account]] = {}

    async def find(self, workspace_id: WorkspaceId, which: AccountId | str) -> Account:
        """By id or by name, outside any transaction; raises AccountUnknown."""
        known = self._fresh(workspace_id, which)
        if known is not None:
            return known
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            return await self.get(tx, which)

    async def get(self, tx: Tx, which: AccountId | str) -> Account:
        """The same inside a transaction that is open already."""
        known = self._fresh(tx.workspace_id, which)
        if known is not None:
            return known
        row = await _row(tx, which)
        if row is None:
            self._known.pop((tx.workspace_id, which), None)
            raise AccountUnknown
        return self._remember(tx.workspace_id, row)

    def _fresh(self, workspace_id: WorkspaceId, which: AccountId | str) -> Account | None:
        known = self._known.get((workspace_id, which))
        if known is None or self._seconds() - known[0] > self._fresh_s:
            return None
        return known[2]

    def _remember(self, workspace_id: WorkspaceId, row: AccountRow) -> Account:
        before = self._known.get((workspace_id, row.account_id))
        # Opening the credentials costs more than reading the row: only when they may have changed.
        if before is not None and before[1] == row.version:
            opened = before[2]
        else:
            opened = _opened(workspace_id, self._sealer, row)
        remembered = (self._seconds(), row.version, opened)
        self._known[workspace_id, row.account_id] = remembered
        self._known[workspace_id, row.name] = remembered
        return opened


async def _row(tx: Tx, which: AccountId | str) -> AccountRow | None:
    by_id = which if isinstance(which, UUID) else None
    by_name = which if isinstance(which, str) else None
    row = await tx.fetchrow(
        *SQL["account"](workspace=tx.workspace_id, account_id=by_id, name=by_name)
    )
    return AccountRow(**row) if row is not None else None


def _same(row: AccountRow, sealer: Sealer, draft: AccountDraft) -> bool:
    return (
        row.kind == draft.kind.value
        and row.base_url == draft.base_url
        and row.external_id == draft.external_id
        and dict(row.settings) == dict(draft.settings)
        and sealer.open(row.sealed) == dict(draft.secrets)
    )


def _opened(workspace_id: WorkspaceId, sealer: Sealer, row: AccountRow) -> Account:
    return Account(
        workspace_id=workspace_id,
        id=row.account_id,
        name=row.name,
        kind=ChannelKind(row.kind),
        base_url=row.base_url,
        external_id=row.external_id,
        settings=row.settings,
        secrets=sealer.open(row.sealed),
    )
