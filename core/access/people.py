"""People of a workspace, their roles and what these allow."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.access.sql import SQL
from core.ids import PersonId, new_id
from core.postgres import Tx


class Role(StrEnum):
    """What a person is here for."""

    OPERATOR = "operator"
    LEAD = "lead"
    MANAGER = "manager"
    ADMIN = "admin"


class Right(StrEnum):
    """What a page or endpoint asks for."""

    DESK = "desk"
    REPORTS = "reports"
    ADMIN = "admin"
    SEE_PHONE = "see_phone"
    ALL_QUEUES = "all_queues"


_ROLE_RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OPERATOR: frozenset({Right.DESK}),
    Role.LEAD: frozenset({Right.DESK, Right.REPORTS, Right.SEE_PHONE, Right.ALL_QUEUES}),
    Role.MANAGER: frozenset({Right.REPORTS}),
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can sign in."""

    person_id: PersonId
    email: str
    name: str
    roles: Sequence[str]
    rights: Sequence[str]
    """Given beyond what the roles give, such as `see_phone`."""

    @property
    def may(self) -> frozenset[Right]:
        """Everything this person is allowed."""
        allowed = {Right(right) for right in self.rights}
        for role in self.roles:
            allowed |= _ROLE_RIGHTS[Role(role)]
        return frozenset(allowed)


class People:
    """The people of a workspace."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Checked against when there is nobody, so that time does not tell who exists.
        self._nobody = self._hasher.hash("nobody")

    async def put(
        self,
        tx: Tx,
        *,
        email: str,
        name: str,
        roles: Sequence[str],
        rights: Sequence[str] = (),
        password: str | None = None,
    ) -> PersonId:
        """Add or update the person with this address; a password only replaces when one is given."""
        hashed = None if password is None else await asyncio.to_thread(self._hasher.hash, password)
        found = await tx.fetchval(
            *SQL["put_person"](
                workspace=tx.workspace_id,
                person=new_id(),
                email=email.strip().lower(),
                name=name,
                password_hash=hashed,
                roles=list(roles),
                rights=list(rights),
            )
        )
        return PersonId(found)

    async def get(self, tx: Tx, person_id: PersonId) -> Person | None:
        """One person who may still sign in."""
        row = await tx.fetchrow(*SQL["person"](workspace=tx.workspace_id, person=person_id))
        return Person(**row) if row else None

    async def with_email(self, tx: Tx, email: str) -> PersonId | None:
        """Who has this address in this workspace, signing in or not."""
        found = await tx.fetchval(
            *SQL["person_with_email"](workspace=tx.workspace_id, email=email.strip().lower())
        )
        return PersonId(found) if found is not None else None

    async def all(self, tx: Tx) -> Sequence[Person]:
        """Everyone, by name."""
        rows = await tx.fetch(*SQL["people"](workspace=tx.workspace_id))
        return [Person(**row) for row in rows]

    async def password_fits(self, password_hash: str | None, password: str) -> bool:
        """Does it? Takes as long for nobody as for somebody."""
        return await asyncio.to_thread(self._fits, password_hash or self._nobody, password) and (
            password_hash is not None
        )

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
