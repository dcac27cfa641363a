"""Draw docs/lifecycles.md from the tables that the code moves by: `python scripts/lifecycles.py`."""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cmp_to_key
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lifecycles.md"

sys.path.insert(0, str(ROOT))

from handoff.conversation import lifecycle  # noqa: E402
from handoff.routing import reservations  # noqa: E402
from messaging import delivery  # noqa: E402

HEAD = """\
# Lifecycles

Drawn by `scripts/lifecycles.py` from the tables in the code; a test compares. The database repeats
them in CHECKs and partial unique indexes, and every move writes a transition row in the same
statement.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_conversation(), *_reservation(), *_delivery()]).rstrip() + "\n"


def _conversation() -> Iterator[str]:
    edges = [
        (state.value, to.value, move.value)
        for state, moves in lifecycle.TABLE.items()
        for move, to in moves.items()
        if move not in {lifecycle.Move.DISMISSED, lifecycle.Move.PARKED}
    ]
    yield "## Conversation (`handoff/conversation/lifecycle.py`)\n"
    yield _diagram(edges, first=["invited", "bot", "queued"], last=["closed", "abandoned"])
    yield (
        "Besides, any open conversation can be dismissed (→ `closed`) or parked (→ `parked`). Moves "
        f"in the same hands ({_names(lifecycle.SAME_HANDS)}) keep the epoch; every other one bumps "
        "it, so that a write of the holder before is refused as `stale_epoch`.\n"
    )
    yield _table("move", "what happened", _meanings(lifecycle.Move))
    yield _table(
        "state",
        "holder",
        [
            ("`invited`, `bot`", "the bot"),
            ("`queued`, `after_hours`, `snoozed`, `parked`", "its queue"),
            (_names(lifecycle.HELD), "an operator, in whose load it counts"),
            (_names(lifecycle.OVER), "nobody"),
        ],
    )


def _reservation() -> Iterator[str]:
    edges = [
        (status.value, to.value, "")
        for status, ends in reservations.TABLE.items()
        for to in sorted(ends)
    ]
    yield "## Reservation (`handoff/routing/reservations.py`)\n"
    yield _diagram(edges, first=["pending"], last=sorted({to for _, to, _ in edges}))
    yield (
        "At most one is pending a conversation. Accepting compares status, expiry and the "
        "conversation's epoch in one statement.\n"
    )


def _delivery() -> Iterator[str]:
    ranks = _by_rank()
    ours = [(status.value, to.value, "we") for status, ends in delivery.OURS.items() for to in ends]
    reported = [
        (low.value, high.value, "reported")
        for low, high in pairwise(ranks)
        if high not in delivery.OURS.get(low, ())
    ]
    yield "## Delivery (`messaging/delivery.py`)\n"
    yield _diagram(sorted(ours) + reported, first=["queued"], last=[ranks[-1].value])
    yield (
        "Reports may skip steps: the highest rank reached is kept, in the order "
        + " → ".join(f"`{status.value}`" for status in ranks)
        + ". A failure stands beside it, and "
        + _names(delivery.REACHED)
        + " outrank it.\n"
    )


def _by_rank() -> list[delivery.Status]:
    """Statuses of what we send, lowest first, as `advance` compares them."""

    def compare(one: delivery.Status, other: delivery.Status) -> int:
        if one is other:
            return 0
        return 1 if delivery.advance(one, other) is one else -1

    sent = [status for status in delivery.Status if status is not delivery.Status.RECEIVED]
    return sorted(sent, key=cmp_to_key(compare))


def _diagram(edges: Iterable[tuple[str, str, str]], *, first: list[str], last: list[str]) -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in first]
    lines += [f"    {one} --> {to}" + (f" : {why}" if why else "") for one, to, why in edges]
    lines += [f"    {state} --> [*]" for state in last]
    return "\n".join([*lines, "```\n"])


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {left} | {right} |", "|---|---|", *(f"| {one} | {two} |" for one, two in rows)]
    return "\n".join(lines) + "\n"


def _names(members: Iterable[Enum]) -> str:
    return ", ".join(sorted(f"`{member.value}`" for member in members))


def _meanings(kind: type[Enum]) -> Iterator[tuple[str, str]]:
    """Each member with the sentence that stands under it."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for member, sentence in pairwise(body):
        if not isinstance(member, ast.Assign) or not isinstance(sentence, ast.Expr):
            continue
        if isinstance(member.value, ast.Constant) and isinstance(sentence.value, ast.Constant):
            yield f"`{member.value.value!s}`", str(sentence.value.value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
