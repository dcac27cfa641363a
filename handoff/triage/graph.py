"""The flow as a graph: what leads where, what can be reached, and what goes round in circles."""

from collections.abc import Iterable, Iterator, Mapping

from handoff.triage.flow import Flow, HandoffNode, MenuNode, SayNode, VoiceNode, exits
from handoff.triage.source import Path

Edges = Mapping[str, frozenset[str]]


def targets(flow: Flow) -> Iterator[tuple[Path, str]]:
    """Every place in the file that names a node, and the node it names."""
    yield from (((field,), name) for field, name in flow.beginnings.items())
    yield ("operator",), flow.operator
    if flow.menu:
        yield ("menu",), flow.menu
    for intent, name in flow.entry.items():
        yield ("entry", intent), name
    for key, keyword in flow.keywords.items():
        yield ("keywords", key, "to"), keyword.to
    for name, node in flow.nodes.items():
        for field, target in exits(node):
            yield ("nodes", name, *field), target


def roots(flow: Flow) -> frozenset[str]:
    """The nodes that can be entered without coming from another."""
    named = (name for path, name in targets(flow) if path[0] != "nodes")
    return frozenset({*named, flow.main_menu} & flow.nodes.keys())


def edges(flow: Flow) -> Edges:
    """Where each node leads, unknown targets left out."""
    return {
        name: frozenset(target for _, target in exits(node) if target in flow.nodes)
        for name, node in flow.nodes.items()
    }


def reachable(starts: Iterable[str], along: Edges) -> frozenset[str]:
    """Everything that can be reached, the starts included."""
    seen: set[str] = set()
    open_ends = list(starts)
    while open_ends:
        name = open_ends.pop()
        if name not in seen:
            seen.add(name)
            open_ends.extend(along[name])
    return frozenset(seen)


def leading_to(goals: Iterable[str], along: Edges) -> frozenset[str]:
    """Everything from which one of the goals can be reached, the goals included."""
    backwards = {
        name: frozenset(source for source, reached in along.items() if name in reached)
        for name in along
    }
    return reachable(goals, backwards)


def silent_cycles(flow: Flow) -> frozenset[str]:
    """Nodes from which the bot would talk in a circle without listening."""
    talking = {
        name: frozenset({node.next} & flow.nodes.keys())
        if isinstance(node, SayNode)
        else frozenset()
        for name, node in flow.nodes.items()
    }
    return frozenset(name for name in talking if name in reachable(talking[name], talking))


def at_once(flow: Flow, name: str) -> str | None:
    """Where the customer is without doing anything more: past all that only talks."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        node = flow.nodes.get(name)
        if not isinstance(node, SayNode):
            return name if node else None
        name = node.next
    return None


def offers_people(flow: Flow, menu: MenuNode) -> bool:
    """Whether one of a menu's options leads straight to people."""
    ends = (at_once(flow, option.to) for option in menu.options)
    return any(isinstance(flow.nodes[end], HandoffNode | VoiceNode) for end in ends if end)
