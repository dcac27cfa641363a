"""The flow file: what a triage scenario may say, as a model; how to read it is in `reading`."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from handoff.triage.parts import (
    Duration,
    LanguageCode,
    Name,
    Part,
    Resolution,
    TagName,
    TextRef,
    Title,
    span,
)
from handoff.triage.says import MAX_BUTTONS, MAX_ROWS
from handoff.triage.source import Path
from handoff.triage.transcript import Transcript

CALL_CARD = frozenset({"brand", "digits", "intent", "ivr_path", "line", "name"})
"""What a text may take from the call, beside the flow's own slots."""

KINDS = ("handoff", "return_to_voice", "menu", "answer", "slot", "end", "say")
"""The kinds of node, in the order in which their keys name a node: `say` also stands in others."""

RESERVED = MappingProxyType(
    {
        "call": "connectors",
        "when": "conditions",
        "csat": "ratings",
        "answer_from": "FAQ search",
        "webhook": "webhook bots",
    }
)
"""Kinds that belong to the language but that this engine does not play."""


class Limits(Part):
    """What the engine enforces, whatever the flow says."""

    max_bot_turns: int = Field(default=20, ge=1, le=100)
    max_misses: int = Field(default=2, ge=1, le=5)
    max_visits_per_node: int = Field(default=3, ge=1, le=20)
    idle_close: Duration = "24h"

    @property
    def idle(self) -> timedelta:
        """How long a customer may be silent before the bot's conversation closes."""
        return span(self.idle_close)


class SayNode(Part):
    """Says something and goes on."""

    say: TextRef
    next: Name
    tag: TagName | None = None


class MenuOption(Part):
    """One button or list row; its id routes, its title is only for eyes."""

    id: Name
    text: TextRef
    to: Name
    description: TextRef | None = None
    tag: TagName | None = None
    topic: TagName | None = None


class MenuNode(Part):
    """Asks the customer to pick: up to three options are buttons, up to ten a list."""

    menu: TextRef
    options: tuple[MenuOption, ...] = Field(min_length=1)
    list_button: TextRef | None = None
    tag: TagName | None = None

    @property
    def is_list(self) -> bool:
        """Whether the options need a list: more than buttons hold, or with descriptions."""
        return len(self.options) > MAX_BUTTONS or any(option.description for option in self.options)


class AnswerNode(Part):
    """Gives an answer and asks whether it helped."""

    answer: TextRef
    helped: Name
    not_helped: Name
    tag: TagName | None = None
    topic: TagName | None = None


class SlotNode(Part):
    """Asks for a value, checks it, and goes elsewhere after too many wrong ones."""

    slot: Name
    ask: TextRef
    match: str | None = None
    retry: TextRef | None = None
    retries: int = Field(ge=0, le=5)
    otherwise: Name = Field(alias="else")
    next: Name
    tag: TagName | None = None


class HandoffTarget(Part):
    """To whom a conversation goes."""

    queue: str | None = Field(default=None, min_length=1, max_length=64)
    skill: str | None = Field(default=None, min_length=1, max_length=64)
    priority: int = Field(default=0, ge=0, le=10)
    tags: tuple[TagName, ...] = ()


class HandoffNode(Part):
    """Gives the conversation to people."""

    handoff: HandoffTarget
    say: TextRef | None = None
    tag: TagName | None = None


class VoiceNode(Part):
    """Has the customer called, at the place they had; where their line does not call back, people
    take the chat over, as these wishes say.
    """

    return_to_voice: HandoffTarget
    say: TextRef | None = None
    tag: TagName | None = None


class EndNode(Part):
    """Closes the conversation from the bot's side."""

    end: Resolution
    say: TextRef | None = None
    tag: TagName | None = None


Node = SayNode | MenuNode | AnswerNode | SlotNode | HandoffNode | VoiceNode | EndNode


def kind_of(raw: Any) -> str | None:
    """Which kind of node this mapping means to be."""
    if isinstance(raw, Mapping):
        return next((kind for kind in KINDS if kind in raw), None)
    return next((kind for kind in KINDS if isinstance(raw, Part) and hasattr(raw, kind)), None)


_AnyNode = Annotated[
    Annotated[HandoffNode, Tag("handoff")]
    | Annotated[VoiceNode, Tag("return_to_voice")]
    | Annotated[MenuNode, Tag("menu")]
    | Annotated[AnswerNode, Tag("answer")]
    | Annotated[SlotNode, Tag("slot")]
    | Annotated[EndNode, Tag("end")]
    | Annotated[SayNode, Tag("say")],
    Discriminator(kind_of),
]


class Keyword(Part):
    """Words and patterns that lead to a node from wherever the customer is."""

    to: Name
    words: dict[LanguageCode, tuple[str, ...]] = Field(default_factory=dict)
    patterns: dict[LanguageCode, tuple[str, ...]] = Field(default_factory=dict)
    tag: TagName | None = None
    topic: TagName | None = None


class Flow(Part):
    """A whole scenario. Its `version` is the hash of all that can change what it does."""

    flow: Name
    languages: tuple[LanguageCode, ...] = Field(min_length=1, max_length=MAX_ROWS)
    limits: Limits = Limits()
    start: Name
    start_without_call: Name | None = None
    menu: Name | None = None
    operator: Name = "handoff"
    entry: dict[str, Name] = Field(default_factory=dict)
    nodes: dict[Name, _AnyNode] = Field(min_length=1)
    keywords: dict[Name, Keyword] = Field(default_factory=dict)
    texts: dict[LanguageCode, dict[Name, str]] = Field(default_factory=dict)
    titles: dict[LanguageCode, dict[TagName, Title]] = Field(default_factory=dict)
    """What operators read instead of the names of slots, tags, topics and nodes."""
    tests: tuple[Transcript, ...] = ()

    @model_validator(mode="after")
    def _languages_once(self) -> Self:
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("a language stands twice under `languages`")
        return self

    @cached_property
    def version(self) -> str:
        """The content hash a conversation is pinned to; transcripts do not change it."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        """The frozen form: one spelling for one meaning, and itself readable as a flow file."""
        content = self.model_dump(mode="json", by_alias=True, exclude={"tests"}, exclude_none=True)
        # A flow without titles keeps the version that it had before there were any.
        if not self.titles:
            del content["titles"]
        # Sorting the nodes forgets which menu came first, so the main menu is written out.
        content["menu"] = self.main_menu
        return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def beginnings(self) -> Mapping[str, str]:
        """The node that greets, by the field that names it: after a call, and without one."""
        named = {"start": self.start, "start_without_call": self.start_without_call}
        return {field: name for field, name in named.items() if name}

    @property
    def main_menu(self) -> str:
        """Where the command `menu` leads."""
        menus = (name for name, node in self.nodes.items() if isinstance(node, MenuNode))
        return self.menu or next(menus, self.start)

    @property
    def slots(self) -> frozenset[str]:
        """Every slot the flow may fill."""
        return frozenset(node.slot for node in self.nodes.values() if isinstance(node, SlotNode))


def exits(node: Node) -> Iterator[tuple[Path, str]]:
    """Where a node may lead: the field that says so, and the target."""
    match node:
        case SayNode(next=target):
            yield ("next",), target
        case MenuNode(options=options):
            for index, option in enumerate(options):
                yield ("options", index, "to"), option.to
        case AnswerNode(helped=helped, not_helped=not_helped):
            yield ("helped",), helped
            yield ("not_helped",), not_helped
        case SlotNode(next=target, otherwise=otherwise):
            yield ("next",), target
            yield ("else",), otherwise
        case HandoffNode() | VoiceNode() | EndNode():
            return


def waits(node: Node) -> bool:
    """Whether the bot stops here until the customer does something."""
    return isinstance(node, MenuNode | AnswerNode | SlotNode)
