"""extensions.conf as Asterisk reads it: contexts, extensions, priorities with labels, globals."""

import re
from dataclasses import dataclass, field

_STEP = re.compile(r"(?P<priority>n|\d+)(?:\((?P<label>[\w-]+)\))?,(?P<app>\w+)\((?P<data>.*)\)$")


@dataclass(frozen=True, slots=True)
class Step:
    app: str
    data: str
    label: str | None


@dataclass(slots=True)
class Plan:
    """Steps by context and extension; priority 1 is the first."""

    contexts: dict[str, dict[str, list[Step]]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def steps(self, context: str, extension: str) -> list[Step]:
        """The steps of an extension, by name or else by pattern."""
        found = self.contexts[context]
        if extension in found:
            return found[extension]
        for pattern, steps in found.items():
            if pattern.startswith("_") and _matches(pattern[1:], extension):
                return steps
        raise LookupError(f"no extension {extension} in [{context}]")

    def priority(self, context: str, extension: str, text: str) -> int:
        """A number, or the place of a label."""
        if text.isdigit():
            return int(text)
        for place, step in enumerate(self.steps(context, extension), 1):
            if step.label == text:
                return place
        raise LookupError(f"no label {text} in {extension}@{context}")


def read(text: str) -> Plan:
    """Every line must be understood: a recipe with a slip of the pen does not load."""
    plan = Plan()
    section, extension = "", ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(?<!\\);.*$", "", raw).strip()
        if not line:
            continue
        if line.startswith("["):
            section = line[1 : line.index("]")]
            plan.contexts.setdefault(section, {})
        elif section == "globals":
            name, _, value = line.partition("=")
            plan.variables[name.strip()] = value.lstrip("> ").strip()
        else:
            word, _, rest = (part.strip() for part in line.partition("=>"))
            if word == "exten":
                extension, _, rest = rest.partition(",")
            found = _STEP.match(rest)
            assert word in {"exten", "same"}, f"line {number}: {raw}"
            assert found is not None, f"line {number}: {raw}"
            steps = plan.contexts[section].setdefault(extension, [])
            assert found["priority"] in {"n", str(len(steps) + 1)}, f"line {number}: {raw}"
            steps.append(Step(found["app"], found["data"], found["label"]))
    return plan


def _matches(pattern: str, extension: str) -> bool:
    classes = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*", "+": r"\+"}
    parts = re.findall(r"\[[^]]*\]|.", pattern)
    return re.fullmatch("".join(classes.get(part, part) for part in parts), extension) is not None
