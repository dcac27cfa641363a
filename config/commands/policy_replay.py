"""A candidate policy, tried on recorded calls by whoever is about to change the live one."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from config.rooms import rooms
from config.settings import Settings
from config.workspaces.reading import FileRefused
from core.access.workspaces import workspace as home_of
from core.ids import LineId
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.policy import PolicyTerms
from ivr_bridge.replay import Replayed, replay
from ivr_bridge.reports.periods import period


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands on the command line."""

    file: Path
    workspace: str
    since: str | None
    until: str | None
    line: str | None
    as_json: bool


async def try_out(settings: Settings, asked: Asked, say: Console, out: Console) -> None:
    """Replay and show; raises FileRefused or Fault."""
    wanted = candidates(asked.file)
    async with rooms(settings, application="policy replay", pool_size=2) as opened:
        workspace_id = await opened.workspaces.number(asked.workspace)
        async with opened.database.workspace(workspace_id, read_only=True) as tx:
            home = await home_of(tx)
        days = period(asked.since, asked.until, home.zone, opened.clock())
        lines = await Lines(opened.database, opened.clock).everything(workspace_id)
        chosen = _for_lines(wanted, lines, asked)
        with _progress(say) as report:
            replayed = await replay(
                opened.database,
                workspace_id,
                {line.line_id: line for line in lines},
                chosen,
                days,
                report,
            )
    if asked.as_json:
        told = {"from": str(days.first), "to": str(days.last), **replayed.document()}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show(replayed, out)


def candidates(path: Path) -> Mapping[str | None, PolicyTerms]:
    """The policies in this file by the name of their line; None stands for every line.

    A whole workspace file (`lines:`), one policy for all (`policy:`), or line by line.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as broken:
        raise FileRefused(f"{path}: this is no YAML that can be read.") from broken
    if not isinstance(raw, dict) or not raw:
        raise FileRefused(f"{path}: write `policy:`, or one policy under the name of each line.")
    told: Mapping[str | None, Any] = raw
    if isinstance(raw.get("lines"), list):
        named = [part for part in raw["lines"] if isinstance(part, dict) and "name" in part]
        told = {str(part["name"]): part.get("policy", {}) for part in named}
    elif raw.keys() == {"policy"}:
        told = {None: raw["policy"]}
    try:
        return {
            name: PolicyTerms.model_validate({} if terms is None else terms)
            for name, terms in told.items()
        }
    except ValidationError as wrong:
        lines = [
            f"{path}: {'.'.join(str(part) for part in error['loc']) or 'policy'}: {error['msg']}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
        raise FileRefused("\n".join(lines)) from wrong


def _for_lines(
    wanted: Mapping[str | None, PolicyTerms], lines: Sequence[Line], asked: Asked
) -> Mapping[LineId, PolicyTerms]:
    names = {line.name for line in lines}
    strange = sorted(name for name in wanted if name is not None and name not in names)
    if strange:
        raise FileRefused(f"{asked.file}: the workspace has no line {', '.join(strange)}.")
    if asked.line is not None and asked.line not in names:
        raise FileRefused(
            f"--line {asked.line}: the workspace has lines {', '.join(sorted(names))}."
        )
    chosen = {
        line.line_id: wanted.get(line.name, wanted.get(None))
        for line in lines
        if asked.line in {None, line.name}
    }
    found = {line_id: terms for line_id, terms in chosen.items() if terms is not None}
    if not found:
        raise FileRefused(f"{asked.file}: it has no policy for {asked.line or 'any line'}.")
    return found


@contextmanager
def _progress(say: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar where a person watches; the answer comes soon enough for everybody else."""
    if not say.is_terminal:
        yield lambda _, __: None
        return
    with Progress(
        TextColumn("deciding again"), BarColumn(), MofNCompleteColumn(), console=say, transient=True
    ) as progress:
        bar = progress.add_task("", total=None)
        yield lambda done, answers: progress.update(bar, completed=done, total=answers)


def _show(replayed: Replayed, out: Console) -> None:
    document = replayed.document()
    told = document["lines"]
    shown = [*told, {"line": "all", **document["total"]}] if len(told) > 1 else told
    table = Table(box=None, pad_edge=False)
    for title in (
        "line",
        "answers",
        "decided",
        "offers",
        "would be",
        "newly refused",
        "newly offered",
    ):
        table.add_column(title, justify="left" if title == "line" else "right")
    for part in shown:
        table.add_row(
            part["line"],
            *(str(part[name]) for name in ("answers", "decided", "offers_before", "offers_after")),
            str(sum(part["newly_refused"].values())),
            str(sum(part["newly_offered"].values())),
        )
    out.print(table)
    for part in shown[-1:]:
        for name, words in (
            ("newly_refused", "newly refused"),
            ("newly_offered", "newly offered, was"),
            ("refused_otherwise", "refused for another reason"),
            ("not_enough_recorded", "not enough recorded"),
        ):
            for what, count in part[name].items():
                out.print(f"{count:>8}  {words}: {what}", markup=False)
    if document["calls_that_never_asked"]:
        out.print(
            f"{document['calls_that_never_asked']:>8}  calls that never asked before an offer"
        )
