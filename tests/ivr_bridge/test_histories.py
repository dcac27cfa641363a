"""Whatever an IVR, two providers, clocks and dying processes do to one call, in whatever order: no
`hangup` without its committed evidence, no two openings on one channel, no second channel without
the first one's committed failure, no two rescues.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test as run

from core.postgres import open_database
from tests.ivr_bridge.history import History


@pytest.fixture
def history(database_url: str) -> Iterator[type[History]]:
    """Histories in one database, a workspace each."""
    with asyncio.Runner() as runner:
        opening = open_database(database_url, application="test", size=4)
        History.runner = runner
        History.database = runner.run(opening.__aenter__())
        yield History
        runner.run(opening.__aexit__(None, None, None))


def _play(history: type[History], examples: int) -> None:
    run(
        history,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_history_breaks_a_promise(history: type[History]) -> None:
    _play(history, 25)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_long_day_of_histories_breaks_a_promise(history: type[History]) -> None:
    _play(history, 600)
