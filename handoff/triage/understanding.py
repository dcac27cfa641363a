"""What a customer's turn means where they are; first match wins, and buttons go by id only.

Order: the opening's buttons and all others by id; commands in every language; an open slot;
the options in front of the customer; the flow's keywords; else a miss.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from handoff.triage.commands import Command, CommandKind, command
from handoff.triage.flow import AnswerNode, Flow, MenuNode, Node, SlotNode
from handoff.triage.state import OPENING_CONTINUE, OPENING_NOT_ME, BotState, Choice, Media, Text
from handoff.triage.wording import text_of
from handoff.triage.words import (
    even,
    extracted,
    holds_card,
    lines,
    pattern_length,
    phrase_length,
)

YES, NO = "yes", "no"
MAX_SLOT = 200


@dataclass(frozen=True, slots=True)
class Goto:
    """A topic was chosen. From a `menu` it replaces what was open; named in words, as a
    `digression`, it comes back to an open slot; `text` may already hold what it would ask next.
    """

    target: str
    why: str
    tag: str | None = None
    topic: str | None = None
    menu: bool = False
    digression: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """The open slot has its value."""

    value: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """The open slot was answered with something else."""

    card: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing new was asked: show where we are. `outdated`: by a button that is no more."""

    outdated: bool = False


@dataclass(frozen=True, slots=True)
class NotMe:
    """The opening reached somebody else."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Not understood. `unreadable`: it was not words."""

    unreadable: bool = False


Meaning = Command | Goto | Filled | Wrong | Again | NotMe | Missed


def option_id(node: str, option: str) -> str:
    """The id under which a button works for as long as the flow knows its node and option."""
    return f"f:{node}:{option}"


def command_id(kind: CommandKind, language: str | None = None) -> str:
    """The id of a button that is a command, such as one language of several."""
    return f"lang:{language}" if language else f"cmd:{kind}"


def understand(flow: Flow, state: BotState, turn: Text | Choice | Media, *, first: bool) -> Meaning:
    """What this turn means at `state.node`. A first message is no answer to what was not yet asked."""
    node = flow.nodes[state.node] if state.node else None
    match turn:
        case Choice(id=chosen):
            return _tapped(flow, chosen)
        case Media():
            return Missed(unreadable=True)
        case Text(text=text):
            return _read(flow, state, node, text, first=first)


def _tapped(flow: Flow, chosen: str) -> Meaning:
    if chosen.startswith(OPENING_CONTINUE):
        return Again()
    if chosen.startswith(OPENING_NOT_ME):
        return NotMe()
    match chosen.split(":"):
        case ["f", name, option] if name in flow.nodes:
            found = (goto for key, goto in _options(name, flow.nodes[name]) if key == option)
            return next(found, Again(outdated=True))
        case ["lang", language]:
            return Command(CommandKind.LANGUAGE, language)
        case ["cmd", kind] if kind in set(CommandKind):
            return Command(CommandKind(kind))
        case _:
            return Again(outdated=True)


def _options(name: str, node: Node) -> Iterator[tuple[str, Goto]]:
    """What can be tapped at a node, by option."""
    match node:
        case MenuNode():
            for option in node.options:
                why = f"option:{name}.{option.id}"
                yield option.id, Goto(option.to, why, option.tag, option.topic, menu=True)
        case AnswerNode():
            yield YES, Goto(node.helped, f"option:{name}.{YES}")
            yield NO, Goto(node.not_helped, f"option:{name}.{NO}")
        case _:
            return


def _read(flow: Flow, state: BotState, node: Node | None, text: str, *, first: bool) -> Meaning:
    if asked := command(text):
        return asked
    if isinstance(node, SlotNode) and (node.match or not first):
        found = slot_value(node, text)
        if isinstance(found, Filled):
            return found
        # Another topic, clearly named, is answered first; the slot comes back afterwards.
        topic = None if found.card else _keyword(flow, state, text)
        return topic if topic and topic.target != state.node else found
    return _typed_option(flow, state, node, text) or _keyword(flow, state, text) or Missed()


def slot_value(node: SlotNode, text: str) -> Filled | Wrong:
    """The slot's value in the text. Card numbers are never taken: nothing here needs one."""
    if holds_card(text):
        return Wrong(card=True)
    value = extracted(node.match, text) if node.match else text.strip()
    value = (value or "").strip()
    return Filled(value[:MAX_SLOT]) if value else Wrong()


def _typed_option(flow: Flow, state: BotState, node: Node | None, text: str) -> Goto | None:
    """The option a customer wrote out: its number, its words, or yes and no to `did it help`."""
    said = list(lines(text))
    if isinstance(node, AnswerNode):
        options = dict(_options(state.node or "", node))
        answers = [answer for line in said if (answer := _yes_or_no(line))]
        return options[answers[-1]] if answers else None
    if isinstance(node, MenuNode):
        for number, (option, (_, goto)) in enumerate(
            zip(node.options, _options(state.node or "", node), strict=True), start=1
        ):
            title = even(text_of(flow, option.text, state.language))
            if str(number) in said or (title and title in said):
                return goto
    return None


def _yes_or_no(line: str) -> str | None:
    words = set(line.split())
    if words & _NO_WORDS and words <= _NO_WORDS | _YES_WORDS | _FILLERS:
        return NO
    return YES if words & _YES_WORDS and words <= _YES_WORDS | _FILLERS else None


_YES_WORDS = frozenset(
    ["да", "ага", "угу", "ок", "окей", "хорошо", "помогло", "помогли", "спасибо", "благодарю", "понятно", "понял", "поняла", "отлично", "супер", "yes", "yep", "yeah", "ok", "okay", "helped", "helps", "thanks", "thank", "thx", "great", "got", "иә", "ия", "рахмет", "көмектесті", "жақсы", "نعم", "اجل", "شكرا", "تمام"]
)  # fmt: skip
_NO_WORDS = frozenset(
    "нет не неа no nope not didn жоқ көмектеспеді لا لم".split()  # noqa: SIM905 - reads as a line
)
_FILLERS = frozenset(
    ["это", "все", "всё", "мне", "очень", "большое", "вам", "it", "this", "did", "do", "does", "t", "you", "very", "much", "all", "that", "me", "really", "a", "lot", "бұл", "маған", "өте", "هذا", "جدا", "يفدني", "افادني"]
)  # fmt: skip


def _keyword(flow: Flow, state: BotState, text: str) -> Goto | None:
    """The keyword that covers most of the text; customers mix languages, so all of them count."""
    evened = even(text)
    best: tuple[int, bool, str] | None = None
    for name in sorted(flow.keywords):
        keyword = flow.keywords[name]
        for language in flow.languages:
            covered = (
                max(
                    0,
                    *(phrase_length(phrase, evened) for phrase in keyword.words.get(language, ())),
                    *(
                        pattern_length(written, text)
                        for written in keyword.patterns.get(language, ())
                    ),
                )
                if language in keyword.words or language in keyword.patterns
                else 0
            )
            rank = (covered, language == state.language, name)
            if covered and (best is None or rank[:2] > best[:2]):
                best = rank
    if best is None:
        return None
    keyword = flow.keywords[best[2]]
    return Goto(
        keyword.to, f"keyword:{best[2]}", keyword.tag, keyword.topic, digression=True, text=text
    )
