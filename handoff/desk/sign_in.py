"""Signing in at the desk, staying signed in, and signing out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.access import SESSION_LIFETIME, Right, SignedIn
from core.access.sessions import ChooseWorkspace, SignInFailed, TooManyTries
from core.access.workspaces import Workspace, workspace
from core.faults import Forbidden, Invalid, Unauthorized
from core.http import (
    PUBLIC_ORIGIN,
    SIGN_INS,
    Access,
    Endpoint,
    answer,
    cookie_name,
    same_origin,
    signed_in,
)
from core.ids import public
from handoff.desk import objects, reading
from handoff.desk.asking import DESK, Sent, sent
from handoff.desk.sight import sight_of

_RIGHTS = (Right.DESK, Right.REPORTS, Right.ADMIN, Right.SEE_PHONE)


class Credentials(Sent):
    """Who wants in."""

    email: Annotated[str, Field(min_length=1, max_length=320)]
    # Hashing takes time on purpose; a long password must not take more of it.
    password: Annotated[str, Field(min_length=1, max_length=1000)]
    workspace: Annotated[str, Field(max_length=63)] | None = None


class PersonShown(objects.Shown):
    """Whoever is signed in."""

    id: str
    name: str
    email: str


class WorkspaceShown(objects.Shown):
    """Where they are signed in."""

    name: str
    title: str
    timezone: str
    accent: str | None
    languages: Sequence[str]


class Me(objects.Shown):
    """Who is signed in, and what they may do."""

    person: PersonShown
    workspace: WorkspaceShown
    roles: Sequence[str]
    queues: Sequence[objects.Queue]
    presence: objects.Presence
    rights: Sequence[str]


async def open_session(request: web.Request) -> web.Response:
    """A cookie for whoever knows the password."""
    same_origin(request)
    wanted = await sent(request, Credentials)
    token, who = await request.app[SIGN_INS].open(
        wanted.email, wanted.password, wanted.workspace or None
    )
    response = answer(await _me(request, who))
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=request.app[PUBLIC_ORIGIN].startswith("https:"),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def show_session(request: web.Request) -> web.Response:
    """Whose cookie is this?"""
    response = answer(await _me(request, signed_in(request)))
    response.headers["Cache-Control"] = "no-store"
    return response


async def end_session(request: web.Request) -> web.Response:
    """The cookie stops working, here and on every open socket."""
    await request.app[SIGN_INS].end(signed_in(request))
    response = web.Response(status=204)
    response.del_cookie(
        cookie_name(request),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=request.app[PUBLIC_ORIGIN].startswith("https:"),
    )
    return response


async def _me(request: web.Request, who: SignedIn) -> Me:
    desk = request.app[DESK]
    serves = Right.DESK in who.person.may
    if serves:
        # Whoever opens a desk for the first time becomes somebody who can be given work.
        await desk.operators.presence(who.workspace_id, who.person.person_id)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        where = await workspace(tx)
        queues = await reading.queues(tx, await sight_of(tx, who)) if serves else []
        standing = await reading.presence(tx, [who.person.person_id]) if serves else {}
    return Me(
        person=PersonShown(
            id=public("pe", who.person.person_id), name=who.person.name, email=who.person.email
        ),
        workspace=_shown(where),
        roles=list(who.person.roles),
        queues=queues,
        presence=standing.get(who.person.person_id) or _takes_no_work(desk.clock()),
        rights=[right.value for right in _RIGHTS if right in who.person.may],
    )


def _shown(where: Workspace) -> WorkspaceShown:
    accent = where.settings.get("accent")
    return WorkspaceShown(
        name=where.name,
        title=where.title,
        timezone=where.timezone,
        accent=accent if isinstance(accent, str) else None,
        languages=where.languages,
    )


def _takes_no_work(now: datetime) -> objects.Presence:
    """A manager reads reports and is given no conversations."""
    return objects.Presence(
        declared="offline",
        reason=None,
        link="lost",
        not_responding=False,
        load=0,
        capacity=0,
        since=now,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/session",
        handler=open_session,
        summary="Sign in",
        access=Access.PUBLIC,
        accepts=Credentials,
        answers=Me,
        faults=(SignInFailed, ChooseWorkspace, TooManyTries, Invalid, Forbidden),
    ),
    Endpoint(
        method="GET",
        path="/v1/session",
        handler=show_session,
        summary="Who is signed in",
        access=Access.PERSON,
        answers=Me,
        faults=(Unauthorized,),
    ),
    Endpoint(
        method="DELETE",
        path="/v1/session",
        handler=end_session,
        summary="Sign out",
        access=Access.PERSON,
        status=204,
        faults=(Unauthorized, Forbidden),
    ),
)
