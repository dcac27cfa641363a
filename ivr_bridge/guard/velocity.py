"""How many openings the same number, its neighbours, or whoever keys numbers in may cause."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers

from core.ids import ContactId, WorkspaceId
from core.postgres import Database, Tx
from core.vocabulary import PhoneNumber
from ivr_bridge.callers import Caller
from ivr_bridge.guard.sql import SQL
from ivr_bridge.guard.terms import Caps, VelocityTerms
from ivr_bridge.line import Line


@dataclass(frozen=True, slots=True)
class Subject:
    """Something whose openings are counted; of a number only a hash is kept, and that for a day."""

    kind: str
    subject: bytes
    caps: Caps


@dataclass(frozen=True, slots=True)
class Counted:
    """That one more was counted, and in which hour and day."""

    kind: str
    subject: bytes
    hour_from: datetime
    day_from: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What a look before the offer found."""

    place: int
    over: str | None
    contact_id: ContactId | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted for one opening."""

    subjects: Sequence[Subject]
    counted: Sequence[Counted]

    @property
    def over(self) -> str | None:
        """Which cap left no room, if any did."""
        found = {each.kind for each in self.counted}
        return next((each.kind for each in self.subjects if each.kind not in found), None)


def subjects(line: Line, caller: Caller, terms: VelocityTerms) -> Sequence[Subject]:
    """What an opening to this caller counts against."""
    target = caller.target
    if target is None:
        return ()
    found = [Subject("number", _hash(target.e164), terms.number)]
    if terms.prefix.hour is not None or terms.prefix.day is not None:
        found.append(Subject("prefix", _hash(_prefix(target, terms.prefix_digits)), terms.prefix))
    if caller.keyed_in:
        found.append(Subject("keyed_in", _hash(target.e164), terms.keyed_in))
        found.append(Subject("keyed_in_line", line.line_id.bytes, terms.keyed_in_line))
        if caller.phone is not None:
            found.append(Subject("keyed_in_from", _hash(caller.phone.e164), terms.keyed_in_from))
    return [each for each in found if each.caps.hour is not None or each.caps.day is not None]


async def take(
    database: Database, workspace_id: WorkspaceId, group: Sequence[Sequence[Subject]]
) -> Sequence[Counts]:
    """Count one more opening for each of these, where there is room; what is short is in `over`. No
    subject may stand in a group twice.
    """
    rows = await database.alone(workspace_id, *SQL["take_velocity"](**to_take(workspace_id, group)))
    found = {(row["kind"], row["subject"]): Counted(**row) for row in rows}
    return [
        Counts(
            counted,
            [
                found[each.kind, each.subject]
                for each in counted
                if (each.kind, each.subject) in found
            ],
        )
        for counted in group
    ]


def to_take(workspace_id: WorkspaceId, group: Sequence[Sequence[Subject]]) -> dict[str, Any]:
    """The values of `take_velocity`."""
    return {
        "workspace": workspace_id,
        **_asked([each for counted in group for each in counted]),
    }


def places_of(group: Sequence[Sequence[Subject]]) -> list[int]:
    """For each subject whose it is in the group, counted from 1."""
    return [place for place, counted in enumerate(group, 1) for _ in counted]


async def give_back(database: Database, workspace_id: WorkspaceId, counts: Counts) -> None:
    """They were not sent after all."""
    await database.alone(
        workspace_id,
        *SQL["give_velocity_back"](
            workspace=workspace_id,
            kinds=[each.kind for each in counts.counted],
            subjects=[each.subject for each in counts.counted],
            hours=[each.hour_from for each in counts.counted],
            days=[each.day_from for each in counts.counted],
        ),
    )


async def look_around(
    database: Database, workspace_id: WorkspaceId, group: Sequence[tuple[Sequence[Subject], str]]
) -> Sequence[Around]:
    """What is used up already by these numbers' subjects, before offers are made."""
    rows = await database.alone(
        workspace_id,
        *SQL["look_around"](
            workspace=workspace_id,
            targets=[target for _, target in group],
            places=places_of([counted for counted, _ in group]),
            **_asked([each for counted, _ in group for each in counted]),
        ),
    )
    return [Around(**row) for row in rows]


async def forget(tx: Tx) -> None:
    """Counts of days that are over."""
    await tx.execute(*SQL["forget_velocity"](workspace=tx.workspace_id))


def _asked(counted: Sequence[Subject]) -> dict[str, Any]:
    return {
        "kinds": [each.kind for each in counted],
        "subjects": [each.subject for each in counted],
        "hour_caps": [each.caps.hour for each in counted],
        "day_caps": [each.caps.day for each in counted],
    }


def _prefix(number: PhoneNumber, digits: int) -> str:
    """The country code and so many digits after it."""
    try:
        parsed = phonenumbers.parse(number.e164)
    except phonenumbers.NumberParseException:
        return number.e164[: 1 + digits]
    national = phonenumbers.national_significant_number(parsed)
    return f"+{parsed.country_code}{national[:digits]}"


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
