"""What orchestrators and Prometheus are told."""

import pytest
from aiohttp import web

from config.running import operations_app
from core import health
from core.ids import WorkspaceId
from core.postgres import Database, open_database


@pytest.fixture
async def narrow(database_url):
    """One connection for everybody."""
    async with open_database(database_url, application="test", size=1) as opened:
        yield opened


@pytest.fixture
async def probed(narrow: Database, aiohttp_client):
    app = web.Application()
    app[health.DATABASE] = narrow
    app[health.READINESS] = health.Readiness()
    client = await aiohttp_client(operations_app(app))

    async def ask(path: str) -> tuple[int, str]:
        answer = await client.get(path)
        return answer.status, await answer.text()

    return ask, app[health.READINESS]


async def test_a_database_that_does_not_answer_takes_requests_away_and_restarts_nobody(
    probed, narrow: Database, workspace_id: WorkspaceId
):
    ask, _ = probed
    assert await ask("/readyz") == (200, '{"status": "ok"}')
    async with narrow.workspace(workspace_id):
        assert await ask("/readyz") == (503, '{"status": "database_unavailable"}')
        assert await ask("/livez") == (200, '{"status": "ok"}')
    assert (await ask("/readyz"))[0] == 200


async def test_whoever_leaves_is_alive_and_not_ready(probed):
    ask, readiness = probed
    readiness.leave()
    assert await ask("/readyz") == (503, '{"status": "leaving"}')
    assert (await ask("/livez"))[0] == 200


async def test_figures_are_told_in_prometheus_words(probed):
    ask, _ = probed
    status, told = await ask("/metrics")
    assert status == 200
    assert "# TYPE ivr_bridge_event_loop_lag_seconds gauge" in told
