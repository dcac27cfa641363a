"""Whatever processes, crashes, hours and days do: what was used never exceeds what the budgets allow."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from core.ids import LineId, WorkspaceId, new_id
from core.postgres import Database, open_database
from ivr_bridge.guard import budget
from ivr_bridge.guard.budget import Block, Budget
from ivr_bridge.guard.standing import SHARED, Cap
from tests.conftest import Servers, fresh_database, make_workspace

PROCESSES = 3
LINES = [LineId(new_id()) for _ in range(2)]


@dataclass
class World:
    """A database, and a loop on which everything of this test happens."""

    loop: asyncio.AbstractEventLoop
    database: Database
    workspace_id: WorkspaceId
    now: float = 0.0

    def run(self, story: Any) -> Any:
        return self.loop.run_until_complete(story)

    def change(self, statement: str) -> None:
        """The rows as they would be."""

        async def story() -> None:
            async with self.database.workspace(self.workspace_id) as tx:
                await tx.execute(statement)

        self.run(story())

    def seconds(self) -> float:
        return self.now


@pytest.fixture
def world(servers: Servers, template: str) -> Iterator[World]:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        held = fresh_database(servers, template)
        url = loop.run_until_complete(held.__aenter__())
        opened = open_database(url, application="test", size=8)
        database = loop.run_until_complete(opened.__aenter__())
        workspace_id = loop.run_until_complete(make_workspace(database, "demo"))
        yield World(loop, database, workspace_id)
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.run_until_complete(held.__aexit__(None, None, None))


@dataclass
class Used:
    """What went out in the present hour and day, out of each budget."""

    hour: Counter[str] = field(default_factory=Counter)
    day: Counter[str] = field(default_factory=Counter)


class Spending(RuleBasedStateMachine):
    """Processes take places at the same time, die with them, and time goes on."""

    world: World

    @initialize(
        line_hour=st.sampled_from([60, 33, 9, 1, 0]),
        line_day=st.sampled_from([200, 70, 30]),
        all_hour=st.sampled_from([100, 50, 12, 0]),
        all_day=st.sampled_from([400, 90]),
    )
    def begin(self, line_hour: int, line_day: int, all_hour: int, all_day: int) -> None:
        world = self.world
        world.change("DELETE FROM ivr_bridge.budget_use")
        self.shared = Cap(SHARED, all_hour, all_day)
        self.caps = {line: [Cap(str(line), line_hour, line_day), self.shared] for line in LINES}
        self.budgets = [self._process() for _ in range(PROCESSES)]
        self.used = Used()
        self.unused: list[tuple[LineId, Block]] = []

    def _process(self) -> Budget:
        return Budget(self.world.database, seconds=self.world.seconds)

    @rule(
        wanted=st.lists(
            st.tuples(st.integers(0, PROCESSES - 1), st.sampled_from(LINES)),
            min_size=1,
            max_size=25,
        )
    )
    def take(self, wanted: list[tuple[int, LineId]]) -> None:
        """Calls come in at all processes at once."""

        async def story() -> list[Block | None]:
            return await asyncio.gather(
                *[
                    self.budgets[place].take((self.world.workspace_id, line), self.caps[line])
                    for place, line in wanted
                ]
            )

        for (_, line), block in zip(wanted, self.world.run(story()), strict=True):
            if block is not None:
                self._count(line, 1)
                self.unused.append((line, block))

    @rule(which=st.integers(0, 99))
    def give_back(self, which: int) -> None:
        """A call was refused after all."""
        if self.unused:
            line, block = self.unused.pop(which % len(self.unused))
            block.left += 1
            self._count(line, -1)

    @rule(place=st.integers(0, PROCESSES - 1))
    def die(self, place: int) -> None:
        """kill -9: nothing is handed back."""
        self.budgets[place] = self._process()

    @rule()
    def everybody_calls(self) -> None:
        """A flood at every process, enough to spend everything."""
        self.take(list(itertools.product(range(PROCESSES), LINES)) * 30)

    @rule()
    def an_hour_passes(self) -> None:
        self._pass("hour_from = hour_from - interval '1 hour'", 3600)
        self.used.hour.clear()

    @rule()
    def a_day_passes(self) -> None:
        both = "hour_from = hour_from - interval '1 day', day_from = day_from - interval '1 day'"
        self._pass(both, 86_400)
        self.used = Used()

    @rule()
    def a_second_passes(self) -> None:
        self.world.now += 1.5

    def _pass(self, change: str, seconds: float) -> None:
        # Seen from the rows it is the same whether they are older or the clock is later.
        self.world.change(f"UPDATE ivr_bridge.budget_use SET {change}")
        self.world.now += seconds
        self.unused.clear()

    def _count(self, line: LineId, by: int) -> None:
        for scope in (str(line), SHARED):
            self.used.hour[scope] += by
            self.used.day[scope] += by

    @invariant()
    def nothing_is_overspent(self) -> None:
        if not hasattr(self, "caps"):
            return
        for caps in self.caps.values():
            for cap in caps:
                assert self.used.hour[cap.scope] <= cap.hour
                assert self.used.day[cap.scope] <= cap.day


def test_no_history_spends_more_than_the_budgets_allow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Blocks of several places from budgets small enough to be spent.
    monkeypatch.setattr(budget, "_SMALL_PART", 2)
    Spending.world = world
    run_state_machine_as_test(
        Spending,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Who comes first differs from run to run: what was found is shown as it was found.
            phases=[Phase.generate],
            database=None,
        ),
    )


def test_places_of_the_last_hour_are_not_used_in_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "_SMALL_PART", 2)
    process, which = Budget(world.database, seconds=world.seconds), (world.workspace_id, LINES[0])
    caps = [Cap(str(LINES[0]), 64, 1000)]
    block = world.run(process.take(which, caps))
    assert block.left > 0, "a block of several places"
    world.change("UPDATE ivr_bridge.budget_use SET hour_from = hour_from - interval '1 hour'")
    world.now += 3600
    used = 0
    while world.run(process.take(which, caps)) is not None:
        used += 1
    assert used == 64
