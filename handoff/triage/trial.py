"""Trying a flow before customers do: by hand, by its transcripts, and by a walker who means no good."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from random import Random

from handoff.triage.check import check
from handoff.triage.engine import begin, step
from handoff.triage.findings import Finding, Level, blocker
from handoff.triage.flow import Flow
from handoff.triage.reading import interpret
from handoff.triage.source import FlowInvalid, Mark, Source, load
from handoff.triage.state import (
    OPENING_CONTINUE,
    OPENING_NOT_ME,
    BotState,
    Choice,
    Continue,
    End,
    Handoff,
    Media,
    Step,
    Text,
    Turn,
)
from handoff.triage.transcript import Move, Transcript
from handoff.triage.understanding import option_id
from messaging.content import Option

WALKS = 200
_OPENING = {"continue": OPENING_CONTINUE, "not_me": OPENING_NOT_ME}


class Trial:
    """A conversation with the flow, one move after another; nothing is kept anywhere else."""

    def __init__(
        self, flow: Flow, *, language: str = "", context: Mapping[str, str] | None = None
    ) -> None:
        """The opening has been sent; the customer moves first."""
        self.flow = flow
        self.state: BotState = begin(flow, language=language, context=context or {})
        self.offered: tuple[Option, ...] = ()

    @property
    def over(self) -> bool:
        """Whether the bot is done: people took over, or the conversation ended."""
        return self.state.over is not None

    def turn(self, turn: Turn) -> Step:
        """Any turn."""
        played = step(self.flow, self.state, turn)
        # Through the stored form, as between two messages of a real conversation.
        self.state = BotState.from_json(played.state.to_json())
        self.offered = tuple(option for say in played.says for option in say.options)
        return played

    def write(self, text: str) -> Step:
        """The customer writes."""
        return self.turn(Text(text))

    def tap(self, option: str) -> Step:
        """The customer taps: an option of the last message by id or number, or `node.option`."""
        return self.turn(Choice(self._id(option)))

    def send(self, kind: str) -> Step:
        """The customer sends a picture, a voice message …"""
        return self.turn(Media(kind))

    def do(self, line: str) -> Step:
        """A line at a terminal: words, `#2` or `#status` to tap, `!image` to send something."""
        if line.startswith("#"):
            return self.tap(line[1:].strip())
        return self.send(line[1:].strip()) if line.startswith("!") else self.write(line)

    def _id(self, option: str) -> str:
        if option in _OPENING:
            return _OPENING[option]
        if option.isdigit() and 0 < int(option) <= len(self.offered):
            return self.offered[int(option) - 1].id
        if ":" in option:
            return option
        node, _, key = option.rpartition(".")
        return option_id(node or self.state.node or "", key)


def shown(played: Step) -> Iterator[str]:
    """A step as a terminal shows it: the bot's words, numbered options, and what became of it."""
    for say in played.says:
        yield from say.text.splitlines()
        for number, option in enumerate(say.options, start=1):
            yield f"  #{number} {option.title}  ({option.id})"
    match played.outcome:
        case Handoff() as outcome:
            whom = outcome.queue or outcome.skill or "the default queue"
            yield f"-> to people: {whom}, priority {outcome.priority}, {outcome.reason}"
        case End(closing=closing):
            yield f"-> closed: {closing}"
        case Continue():
            return


def run(flow: Flow, transcript: Transcript, number: int = 0) -> Iterator[Finding]:
    """What went otherwise than the transcript says; the first surprise ends it."""
    trial = Trial(flow, language=transcript.language or "", context=transcript.context)
    for index, move in enumerate(transcript.steps):
        at = ("tests", number, "steps", index)
        if trial.over:
            yield blocker(at, f"`{transcript.name}`: the conversation was already over")
            return
        surprises = list(_surprises(move, _moved(trial, move)))
        if surprises:
            yield blocker(at, f"`{transcript.name}`: " + "; ".join(surprises))
            return


def _moved(trial: Trial, move: Move) -> Step:
    if move.write is not None:
        return trial.write(move.write)
    return trial.tap(move.tap) if move.tap is not None else trial.send(move.send or "")


def _surprises(move: Move, played: Step) -> Iterator[str]:
    state, outcome = played.state, played.outcome
    came = {
        "node": state.node,
        "topic": state.topic,
        "language": state.language,
        "end": _ending(played),
        "queue": outcome.queue if isinstance(outcome, Handoff) else None,
        "reason": str(outcome.reason) if isinstance(outcome, Handoff) else None,
    }
    for what, value in came.items():
        expected = getattr(move, what)
        # An end that nobody announced is a surprise; all else is looked at only when it is named.
        if expected != value and (expected is not None or what == "end"):
            yield f"{what} is {value or 'none'}, expected {expected or 'none'}"
    for slot, expected in (move.slots or {}).items():
        if state.slots.get(slot) != expected:
            yield f"slot {slot} is {state.slots.get(slot) or 'empty'}, expected {expected}"
    if missing := set(move.tags or ()) - set(state.tags):
        yield f"tags lack {', '.join(sorted(missing))}"
    said = "\n".join(say.text for say in played.says)
    for words in move.says:
        if words not in said:
            yield f"the bot did not say {words!r} but {said!r}"


def _ending(played: Step) -> str | None:
    match played.outcome:
        case Handoff():
            return "handoff"
        case End(closing=closing):
            return str(closing)
        case Continue():
            return None


def wander(flow: Flow, random: Random) -> Step | None:
    """A customer without aim, for longer than the limits allow; None when nothing ever ended."""
    trial = Trial(flow, language=random.choice(flow.languages))
    words = [
        word for key in flow.keywords.values() for said in key.words.values() for word in said
    ] + ["?", "123456", "да", "no", "back", "menu", "назад"]
    ids = [
        option_id(name, option.id)
        for name, node in flow.nodes.items()
        for option in getattr(node, "options", ())
    ] + ["c:1", "gone", "lang:" + flow.languages[-1]]
    for _ in range(flow.limits.max_bot_turns + 1):
        offered = [option.id for option in trial.offered]
        turns = (
            Text(random.choice(words)),
            Choice(random.choice(offered or ids)),
            Choice(random.choice(ids)),
            Media("image"),
        )
        played = trial.turn(random.choices(turns, (4, 5, 1, 1))[0])
        if trial.over:
            return played
    return None


@dataclass(frozen=True, slots=True)
class Report:
    """What is known about a flow file: its flow where it could be read, and all that was found."""

    flow: Flow | None
    findings: tuple[tuple[Finding, Mark | None], ...]
    tests: int = 0

    @property
    def publishable(self) -> bool:
        """Whether nothing keeps this flow from customers."""
        return all(finding.level is not Level.BLOCKER for finding, _ in self.findings)

    def lines(self) -> Iterator[str]:
        """The findings as a compiler would print them."""
        for finding, mark in self.findings:
            where = f"{mark.line}:{mark.column}: " if mark else ""
            path = f"{finding.path}: " if finding.path else ""
            yield f"{where}{finding.level}: {path}{finding.message}"


def check_text(text: str) -> Report:
    """Everything wrong with a flow in one reading: its form, its sense, its transcripts, its ends."""
    try:
        read = load(text)
        flow = interpret(read)
    except FlowInvalid as error:
        broken = [(blocker(item.at, item.message), item.mark) for item in error.problems]
        return Report(None, tuple(sorted(broken, key=_in_order)))
    found = check(flow)
    if all(finding.level is not Level.BLOCKER for finding in found):
        for number, transcript in enumerate(flow.tests):
            found.extend(run(flow, transcript, number))
        # Seeded, so that one file gives one report.
        if any(wander(flow, Random(seed)) is None for seed in range(WALKS)):  # noqa: S311
            found.append(blocker(("limits",), "a customer could walk here without end"))
    return Report(flow, _placed(found, read), len(flow.tests))


def _placed(found: list[Finding], read: Source) -> tuple[tuple[Finding, Mark | None], ...]:
    """Blockers first, each kind in the order of the file."""
    return tuple(sorted(((item, read.mark(item.at)) for item in found), key=_in_order))


def _in_order(placed: tuple[Finding, Mark | None]) -> tuple[bool, int, int]:
    finding, mark = placed
    line, column = (mark.line, mark.column) if mark else (0, 0)
    return finding.level is not Level.BLOCKER, line, column


def check_file(path: FilePath) -> Report:
    """`check_text` of a file; raises `OSError` where there is none."""
    return check_text(path.read_text(encoding="utf-8"))
