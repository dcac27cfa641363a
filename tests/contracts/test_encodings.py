"""Texts are read and written as UTF-8, whatever the machine's own encoding is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("config", "core", "handoff", "ivr_bridge", "messaging", "migrations", "sandbox", "scripts")
# How many arguments each takes before the encoding.
BEFORE = {"read_text": 0, "write_text": 1}


def left_open(tree: ast.AST) -> Iterator[int]:
    """Lines where the encoding is the machine's."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = {keyword.arg for keyword in node.keywords}
        before = BEFORE.get(node.func.attr)
        if before is not None and len(node.args) <= before and "encoding" not in named:
            yield node.lineno
        runs = node.func.attr in {"run", "Popen"}
        if runs and "text" in named and "encoding" not in named:
            yield node.lineno


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_is_read_or_written_in_the_machines_encoding(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line in left_open(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []
