"""Lines in people's hands: shown, checked against what is there, and changed one version at a time."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from core.access import audit
from core.access.workspaces import workspace
from core.clock import Clock
from core.faults import Invalid, NotFound, Refused
from core.ids import PersonId, WorkspaceId
from core.postgres import Database, Tx
from core.queries import load
from ivr_bridge.admin.documents import (
    Choices,
    LineChange,
    LineShown,
    LineWanted,
    TemplateChoice,
)
from ivr_bridge.admin.fitting import misfits
from ivr_bridge.line import Line
from ivr_bridge.lines import all_lines, put_line
from ivr_bridge.policy.keeping import learn

log = structlog.get_logger()

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

SQL = load(Path(__file__).with_name("admin.sql"))


class NoSuchLine(NotFound, code="line_unknown"):
    """There is no line with this name."""


class ManagedByFile(Refused, code="managed_by_file"):
    """The workspace file keeps this line: change it there and apply the file."""


class ChangedMeanwhile(Refused, code="changed_meanwhile"):
    """Somebody else changed this line since you opened it; look at it again."""


class NameTaken(Refused, code="name_taken"):
    """There is a line with this name already."""


@dataclass(frozen=True, slots=True)
class LineKeeping:
    """The lines of a workspace, for those who may change them."""

    database: Database
    clock: Clock

    async def everything(self, workspace_id: WorkspaceId) -> list[LineShown]:
        """All lines, by name, as the database holds them now."""
        async with self.database.workspace(workspace_id, read_only=True) as tx:
            return [LineShown.of(line) for line in await all_lines(tx)]

    async def one(self, workspace_id: WorkspaceId, name: str) -> Line:
        """The line of this name; raises NoSuchLine."""
        async with self.database.workspace(workspace_id, read_only=True) as tx:
            return await _named(tx, name)

    async def choices(self, workspace_id: WorkspaceId) -> Choices:
        """What a line may refer to."""
        async with self.database.workspace(workspace_id, read_only=True) as tx:
            return await _choices(tx)

    async def keep(
        self, workspace_id: WorkspaceId, name: str, change: LineChange, *, by: PersonId
    ) -> LineShown:
        """Make the line so; raises Invalid, ManagedByFile, ChangedMeanwhile, NameTaken, NumberTaken."""
        if not _NAME.fullmatch(name):
            why = "A name is made of a-z, 0-9, _ and -, 63 at most."
            raise Invalid(why, errors=[{"path": "name", "message": why, "code": "line_name"}])
        policies = [change.line.terms.policy, change.line.terms.shadow]
        await learn(policies, self.clock().date())
        async with self.database.workspace(workspace_id) as tx:
            before = await _held(tx, name)
            if before is None and change.version is not None:
                raise NoSuchLine
            if before is not None:
                _may_change(before, change)
            _refuse_what_does_not_fit(change.line, await _choices(tx))
            await put_line(tx, change.line.draft(name))
            kept = await _named(tx, name)
            await audit.note(
                tx,
                action="line.added" if before is None else "line.changed",
                actor_kind="person",
                actor_id=str(by),
                subject=name,
                facts={"version": kept.version, "changed": _changed(before, kept)},
            )
        log.info("line.kept", line=name, version=kept.version)
        return LineShown.of(kept)


async def _named(tx: Tx, name: str) -> Line:
    found = next((line for line in await all_lines(tx) if line.name == name), None)
    if found is None:
        raise NoSuchLine
    return found


async def _held(tx: Tx, name: str) -> Line | None:
    """The line, not to be changed by anybody else until this transaction ends."""
    await tx.execute(*SQL["hold"](workspace=tx.workspace_id, name=name))
    return next((line for line in await all_lines(tx) if line.name == name), None)


async def _choices(tx: Tx) -> Choices:
    asked = {"workspace": tx.workspace_id}
    home = await workspace(tx)
    kinds = {row["name"]: row["kind"] for row in await tx.fetch(*SQL["accounts"](**asked))}
    return Choices(
        accounts=list(kinds),
        kinds=kinds,
        flows=[row["flow"] for row in await tx.fetch(*SQL["flows"](**asked))],
        queues=[row["name"] for row in await tx.fetch(*SQL["queues"](**asked))],
        templates=[TemplateChoice(**row) for row in await tx.fetch(*SQL["templates"](**asked))],
        languages=list(home.languages),
        line_schema=LineWanted.model_json_schema(),
    )


def _may_change(before: Line, change: LineChange) -> None:
    if before.managed_by == "file":
        raise ManagedByFile
    if change.version is None:
        raise NameTaken
    if change.version != before.version:
        raise ChangedMeanwhile(version=before.version)


def _refuse_what_does_not_fit(wanted: LineWanted, choices: Choices) -> None:
    errors = [asdict(misfit) for misfit in misfits(wanted, choices)]
    if errors:
        raise Invalid("The line does not fit what is there; see errors.", errors=errors)


def _changed(before: Line | None, after: Line) -> list[str]:
    """Which parts differ, by name: the trail says who changed what, not the texts themselves."""
    if before is None:
        return []
    return [
        field
        for field in LineWanted.model_fields
        if getattr(before, field) != getattr(after, field)
    ]
