"""YAML read so that every scalar stays text and every value knows its line.

YAML loaders turn `no`, `on`, `1_0` and `2024-01-01` into booleans, numbers and dates; a button
called `no` must stay a button called `no`, so the types are given by the model that reads this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from typing_extensions import override  # typing has it from 3.12

from core.faults import Invalid

Path = tuple[str | int, ...]

MAX_CHARACTERS = 1_000_000
MAX_VALUES = 50_000
MAX_DEPTH = 20

_ROOT: Path = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value stands, counted from 1 as editors do."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a file from being read, with where it is and what to do."""

    at: Path
    message: str
    mark: Mark | None = None

    @property
    def path(self) -> str:
        """The place as people write it."""
        return dotted(self.at)

    @override
    def __str__(self) -> str:
        where = f"line {self.mark.line}, column {self.mark.column}: " if self.mark else ""
        return f"{where}{self.path + ': ' if self.path else ''}{self.message}"


class FlowInvalid(Invalid, code="flow_invalid"):
    """The flow file cannot be read."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Everything that is wrong at once, so that one reading repairs the file."""
        self.problems = problems
        super().__init__(
            "\n".join(map(str, problems)),
            errors=[{"path": problem.path, "message": str(problem)} for problem in problems],
        )


@dataclass(frozen=True, slots=True)
class Source:
    """The plain data of a file and the place of each value in it."""

    data: object
    marks: Mapping[Path, Mark]

    def mark(self, path: Path) -> Mark | None:
        """The place of a value, or of its nearest ancestor that stands in the file."""
        for length in range(len(path), -1, -1):
            if found := self.marks.get(path[:length]):
                return found
        return None


def dotted(path: Path) -> str:
    """A path as people write it: `nodes.menu.options[2].text`."""
    written = ""
    for step in path:
        written += f"[{step}]" if isinstance(step, int) else f".{step}" if written else step
    return written


def load(text: str) -> Source:
    """The file as text, lists and mappings; raises `FlowInvalid` where it is not YAML."""
    if len(text) > MAX_CHARACTERS:
        raise FlowInvalid(
            (Problem((), f"the file is longer than {MAX_CHARACTERS} characters: split the flow"),)
        )
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line + 1, mark.column + 1) if mark else None
        raise FlowInvalid(
            (Problem((), f"this is not valid YAML: {error.problem or error.context}", place),)
        ) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise FlowInvalid(
            (Problem((), f"this is not valid YAML: {str(error).splitlines()[0]}"),)
        ) from error
    if root is None:
        raise FlowInvalid((Problem((), "the file is empty: a flow begins with `flow: name`"),))
    reader = _Reader()
    data = reader.read(root, _ROOT)
    if reader.problems:
        raise FlowInvalid(tuple(reader.problems))
    return Source(data, reader.marks)


class _Reader:
    """Walks the composed tree once, counting, so that aliases cannot blow the file up."""

    def __init__(self) -> None:
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self._values = 0

    def read(self, node: Node, path: Path) -> object:
        """The plain value of a node."""
        self._values += 1
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        self.marks.setdefault(path, mark)
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            problem = f"more than {MAX_VALUES} values or {MAX_DEPTH} levels: is an alias repeated?"
            raise FlowInvalid((Problem(path, problem, mark),))
        if isinstance(node, ScalarNode):
            # An empty or `~` value is nothing; everything else is exactly what was typed.
            if node.style is None and node.value in {"", "~", "null"}:
                return None
            return self._whole(node.value, path, mark)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return dict(self._entries(node, path))
        raise TypeError(type(node).__name__)

    def _whole(self, text: str, path: Path, mark: Mark) -> str:
        """The text with characters whole: files written as JSON escape an emoji as two halves."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.problems.append(Problem(path, "half a character stands here: write it anew", mark))
            return ""

    def _entries(self, node: MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        seen: set[str] = set()
        for key, value in node.value:
            mark = Mark(key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, ScalarNode):
                self.problems.append(Problem(path, "a key must be a plain word", mark))
                continue
            if key.value == "<<":
                self.problems.append(
                    Problem(
                        path,
                        "merge keys (<<) are not used in flows: write the values out",
                        mark,
                    )
                )
                continue
            if key.value in seen:
                self.problems.append(
                    Problem((*path, key.value), "this key stands here twice: remove one", mark)
                )
                continue
            seen.add(key.value)
            self.marks[*path, key.value] = mark
            yield key.value, self.read(value, (*path, key.value))
