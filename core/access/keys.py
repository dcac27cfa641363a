"""API keys: random tokens, stored as hashes, scoped to what they are for and from where they work."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from uuid import UUID

from core.access.refusals import UNKNOWN, Refusals, Why
from core.access.signing import Signed, fresh, signed_right
from core.access.sql import SQL
from core.clock import Clock
from core.faults import NotFound, Unauthorized
from core.ids import WorkspaceId, new_id, parse
from core.postgres import Database, Tx
from core.sealing import Sealer, token_hash

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NONCES_KEPT_S = 1200.0
"""A request from a clock that is ahead stays valid for twice the tolerance; this is twice that."""

_REMEMBERED_S = 2.0
_REMEMBERED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever holds this key, what it opens, and from where."""

    workspace_id: WorkspaceId
    key_id: UUID
    name: str
    scopes: Sequence[str]
    lines: Sequence[str]
    networks: Sequence[Network] = ()
    """Empty: from anywhere."""
    sealed_secret: bytes | None = field(default=None, repr=False)

    def admits(self, address: Address | None) -> bool:
        """May it be used from there? An address that is not known is nowhere in particular."""
        if not self.networks:
            return True
        return address is not None and any(address in network for network in self.networks)


class NotSigned(Unauthorized, code="unauthorized"):
    """The signature does not fit this request."""


class Keys:
    """Find out what a key opens. Answers are remembered for two seconds: a revoked key works no longer."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self.refusals = Refusals(database)
        self._remembered: dict[object, tuple[float, KeyHolder | None]] = {}
        self._looking: dict[object, asyncio.Lock] = {}

    async def find(self, key: str) -> KeyHolder | None:
        """Who holds this key? None when nobody does, it was revoked or has run out."""
        hashed = token_hash(key)
        holder = await self._ask(hashed, lambda: self._with_hash(hashed))
        if holder is None:
            UNKNOWN.inc()
        return holder

    async def by_address(
        self, address: Address, workspace_id: WorkspaceId | None = None
    ) -> KeyHolder | None:
        """What an address opens by itself, all its keys together; None when that is nothing, or when
        it belongs to several workspaces and none is named.
        """
        return await self._ask(
            (address, workspace_id), lambda: self._with_address(address, workspace_id)
        )

    async def signed(self, signed: Signed) -> KeyHolder:
        """Whose signature this is; raises Unauthorized. Its nonce is not spent yet (`spend`)."""
        try:
            key_id = parse("k", signed.key)
        except NotFound:
            UNKNOWN.inc()
            raise NotSigned("There is no key with this id.") from None
        holder = await self._ask(key_id, lambda: self._with_id(key_id))
        if holder is None or holder.sealed_secret is None:
            UNKNOWN.inc()
            raise NotSigned("There is no key with this id.")
        now = self._clock()
        if not fresh(signed, now):
            await self._refused(holder, Why.SIGNATURE)
            raise NotSigned(
                f"The timestamp is too far from ours, which is {int(now.timestamp())}: set the clock."
            )
        if not signed_right(signed, self._sealer.open(holder.sealed_secret)["secret"]):
            await self._refused(holder, Why.SIGNATURE)
            raise NotSigned
        return holder

    async def spend(self, holder: KeyHolder, nonce: str) -> None:
        """A nonce opens the door once, in whichever process it comes; raises Unauthorized."""
        spent = await self._database.alone(
            holder.workspace_id,
            *SQL["use_nonce"](workspace=holder.workspace_id, key=holder.key_id, nonce=nonce),
        )
        if not spent:
            await self._refused(holder, Why.REPLAYED)
            raise NotSigned("This nonce was used before: make a new one for each request.")

    async def admit(self, holder: KeyHolder, address: Address | None) -> bool:
        """May this key be used from there? If not, its owner is to hear of it."""
        if holder.admits(address):
            return True
        await self._refused(holder, Why.ADDRESS)
        return False

    async def _refused(self, holder: KeyHolder, why: Why) -> None:
        await self.refusals.count(holder.workspace_id, holder.name, why)

    async def _ask(
        self, which: object, look_up: Callable[[], Awaitable[KeyHolder | None]]
    ) -> KeyHolder | None:
        known = self._fresh(which)
        if known is not None:
            return known[1]
        # One request asks, the others that came meanwhile wait for its answer.
        async with self._looking.setdefault(which, asyncio.Lock()):
            known = self._fresh(which)
            if known is not None:
                return known[1]
            holder = await look_up()
            if len(self._remembered) >= _REMEMBERED_KEYS:
                self._remembered.clear()
                self._looking.clear()
            self._remembered[which] = (time.monotonic() + _REMEMBERED_S, holder)
            return holder

    def _fresh(self, which: object) -> tuple[float, KeyHolder | None] | None:
        known = self._remembered.get(which)
        return known if known is not None and known[0] > time.monotonic() else None

    async def _with_hash(self, hashed: bytes) -> KeyHolder | None:
        async with self._database.directory() as tx:
            workspace_id = await tx.fetchval(*SQL["find_key"](key_hash=hashed))
        if workspace_id is None:
            return None
        async with self._database.workspace(WorkspaceId(workspace_id), read_only=True) as tx:
            row = await tx.fetchrow(*SQL["key"](workspace=workspace_id, key_hash=hashed))
        return KeyHolder(**row) if row else None

    async def _with_id(self, key_id: UUID) -> KeyHolder | None:
        async with self._database.directory() as tx:
            workspace_id = await tx.fetchval(*SQL["find_key_id"](key=key_id))
        if workspace_id is None:
            return None
        async with self._database.workspace(WorkspaceId(workspace_id), read_only=True) as tx:
            row = await tx.fetchrow(*SQL["signing_key"](workspace=workspace_id, key=key_id))
        return KeyHolder(**row) if row else None

    async def _with_address(
        self, address: Address, workspace_id: WorkspaceId | None
    ) -> KeyHolder | None:
        if workspace_id is None:
            async with self._database.directory() as tx:
                rows = await tx.fetch(*SQL["find_address"](address=address))
            if len(rows) != 1:
                return None
            workspace_id = WorkspaceId(rows[0]["workspace_id"])
        async with self._database.workspace(workspace_id, read_only=True) as tx:
            rows = await tx.fetch(*SQL["address_keys"](workspace=workspace_id, address=address))
        return _together([KeyHolder(**row) for row in rows])


def _together(holders: Sequence[KeyHolder]) -> KeyHolder | None:
    """One machine may serve many lines, each of which names its address: together they are one key."""
    if not holders:
        return None
    first = holders[0]
    same = [holder for holder in holders if set(holder.scopes) == set(first.scopes)]
    lines = [line for holder in same for line in holder.lines]
    return replace(
        first,
        lines=lines if all(holder.lines for holder in same) else (),
        networks=[network for holder in same for network in holder.networks],
    )


def new_key() -> str:
    """A key that cannot be guessed."""
    return f"ib_{secrets.token_urlsafe(32)}"


async def put_key(
    tx: Tx,
    *,
    name: str,
    key: str,
    scopes: Sequence[str],
    lines: Sequence[str] = (),
    networks: Sequence[Network] = (),
    by_address: bool = False,
) -> UUID | None:
    """Let this key of the workspace file open these things.

    None when another workspace already uses the same key, or when it was taken back by hand.
    """
    found: UUID | None = await tx.fetchval(
        *SQL["put_key"](
            workspace=tx.workspace_id,
            key=new_id(),
            name=name,
            key_hash=token_hash(key),
            scopes=list(scopes),
            lines=list(lines),
            networks=list(networks),
            by_address=by_address,
        )
    )
    return found


async def revoke_others(tx: Tx, *, name: str, keep: Sequence[str]) -> None:
    """Keys of this name in the workspace file that are not among those to keep stop opening anything."""
    await tx.execute(
        *SQL["revoke_keys_except"](
            workspace=tx.workspace_id, name=name, keep=[token_hash(key) for key in keep]
        )
    )


async def forget_nonces(tx: Tx) -> None:
    """Forget what was seen so long ago that its timestamp is refused."""
    await tx.execute(*SQL["forget_nonces"](workspace=tx.workspace_id, older_than_s=NONCES_KEPT_S))
