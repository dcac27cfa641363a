"""Lines in the database, and this process's memory of them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import phonenumbers

from core.clock import Clock, utc_now
from core.faults import Refused
from core.ids import LineId, WorkspaceId, new_id
from core.jobs import enqueue
from core.postgres import Database, Tx
from core.queries import load
from core.vocabulary import phone_number
from ivr_bridge.aftermath import tidying
from ivr_bridge.line import Line, LineDraft, LineRow
from ivr_bridge.policy.keeping import learn
from ivr_bridge.returns.following import promises

SQL = load(Path(__file__).with_name("lines.sql"))

_REMEMBERED_S = 2.0


class NumberTaken(Refused, code="number_taken"):
    """Another line already answers this number."""


async def put_line(tx: Tx, draft: LineDraft) -> LineId:
    """Make it so, whether or not the line exists; raises NumberTaken."""
    line_id: LineId = await tx.fetchval(
        *SQL["put_line"](
            workspace=tx.workspace_id,
            line=new_id(),
            name=draft.name,
            title=draft.title,
            country=draft.country,
            enabled=draft.enabled,
            account=draft.account,
            flow=draft.flow,
            queue=draft.queue,
            callback_queue=draft.callback_queue or draft.queue,
            confirm=draft.confirm.value,
            grace_ms=draft.grace_ms,
            deadline_ms=draft.deadline_ms,
            rescue_after_s=draft.rescue_after_s,
            repeat_call_s=draft.repeat_call_s,
            declined_s=draft.declined_s,
            can_poll=draft.can_poll,
            continue_to=draft.continue_to,
            # A list: jsonb forgets the order of keys, and the first language is the line's own.
            opening=[
                {
                    "language": language,
                    "template": use.template,
                    "parameters": list(use.parameters),
                }
                for language, use in draft.opening.items()
            ],
            prompts={key: dict(texts) for key, texts in draft.prompts.items()},
            goodbye=dict(draft.goodbye),
            topics={intent: dict(texts) for intent, texts in draft.topics.items()},
            consent=asdict(draft.consent),
            terms=draft.terms.stored(),
            managed_by=draft.managed_by,
        )
    )
    numbers = [_written(number, draft.country) for number in draft.numbers]
    await tx.execute(*SQL["drop_numbers"](workspace=tx.workspace_id, line=line_id, numbers=numbers))
    rows = await tx.fetch(
        *SQL["put_numbers"](workspace=tx.workspace_id, line=line_id, numbers=numbers)
    )
    if len(rows) != len(set(numbers)):
        taken = set(numbers) - {row["number"] for row in rows}
        raise NumberTaken(f"{', '.join(sorted(taken))}: another line answers this number.")
    await enqueue(tx, tidying())
    if draft.terms.return_to_voice is not None:
        await enqueue(tx, promises())
    return line_id


async def put_unwanted(tx: Tx, patterns: Sequence[str]) -> None:
    """No call is moved to these numbers (with a star: to what begins so); earlier entries are forgotten."""
    await tx.execute(*SQL["put_unwanted"](workspace=tx.workspace_id, patterns=list(patterns)))


async def all_lines(tx: Tx) -> list[Line]:
    """Every line of the workspace, by name."""
    rows = await tx.fetch(*SQL["lines"](workspace=tx.workspace_id))
    return [LineRow(**row).line() for row in rows]


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: float
    lines: Sequence[Line]
    by_number: Mapping[str, Line]


class Lines:
    """Find a line by what the IVR calls it. Answers are at most two seconds old."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._remembered: dict[WorkspaceId, _Remembered] = {}
        self._reading: dict[WorkspaceId, asyncio.Lock] = {}

    async def find(self, workspace_id: WorkspaceId, text: str) -> Line | None:
        """The line of this number, however the PBX writes it, or of this name."""
        known = await self._known(workspace_id)
        direct = known.by_number.get(text) or known.by_number.get(_digits(text))
        if direct is not None:
            return direct
        for country in {line.country for line in known.lines}:
            number = phone_number(text, country=country)
            if number is not None and number.e164 in known.by_number:
                return known.by_number[number.e164]
        return None

    async def by_id(self, workspace_id: WorkspaceId, line_id: LineId) -> Line | None:
        """The line with this id."""
        known = await self._known(workspace_id)
        return next((line for line in known.lines if line.line_id == line_id), None)

    async def everything(self, workspace_id: WorkspaceId) -> Sequence[Line]:
        """All of them."""
        return (await self._known(workspace_id)).lines

    async def _known(self, workspace_id: WorkspaceId) -> _Remembered:
        known = self._remembered.get(workspace_id)
        if known is not None and known.until > time.monotonic():
            return known
        # One request reads, the others that came meanwhile wait for what it finds.
        async with self._reading.setdefault(workspace_id, asyncio.Lock()):
            known = self._remembered.get(workspace_id)
            if known is not None and known.until > time.monotonic():
                return known
            async with self._database.workspace(workspace_id, read_only=True) as tx:
                lines = await all_lines(tx)
            terms = [line.terms for line in lines]
            policies = [policy for each in terms for policy in (each.policy, each.shadow)]
            await learn(policies, self._clock().date())
            fresh = _Remembered(time.monotonic() + _REMEMBERED_S, lines, _by_number(lines))
            self._remembered[workspace_id] = fresh
            return fresh


def _by_number(lines: Sequence[Line]) -> dict[str, Line]:
    """Every way in which a dialplan may write a line: name, E.164, digits, national with its prefix.

    A spelling that two lines share (national numbers of two countries) names neither.
    """
    spellings: dict[str, set[LineId]] = {}
    for line in lines:
        for number in (line.name, *line.numbers):
            for spelling in _spellings(number):
                spellings.setdefault(spelling, set()).add(line.line_id)
    by_id = {line.line_id: line for line in lines}
    return {text: by_id[min(ids)] for text, ids in spellings.items() if len(ids) == 1}


def _spellings(number: str) -> set[str]:
    found = {number, _digits(number)} - {""}
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return found
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return found | {_digits(national), phonenumbers.national_significant_number(parsed)}


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _written(number: str, country: str) -> str:
    """E.164 where it is a number; what else a PBX may dial (an internal extension) stays as it is."""
    parsed = phone_number(number, country=country)
    return parsed.e164 if parsed is not None else number.strip()
