"""Signing in and staying signed in."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.access.people import People, Person
from core.access.sql import SQL
from core.access.workspaces import Workspace, workspace
from core.clock import Clock
from core.faults import RateLimited, Refused, Unauthorized
from core.ids import PersonId, WorkspaceId, new_id
from core.postgres import Database
from core.sealing import token_hash

SESSION_LIFETIME = timedelta(hours=16)
_FAILURES_ALLOWED = 5
_WAIT_S = 600
_REMEMBERED = timedelta(seconds=_WAIT_S)
_STRANGERS = 10_000
"""So many addresses that nobody has are remembered at most, in this process only."""


class SignInFailed(Unauthorized, code="sign_in_failed"):
    """The e-mail address or the password is wrong."""


class ChooseWorkspace(Refused, code="choose_workspace"):
    """This sign-in opens several workspaces: say which one."""


class TooManyTries(RateLimited, code="rate_limited"):
    """Too many wrong passwords; wait ten minutes or ask an admin."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session as stored, with its person."""

    session_id: UUID
    expires_at: datetime
    person_id: PersonId
    email: str
    name: str
    roles: Sequence[str]
    rights: Sequence[str]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is asking, in which workspace, and until when."""

    workspace_id: WorkspaceId
    session_id: UUID
    person: Person
    expires_at: datetime


class SignIns:
    """Sessions, from the password to the sign-out."""

    def __init__(self, database: Database, people: People, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._clock = clock
        self._strangers: dict[bytes, list[datetime]] = {}

    async def open(
        self, email: str, password: str, workspace_name: str | None
    ) -> tuple[str, SignedIn]:
        """The token for the cookie, and who it is.

        Raises SignInFailed, TooManyTries, or ChooseWorkspace when several fit.
        """
        async with self._database.directory() as tx:
            rows = await tx.fetch(*SQL["people_with_email"](email=email.strip().lower()))
        asked = [row for row in rows if workspace_name in {None, row["name"]}]
        fitting = [
            row
            for row in asked
            if await self._check(WorkspaceId(row["workspace_id"]), row["person_id"], password)
        ]
        if not asked:
            await self._turn_away(email, password)
        if not fitting:
            raise SignInFailed
        if len(fitting) > 1:
            raise ChooseWorkspace(
                workspaces=[{"name": row["name"], "title": row["title"]} for row in fitting]
            )
        return await self._start(WorkspaceId(fitting[0]["workspace_id"]), fitting[0]["person_id"])

    async def find(self, token: str) -> SignedIn | None:
        """Whose cookie is this, if it still counts?"""
        hashed = token_hash(token)
        async with self._database.directory() as tx:
            found = await tx.fetchval(*SQL["find_session"](token_hash=hashed))
        if found is None:
            return None
        async with self._database.workspace(WorkspaceId(found), read_only=True) as tx:
            row = await tx.fetchrow(*SQL["session"](workspace=found, token_hash=hashed))
        if row is None:
            return None
        session = SessionRow(**row)
        person = Person(
            session.person_id, session.email, session.name, session.roles, session.rights
        )
        return SignedIn(WorkspaceId(found), session.session_id, person, session.expires_at)

    async def end(self, signed_in: SignedIn) -> None:
        """Sign out: the token stops working, and open sockets hear of it."""
        async with self._database.workspace(signed_in.workspace_id) as tx:
            await tx.execute(
                *SQL["end_session"](workspace=signed_in.workspace_id, session=signed_in.session_id)
            )
            tx.wake(f"session:{signed_in.session_id}")

    async def workspace(self, signed_in: SignedIn) -> Workspace:
        """The workspace this person is in."""
        async with self._database.workspace(signed_in.workspace_id, read_only=True) as tx:
            return await workspace(tx)

    async def _turn_away(self, email: str, password: str) -> None:
        """Nobody goes by this address: as slow, and as soon tired of guesses, as if somebody did."""
        hashed, now = token_hash(email.strip().lower()), self._clock()
        lately = [at for at in self._strangers.pop(hashed, ()) if at > now - _REMEMBERED]
        tired = len(lately) >= _FAILURES_ALLOWED
        self._strangers[hashed] = lately if tired else [*lately, now]
        if len(self._strangers) > _STRANGERS:
            del self._strangers[next(iter(self._strangers))]
        if tired:
            raise TooManyTries(retry_after_s=_WAIT_S)
        await self._people.password_fits(None, password)

    async def _check(self, workspace_id: WorkspaceId, person_id: UUID, password: str) -> bool:
        """A try counts as wrong until it proves right, so that a burst of guesses is no way round."""
        attempt = new_id()
        async with self._database.workspace(workspace_id) as tx:
            row = await tx.fetchrow(*SQL["lock_password"](workspace=workspace_id, person=person_id))
            failures = await tx.fetchval(
                *SQL["recent_failures"](workspace=workspace_id, person=person_id)
            )
            if failures >= _FAILURES_ALLOWED:
                raise TooManyTries(retry_after_s=_WAIT_S)
            await tx.execute(
                *SQL["note_attempt"](workspace=workspace_id, attempt=attempt, person=person_id)
            )
        stored = row["password_hash"] if row is not None else None
        fits = await self._people.password_fits(stored, password)
        if fits:
            async with self._database.workspace(workspace_id) as tx:
                await tx.execute(*SQL["attempt_fits"](workspace=workspace_id, attempt=attempt))
        return fits

    async def _start(self, workspace_id: WorkspaceId, person_id: UUID) -> tuple[str, SignedIn]:
        token = secrets.token_urlsafe(32)
        async with self._database.workspace(workspace_id) as tx:
            await tx.execute(
                *SQL["open_session"](
                    workspace=workspace_id,
                    session=new_id(),
                    token_hash=token_hash(token),
                    person=person_id,
                    expires_at=self._clock() + SESSION_LIFETIME,
                )
            )
        signed_in = await self.find(token)
        if signed_in is None:
            raise SignInFailed
        return token, signed_in
