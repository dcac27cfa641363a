"""Keys from the command line: issued, rotated with two alive at once, and taken back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.access import audit
from core.access.keys import Network, new_key
from core.access.sql import SQL
from core.faults import Invalid, NotFound, Refused
from core.ids import new_id, parse, public
from core.postgres import Tx
from core.sealing import Sealer, token_hash

_WIDEST = {4: 8, 6: 32}
"""An address that opens the door by itself must not be half the internet."""


class NameTaken(Refused, code="key_name_taken"):
    """A live key has this name: rotate it, or choose another name."""


class KeyUnknown(NotFound, code="key_unknown"):
    """There is no live key with this name or id."""


class TwoAlive(Refused, code="two_keys_alive"):
    """Two keys of this name are alive already; revoke one, or rotate with --keep 0."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A key as it may be shown: everything but the secret, which nobody has but its holder."""

    key_id: UUID
    name: str
    origin: str
    scopes: Sequence[str]
    lines: Sequence[str]
    networks: Sequence[Network]
    by_address: bool
    signs: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    alive: bool

    @property
    def public_id(self) -> str:
        """What a signed request names it by."""
        return public("k", self.key_id)


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as someone wants it."""

    name: str
    scopes: Sequence[str]
    lines: Sequence[str] = ()
    networks: Sequence[Network] = ()
    signs: bool = False
    by_address: bool = False


@dataclass(frozen=True, slots=True)
class NewKey:
    """A fresh key; the secret is shown now and never again."""

    key_id: UUID
    secret: str | None
    """None when its address is all that a request needs."""
    signs: bool

    @property
    def public_id(self) -> str:
        """What a signed request names it by."""
        return public("k", self.key_id)


async def issue(tx: Tx, sealer: Sealer, wish: KeyWish) -> NewKey:
    """A new key under a name that no live key has; raises NameTaken, Invalid."""
    _check(wish)
    await tx.execute(*SQL["hold_name"](workspace=tx.workspace_id, name=wish.name))
    if any(key.name == wish.name and key.alive for key in await all_keys(tx)):
        raise NameTaken
    made = await _make(tx, sealer, wish)
    await _note(tx, "key.issued", wish.name, {"key": made.public_id, "scopes": list(wish.scopes)})
    return made


async def rotate(tx: Tx, sealer: Sealer, name: str, *, keep: timedelta) -> NewKey:
    """A new key like the one with this name, which lives on for `keep` and then dies by itself.

    Raises KeyUnknown, and TwoAlive rather than cut short what another rotation promised.
    """
    await tx.execute(*SQL["hold_name"](workspace=tx.workspace_id, name=name))
    alive = [
        Issued(**row)
        for row in await tx.fetch(*SQL["issued_alive"](workspace=tx.workspace_id, name=name))
    ]
    if not alive:
        raise KeyUnknown
    if len(alive) > 1 and keep > timedelta(0):
        raise TwoAlive
    await tx.execute(
        *SQL["let_keys_run_out"](
            workspace=tx.workspace_id,
            keys=[key.key_id for key in alive],
            keep_s=keep.total_seconds(),
        )
    )
    old = alive[0]
    wish = KeyWish(name, old.scopes, old.lines, old.networks, old.signs, old.by_address)
    made = await _make(tx, sealer, wish)
    facts = {"key": made.public_id, "replaces": old.public_id, "keep_s": keep.total_seconds()}
    await _note(tx, "key.rotated", name, facts)
    return made


async def revoke(tx: Tx, name_or_id: str) -> Sequence[tuple[str, str]]:
    """Take back every live key with this name, or the one with this id: `(id, origin)` of each.

    Raises KeyUnknown.
    """
    try:
        key_id = parse("k", name_or_id)
    except NotFound:
        key_id = None
    rows = await tx.fetch(
        *SQL["revoke_keys"](workspace=tx.workspace_id, name=name_or_id, key=key_id)
    )
    if not rows:
        raise KeyUnknown
    for row in rows:
        await _note(tx, "key.revoked", row["name"], {"key": public("k", row["key_id"])})
    return [(public("k", row["key_id"]), row["origin"]) for row in rows]


async def all_keys(tx: Tx) -> Sequence[Issued]:
    """Every key of the workspace, dead ones included."""
    return [Issued(**row) for row in await tx.fetch(*SQL["all_keys"](workspace=tx.workspace_id))]


async def _make(tx: Tx, sealer: Sealer, wish: KeyWish) -> NewKey:
    key_id = new_id()
    secret = f"ibs_{secrets.token_urlsafe(32)}" if wish.signs else new_key()
    await tx.execute(
        *SQL["issue_key"](
            workspace=tx.workspace_id,
            key=key_id,
            name=wish.name,
            # Also where no secret is ever shown: hashes are unique, and this one nobody can hit.
            key_hash=token_hash(secret),
            scopes=list(wish.scopes),
            lines=list(wish.lines),
            networks=list(wish.networks),
            by_address=wish.by_address,
            sealed_secret=sealer.seal({"secret": secret}) if wish.signs else None,
        )
    )
    return NewKey(key_id, None if wish.by_address else secret, wish.signs)


def _check(wish: KeyWish) -> None:
    if wish.by_address and wish.signs:
        raise Invalid("A key either signs, or its address is enough: choose one.")
    if not wish.by_address:
        return
    if not wish.networks:
        raise Invalid("A key whose address is enough needs --network.")
    for network in wish.networks:
        if too_wide(network):
            raise Invalid(f"{network} is too wide to be let in without a key.")


def too_wide(network: Network) -> bool:
    """Are there too many strangers in it to let everyone in without a key?"""
    return network.prefixlen < _WIDEST[network.version]


async def _note(tx: Tx, action: str, name: str, facts: dict[str, object]) -> None:
    await audit.note(
        tx, action=action, actor_kind="command", actor_id=None, subject=name, facts=facts
    )
