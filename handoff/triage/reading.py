"""From the text of a flow file to a `Flow`, with errors that say where and what to do."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from handoff.triage.flow import (
    KINDS,
    RESERVED,
    AnswerNode,
    EndNode,
    Flow,
    HandoffNode,
    HandoffTarget,
    Keyword,
    Limits,
    MenuNode,
    MenuOption,
    SayNode,
    SlotNode,
    VoiceNode,
    kind_of,
)
from handoff.triage.source import FlowInvalid, Path, Problem, Source, load
from handoff.triage.transcript import Move, Transcript

_NODES: Mapping[str, type[BaseModel]] = {
    "handoff": HandoffNode,
    "return_to_voice": VoiceNode,
    "menu": MenuNode,
    "answer": AnswerNode,
    "slot": SlotNode,
    "end": EndNode,
    "say": SayNode,
}


def parse(text: str) -> Flow:
    """The flow in this file; raises `FlowInvalid` with every problem found."""
    return interpret(load(text))


def interpret(source: Source) -> Flow:
    """The flow in a file that has already been read."""
    if not isinstance(source.data, dict):
        raise FlowInvalid((Problem((), "a flow is a mapping that begins with `flow: name`"),))
    try:
        return Flow.model_validate(source.data)
    except ValidationError as error:
        found = [dict(item) for item in error.errors(include_url=False)]
        problems = [_problem(source, item) for item in found if not _echo(item, found)]
        raise FlowInvalid(tuple(dict.fromkeys(problems))) from error


def _echo(error: Mapping[str, Any], among: list[dict[str, Any]]) -> bool:
    """Whether a list counts as too short only because its items were refused, which is said there."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(
        other["loc"][: len(loc)] == loc and other is not error for other in among
    )


def _problem(source: Source, error: Mapping[str, Any]) -> Problem:
    path = _in_file(error["loc"])
    return Problem(path, _advice(source.data, path, error), source.mark(path))


def _in_file(loc: Path) -> Path:
    """The path pydantic reports, without the kind it inserts after a node's name and `[key]` after a key."""
    path = [step for step in loc if step != "[key]"]
    if len(path) > 2 and path[0] == "nodes" and path[2] in KINDS:  # noqa: PLR2004 - nodes, name, kind
        del path[2]
    return tuple(path)


def _advice(data: object, path: Path, error: Mapping[str, Any]) -> str:
    last = path[-1] if path else ""
    match error["type"]:
        case "missing":
            return f"`{last}` is missing{_WHY_NEEDED.get(str(last), '')}"
        case "extra_forbidden":
            return _unknown_key(data, path)
        case "union_tag_not_found" | "union_tag_invalid":
            return _unknown_kind(_at(data, path))
        case "value_error":
            return str(error["ctx"]["error"])
        case "int_parsing" | "int_type":
            return "this must be a whole number"
        case "string_type":
            return "this must be a word or a text" + _IF_EMPTY.get(_at(data, path) is None, "")
        case "tuple_type":
            return "this must be a list: [one, two]"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "this must be a mapping: {key: value}"
        case "literal_error":
            return f"this must be {error['ctx']['expected']}"
        case _:
            return str(error["msg"]).replace("Input should be", "this must be")


_IF_EMPTY = {True: ", not empty"}

_WHY_NEEDED = {
    "else": ": say which node follows when the retries are used up",
    "retries": ": say how many wrong values are forgiven, for example 2",
    "next": ": say which node follows",
    "to": ": say which node follows",
    "languages": ": list them, the fallback first, as in [ru, en]",
    "start": ": say which node begins",
    "flow": ": give the flow a name",
}


def _unknown_key(data: object, path: Path) -> str:
    key = str(path[-1])
    if key == "intents":
        return (
            "`intents` need language understanding, which this engine does not have: use `keywords`"
        )
    known = _known_keys(_at(data, path[:-1]), path[:-1])
    near = get_close_matches(key, known, n=1)
    hint = f": did you mean `{near[0]}`?" if near else f": known are {', '.join(known)}"
    return f"`{key}` is not known here{hint}"


def _known_keys(parent: object, path: Path) -> list[str]:
    match path:
        case ():
            model: type[BaseModel] = Flow
        case ("limits",):
            model = Limits
        case ("nodes", _):
            model = _NODES[kind_of(parent) or "say"]
        case ("nodes", _, "handoff"):
            model = HandoffTarget
        case ("keywords", _):
            model = Keyword
        case ("tests", _):
            model = Transcript
        case ("tests", _, "steps", _):
            model = Move
        case _:
            model = MenuOption
    return [field.alias or name for name, field in model.model_fields.items()]


def _unknown_kind(raw: object) -> str:
    if isinstance(raw, Mapping):
        for kind, feature in RESERVED.items():
            if kind in raw:
                return (
                    f"`{kind}` nodes ({feature}) are kept for a later release and cannot be published: "
                    f"use one of {', '.join(KINDS)}"
                )
    return f"a node needs one of {', '.join(KINDS)}, which says what it does"


def _at(data: object, path: Path) -> object:
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data
