"""Pauses: a line, a channel account or everything stops sending, everywhere within two seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.faults import NotFound, Refused
from core.ids import new_id
from core.postgres import Tx
from ivr_bridge.guard.sql import SQL


class PausedBy(StrEnum):
    """Who stopped it."""

    COMMAND = "command"
    WATCH = "watch"
    """The line itself, by its own terms."""


class NothingPaused(NotFound, code="nothing_paused"):
    """This is not paused."""


class NothingNamed(NotFound, code="nothing_named"):
    """There is no line and no channel with this name; `all` pauses every line."""


class TwoNamed(Refused, code="two_named"):
    """A line and a channel have this name: say line:NAME or channel:NAME."""


@dataclass(frozen=True, slots=True)
class Paused:
    """What a pause holds."""

    kind: str
    subject: str = ""


EVERYTHING = Paused("all")


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that stands."""

    kind: str
    subject: str
    why: str
    paused_by: str
    from_at: datetime
    until_at: datetime | None


async def named(tx: Tx, text: str) -> Paused:
    """What somebody means: `all`, a line's name or number, a channel's name, or `kind:name`.

    Raises NothingNamed, or TwoNamed when a line and a channel share the name.
    """
    if text == EVERYTHING.kind:
        return EVERYTHING
    kind, colon, name = text.partition(":")
    rows = await tx.fetch(
        *SQL["pausable"](
            workspace=tx.workspace_id,
            name=name if colon else text,
            kind=kind if colon else None,
        )
    )
    if not rows:
        raise NothingNamed
    if len(rows) > 1:
        raise TwoNamed
    return Paused(rows[0]["kind"], rows[0]["name"])


async def pause(
    tx: Tx, what: Paused, *, for_s: float | None, why: str = "", by: PausedBy = PausedBy.COMMAND
) -> datetime | None:
    """Stop this, for so long or until it is lifted; when it ends. A pause that stands is replaced."""
    await tx.execute(*SQL["lift"](workspace=tx.workspace_id, kind=what.kind, subject=what.subject))
    until: datetime | None = await tx.fetchval(
        *SQL["pause"](
            workspace=tx.workspace_id,
            pause=new_id(),
            kind=what.kind,
            subject=what.subject,
            why=why,
            by=by.value,
            for_s=for_s,
        )
    )
    return until


async def lift(tx: Tx, what: Paused) -> None:
    """Let it send again; raises NothingPaused."""
    rows = await tx.fetch(
        *SQL["lift"](workspace=tx.workspace_id, kind=what.kind, subject=what.subject)
    )
    if not rows:
        raise NothingPaused


async def pauses(tx: Tx) -> Sequence[Pause]:
    """What is paused now."""
    return [Pause(**row) for row in await tx.fetch(*SQL["pauses"](workspace=tx.workspace_id))]
