"""Short links into a chat: nobody can guess one, none carries a number, and each ends.

A token is 20 letters of Crockford's base32: 20 bits name the workspace, 80 are random. Only its digest
is kept, so that whoever reads the database cannot follow it.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.faults import NotFound
from core.ids import DeflectionId, LineId, WorkspaceId
from core.postgres import Database, Tx
from core.queries import load
from ivr_bridge.rescues.terms import RescueTerms

SQL = load(Path(__file__).with_name("links.sql"))

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 20
_RANDOM_BITS = 80


class LinkUnknown(NotFound, code="link_unknown"):
    """This link is not ours, or its time is over."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a link leads, and whose it is."""

    language: str
    brand: str
    terms: Mapping[str, Any]
    line_number: str | None
    channel: str | None
    number: str | None

    @property
    def greeting(self) -> str | None:
        """What the line proposes to write, in this language."""
        greeting: Mapping[str, str] = RescueTerms.model_validate(
            self.terms.get("rescue", {}), extra="ignore"
        ).greeting
        return greeting.get(self.language)


async def make(
    tx: Tx,
    deflection_id: DeflectionId,
    line_id: LineId,
    *,
    account: str,
    language: str,
    valid_s: int,
) -> str:
    """A new link's token, known to nobody but who is given it."""
    token = _written(tx.workspace_id << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))
    await tx.execute(
        *SQL["make_link"](
            workspace=tx.workspace_id,
            digest=_digest(token),
            deflection=deflection_id,
            account=account,
            line=line_id,
            language=language,
            valid_s=valid_s,
        )
    )
    return token


async def forget(tx: Tx) -> None:
    """Let go of those whose time has long been over."""
    await tx.execute(*SQL["forget_links"](workspace=tx.workspace_id))


@dataclass(frozen=True, slots=True)
class Links:
    """Follows links, whoever made them."""

    database: Database

    async def follow(self, token: str) -> Followed:
        """Where it leads, the opening noted; raises LinkUnknown."""
        plain = token.lower()
        number = _read(plain)
        if number is None:
            raise LinkUnknown
        workspace_id = WorkspaceId(number >> _RANDOM_BITS)
        async with self.database.workspace(workspace_id) as tx:
            row = await tx.fetchrow(
                *SQL["follow_link"](workspace=workspace_id, digest=_digest(plain))
            )
        if row is None:
            raise LinkUnknown
        return Followed(**row)


def _written(number: int) -> str:
    letters = []
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(reversed(letters))


def _read(token: str) -> int | None:
    if len(token) != _LENGTH or any(letter not in _ALPHABET for letter in token):
        return None
    number = 0
    for letter in token:
        number = number * len(_ALPHABET) + _ALPHABET.index(letter)
    return number


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
