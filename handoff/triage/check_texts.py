"""Texts: there in every language, within WhatsApp's limits, with variables that exist."""

from collections.abc import Iterator
from dataclasses import dataclass

from handoff.triage import graph
from handoff.triage.findings import Finding, blocker, warning
from handoff.triage.flow import (
    CALL_CARD,
    AnswerNode,
    EndNode,
    Flow,
    HandoffNode,
    MenuNode,
    Node,
    SayNode,
    SlotNode,
    VoiceNode,
)
from handoff.triage.phrases import FALLBACK, PHRASES
from handoff.triage.says import (
    MAX_BODY,
    MAX_BUTTON_TITLE,
    MAX_LIST_BUTTON,
    MAX_ROW_DESCRIPTION,
    MAX_ROW_TITLE,
    MAX_TEXT,
    width,
)
from handoff.triage.source import Path
from handoff.triage.wording import VARIABLE, loose_braces, text_of, variables
from handoff.triage.words import even


@dataclass(frozen=True, slots=True)
class _Role:
    """What a text is used as, and how long it may be there."""

    what: str
    limit: int
    fixed: bool = False


_MESSAGE = _Role("a message", MAX_TEXT)
_BODY = _Role("the text above buttons", MAX_BODY)
_BUTTON = _Role("a button", MAX_BUTTON_TITLE, fixed=True)
_ROW = _Role("a list row", MAX_ROW_TITLE, fixed=True)
_DESCRIPTION = _Role("a row's description", MAX_ROW_DESCRIPTION, fixed=True)
_OPENER = _Role("the list's button", MAX_LIST_BUTTON, fixed=True)

_PHRASE_ROLES = {
    "helped": _BODY,
    "helped_yes": _BUTTON,
    "helped_no": _BUTTON,
    "list_button": _OPENER,
    "pick": _BODY,
    "language_pick": _BODY,
}

_SAYS_BOT = {
    "ru": ("бот", "автоматическ", "виртуальн"),
    "en": ("bot", "automated", "automatic", "virtual"),
    "kk": ("бот", "автоматты", "виртуалды"),
    "ar": ("بوت", "روبوت", "الي", "آلي", "افتراضي"),
}


@dataclass(frozen=True, slots=True)
class _Use:
    at: Path
    name: str
    role: _Role
    node: str


def check_texts(flow: Flow) -> Iterator[Finding]:
    """Everything found about the flow's texts."""
    uses = list(_uses(flow))
    known = {name for texts in flow.texts.values() for name in texts}
    for use in uses:
        if use.name not in known and use.name not in PHRASES[FALLBACK]:
            yield blocker(use.at, f"there is no text `{use.name}` under `texts`: write it")
    yield from _languages(flow, {use.name for use in uses})
    for language in flow.languages:
        for name, text in flow.texts.get(language, {}).items():
            roles = {use.role for use in uses if use.name == name}
            if not roles and name in PHRASES[FALLBACK]:
                roles = {_PHRASE_ROLES.get(name, _MESSAGE)}
            yield from _text(flow, ("texts", language, name), text, roles)
        yield from _same_titles(flow, language)
        for name in flow.beginnings.values():
            yield from _greeting(flow, name, language)
    yield from _unset_slots(flow, uses)


def _uses(flow: Flow) -> Iterator[_Use]:
    for name, node in flow.nodes.items():
        for field, ref, role in _refs(node):
            yield _Use(("nodes", name, *field), ref.removeprefix("t."), role, name)


def _refs(  # noqa: C901 - one case a kind
    node: Node,
) -> Iterator[tuple[Path, str, _Role]]:
    match node:
        case SayNode():
            yield ("say",), node.say, _MESSAGE
        case MenuNode():
            yield ("menu",), node.menu, _BODY
            if node.list_button:
                yield ("list_button",), node.list_button, _OPENER
            for index, option in enumerate(node.options):
                title = _ROW if node.is_list else _BUTTON
                yield ("options", index, "text"), option.text, title
                if option.description:
                    yield ("options", index, "description"), option.description, _DESCRIPTION
        case AnswerNode():
            yield ("answer",), node.answer, _MESSAGE
        case SlotNode():
            yield ("ask",), node.ask, _MESSAGE
            if node.retry:
                yield ("retry",), node.retry, _MESSAGE
        case HandoffNode() | VoiceNode() | EndNode():
            if node.say:
                yield ("say",), node.say, _MESSAGE


def _languages(flow: Flow, used: set[str]) -> Iterator[Finding]:
    written = {name for texts in flow.texts.values() for name in texts}
    for language in flow.languages:
        own = flow.texts.get(language, {})
        for name in sorted((used & written) - own.keys()):
            yield blocker(("texts", language, name), f"this text is missing in `{language}`")
        if language not in PHRASES:
            for name in sorted(PHRASES[FALLBACK].keys() - own.keys()):
                yield blocker(
                    ("texts", language, name),
                    f"the bot does not speak `{language}` by itself: write its phrase `{name}` "
                    f"({PHRASES[FALLBACK][name]!r})",
                )
    for language in flow.texts.keys() - set(flow.languages):
        yield warning(("texts", language), f"`{language}` is not among the flow's languages")
    for name in sorted(written - used - PHRASES[FALLBACK].keys()):
        language = next(code for code, texts in flow.texts.items() if name in texts)
        yield warning(("texts", language, name), "no node uses this text: remove it or use it")


def _text(flow: Flow, at: Path, text: str, roles: set[_Role]) -> Iterator[Finding]:
    if not VARIABLE.sub(lambda found: found[2] or "", text).strip():
        yield blocker(at, "this text may come out empty: write words around the variables")
    if loose_braces(text):
        yield blocker(at, "a brace stands alone: a variable is written {order_no} or {line|us}")
    for name, has_default in variables(text):
        if name not in flow.slots | CALL_CARD:
            known = ", ".join(sorted(flow.slots | CALL_CARD))
            yield blocker(at, f"there is no value `{name}`: known are {known}")
        elif name in CALL_CARD and not has_default:
            yield warning(at, f"the call may not bring `{name}`: write {{{name}|words instead}}")
    for role in sorted(roles, key=lambda role: role.limit):
        if role.fixed and VARIABLE.search(text):
            yield blocker(
                at, f"as {role.what} this text cannot hold a variable: its length is fixed"
            )
        if width(text) > role.limit:
            yield blocker(
                at, f"{width(text)} characters, but {role.what} on WhatsApp holds {role.limit}"
            )


def _same_titles(flow: Flow, language: str) -> Iterator[Finding]:
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode):
            seen: set[str] = set()
            for index, option in enumerate(node.options):
                title = even(flow.texts.get(language, {}).get(option.text.removeprefix("t."), ""))
                if title and title in seen:
                    at = ("nodes", name, "options", index, "text")
                    yield blocker(at, f"two options of this menu read the same in `{language}`")
                seen.add(title)


def _greeting(flow: Flow, beginning: str, language: str) -> Iterator[Finding]:
    node, greeting, seen = beginning, "", set[str]()
    while isinstance(said := flow.nodes.get(node), SayNode) and node not in seen:
        seen.add(node)
        if said.say.removeprefix("t.") in flow.texts.get(language, {}):
            greeting += " " + text_of(flow, said.say, language)
        node = said.next
    words = _SAYS_BOT.get(language)
    if words and greeting and not any(word in even(greeting) for word in words):
        yield blocker(
            ("nodes", beginning, "say"),
            f"the greeting does not say in `{language}` that a bot is writing",
        )


def _unset_slots(flow: Flow, uses: list[_Use]) -> Iterator[Finding]:
    along = graph.edges(flow)
    for slot in sorted(flow.slots):
        asking = {
            name
            for name, node in flow.nodes.items()
            if isinstance(node, SlotNode) and node.slot == slot
        }
        # Without the ways on which the slot gets its value, whatever is still reached may lack it.
        without = {
            name: (
                reached - {node.next}
                if name in asking and isinstance(node, SlotNode) and node.next != node.otherwise
                else reached
            )
            for (name, reached), node in zip(along.items(), flow.nodes.values(), strict=True)
        }
        unset = graph.reachable(graph.roots(flow), without)
        for use in uses:
            if use.node in unset and _needs(flow, use.name, slot):
                yield warning(
                    use.at, f"`{slot}` may not be known here: write {{{slot}|words instead}}"
                )


def _needs(flow: Flow, text: str, slot: str) -> bool:
    spoken = (texts[text] for texts in flow.texts.values() if text in texts)
    return any((slot, False) in variables(written) for written in spoken)
