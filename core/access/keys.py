"""API keys: random tokens, stored as hashes, scoped to what they are for."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.access.sql import SQL
from core.ids import WorkspaceId, new_id
from core.postgres import Database, Tx
from core.sealing import token_hash

_REMEMBERED_S = 2.0
_REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever holds this key, and what it opens."""

    workspace_id: WorkspaceId
    key_id: UUID
    name: str
    scopes: Sequence[str]
    lines: Sequence[str]


class Keys:
    """Find out what a key opens. Answers are remembered for two seconds: a revoked key works no longer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: dict[bytes, tuple[float, KeyHolder | None]] = {}
        self._looking: dict[bytes, asyncio.Lock] = {}

    async def find(self, key: str) -> KeyHolder | None:
        """Who holds this key? None when nobody does or it was revoked."""
        hashed = token_hash(key)
        known = self._fresh(hashed)
        if known is not None:
            return known[1]
        # One request asks, the others that came meanwhile wait for its answer.
        async with self._looking.setdefault(hashed, asyncio.Lock()):
            known = self._fresh(hashed)
            if known is not None:
                return known[1]
            holder = await self._look_up(hashed)
            if len(self._remembered) >= _REMEMBERED_KEYS:
                self._remembered.clear()
                self._looking.clear()
            self._remembered[hashed] = (time.monotonic() + _REMEMBERED_S, holder)
            return holder

    def _fresh(self, hashed: bytes) -> tuple[float, KeyHolder | None] | None:
        known = self._remembered.get(hashed)
        return known if known is not None and known[0] > time.monotonic() else None

    async def _look_up(self, hashed: bytes) -> KeyHolder | None:
        async with self._database.directory() as tx:
            workspace_id = await tx.fetchval(*SQL["find_key"](key_hash=hashed))
        if workspace_id is None:
            return None
        async with self._database.workspace(WorkspaceId(workspace_id), read_only=True) as tx:
            row = await tx.fetchrow(*SQL["key"](workspace=workspace_id, key_hash=hashed))
        return KeyHolder(**row) if row else None


def new_key() -> str:
    """A key that cannot be guessed."""
    return f"ib_{secrets.token_urlsafe(32)}"


async def put_key(
    tx: Tx, *, name: str, key: str, scopes: Sequence[str], lines: Sequence[str] = ()
) -> UUID | None:
    """Let this key open these things; None when another workspace already uses the same key."""
    found: UUID | None = await tx.fetchval(
        *SQL["put_key"](
            workspace=tx.workspace_id,
            key=new_id(),
            name=name,
            key_hash=token_hash(key),
            scopes=list(scopes),
            lines=list(lines),
        )
    )
    return found


async def revoke_others(tx: Tx, *, name: str, keep: Sequence[str]) -> None:
    """Keys of this name that are not among those to keep stop opening anything."""
    await tx.execute(
        *SQL["revoke_keys_except"](
            workspace=tx.workspace_id, name=name, keep=[token_hash(key) for key in keep]
        )
    )
