"""What keeps a flow from being published, and what its author should look at."""

from collections.abc import Iterator

from handoff.triage import graph
from handoff.triage.check_texts import check_texts
from handoff.triage.check_words import check_words
from handoff.triage.findings import Finding, blocker, warning
from handoff.triage.flow import (
    CALL_CARD,
    EndNode,
    Flow,
    HandoffNode,
    MenuNode,
    SayNode,
    SlotNode,
    VoiceNode,
    waits,
)
from handoff.triage.says import MAX_ROWS


def check(flow: Flow) -> list[Finding]:
    """Everything found, once each."""
    found = [*_targets(flow), *_paths(flow), *_nodes(flow), *check_texts(flow), *check_words(flow)]
    return list(dict.fromkeys(found))


def _targets(flow: Flow) -> Iterator[Finding]:
    for path, name in graph.targets(flow):
        if name not in flow.nodes:
            yield blocker(path, f"there is no node `{name}`: create it or name another")
    operator = flow.nodes.get(flow.operator)
    if operator and not isinstance(operator, HandoffNode):
        yield blocker(
            ("operator",),
            f"`{flow.operator}` must be a handoff node: the command `operator` and every limit lead there",
        )
    for field, name in flow.beginnings.items():
        if name in flow.nodes and not isinstance(flow.nodes[name], SayNode):
            yield blocker(
                (field,), f"`{name}` must be a say node: a greeting stands before all that is asked"
            )
        first = flow.nodes.get(graph.at_once(flow, name) or "")
        if isinstance(first, EndNode):
            yield blocker((field,), "the greeting closes the conversation before anybody was heard")


def _paths(flow: Flow) -> Iterator[Finding]:
    along = graph.edges(flow)
    seen = graph.reachable(graph.roots(flow), along)
    people = {
        name for name, node in flow.nodes.items() if isinstance(node, HandoffNode | VoiceNode)
    }
    ends = {name for name, node in flow.nodes.items() if isinstance(node, EndNode)}
    finishing = graph.leading_to(people | ends, along)
    helping = graph.leading_to(people, along)
    for name, node in flow.nodes.items():
        at = ("nodes", name)
        if name not in seen:
            yield blocker(at, "nothing leads here: name it as a target or remove it")
        elif name not in finishing:
            yield blocker(at, "a dead end: no way leads from here to an end or to people")
        elif waits(node) and name not in helping:
            yield blocker(at, "no way leads from here to people: let one answer lead to a handoff")
    for name in sorted(graph.silent_cycles(flow)):
        yield blocker(("nodes", name), "the bot talks in a circle here without ever listening")


def _nodes(flow: Flow) -> Iterator[Finding]:
    for name, node in flow.nodes.items():
        at = ("nodes", name)
        if isinstance(node, MenuNode):
            yield from _menu(flow, name, node)
        if isinstance(node, SlotNode) and node.slot in CALL_CARD:
            yield blocker(
                (*at, "slot"), f"`{node.slot}` is a value of the call: give the slot another name"
            )


def _menu(flow: Flow, name: str, node: MenuNode) -> Iterator[Finding]:
    at = ("nodes", name, "options")
    if len(node.options) > MAX_ROWS:
        yield blocker(
            at, f"{len(node.options)} options, but WhatsApp lists hold {MAX_ROWS}: split the menu"
        )
    seen: set[str] = set()
    for index, option in enumerate(node.options):
        if option.id in seen:
            yield blocker((*at, index, "id"), f"`{option.id}` stands twice in this menu")
        seen.add(option.id)
    if not graph.offers_people(flow, node):
        yield warning(
            at, "no option leads straight to people: customers look for one in every menu"
        )
