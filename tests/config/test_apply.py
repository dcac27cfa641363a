"""Applying a workspace file: everything or nothing, and twice is once."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from config.rooms import rooms
from config.settings import Settings
from config.workspaces.apply import ApplyRefused, apply
from config.workspaces.reading import read
from core.access import Keys
from tests.config.test_workspace_file import DEMO, ENVIRONMENT

FOLDER = DEMO.parent


@pytest.fixture
async def opened(database_url, redis_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.model_validate(
        {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "k" * 40}
    )
    async with rooms(settings, application="test", pool_size=2) as house:
        yield house


def changed(tmp_path: Path, old: str, new: str):
    text = DEMO.read_text()
    assert old in text
    path = tmp_path / "workspace.yaml"
    path.write_text(text.replace(old, new, 1))
    return read(path, ENVIRONMENT)


async def counted(house, table: str) -> int:
    workspace_id = await house.workspaces.number("demo")
    async with house.database.workspace(workspace_id) as tx:
        found: int = await tx.fetchval(f"SELECT count(*) FROM {table}")
        return found


async def test_a_file_applied_twice_changes_nothing_the_second_time(opened):
    file = read(DEMO, ENVIRONMENT)
    first = await apply(opened, file, FOLDER)
    assert "+ line main" in first
    assert "+ person olga@toyshop.example" in first
    assert await apply(opened, file, FOLDER) == []


async def test_a_dry_run_shows_and_changes_nothing(opened, tmp_path):
    await apply(opened, read(DEMO, ENVIRONMENT), FOLDER)
    other = changed(tmp_path, "confirm: sent", "confirm: accepted")
    assert await apply(opened, other, FOLDER, dry_run=True) == ["~ line main: confirm"]
    assert await apply(opened, other, FOLDER) == ["~ line main: confirm"]


async def test_a_key_that_the_file_no_longer_names_stops_working(opened):
    await apply(opened, read(DEMO, ENVIRONMENT), FOLDER)
    keys = Keys(opened.database, opened.sealer, opened.clock)
    old = ENVIRONMENT["DEMO_LINE_KEY"]
    assert await keys.find(old) is not None
    new = "another-line-key-of-some-length"
    await apply(opened, read(DEMO, {**ENVIRONMENT, "DEMO_LINE_KEY": new}), FOLDER)
    fresh = Keys(opened.database, opened.sealer, opened.clock)
    assert await fresh.find(old) is None
    holder = await fresh.find(new)
    assert holder is not None
    assert holder.lines == ["main"]


async def test_a_line_changes_its_key_without_a_gap_and_names_its_addresses(opened, tmp_path):
    new, old = "another-line-key-of-some-length", ENVIRONMENT["DEMO_LINE_KEY"]
    more = f"key: {new}\n    key_previous: {old}\n    networks: [203.0.113.0/24]"
    more += "\n    keyless_networks: [203.0.113.9/32]"
    file = changed(tmp_path, "key: ${DEMO_LINE_KEY}", more)
    await apply(opened, file, FOLDER)
    assert await apply(opened, file, FOLDER) == []
    keys = Keys(opened.database, opened.sealer, opened.clock)
    for key in (old, new):
        holder = await keys.find(key)
        assert holder is not None
        assert holder.admits(ip_address("203.0.113.7"))
        assert not holder.admits(ip_address("198.51.100.1"))
    by_itself = await keys.by_address(ip_address("203.0.113.9"))
    assert by_itself is not None
    assert by_itself.lines == ["main"]
    assert await keys.by_address(ip_address("203.0.113.7")) is None
    await apply(opened, read(DEMO, {**ENVIRONMENT, "DEMO_LINE_KEY": new}), FOLDER)
    later = Keys(opened.database, opened.sealer, opened.clock)
    assert await later.find(old) is None
    assert await later.find(new) is not None
    assert await later.by_address(ip_address("203.0.113.9")) is None


async def test_another_workspaces_key_is_refused_and_nothing_is_written(opened, tmp_path):
    await apply(opened, read(DEMO, ENVIRONMENT), FOLDER)
    twin = changed(tmp_path, "name: demo", "name: twin")
    with pytest.raises(ApplyRefused, match="another workspace uses this key"):
        await apply(opened, twin, FOLDER)
    workspace_id = await opened.workspaces.reserve_number("twin")
    async with opened.database.workspace(workspace_id) as tx:
        assert await tx.fetchval("SELECT count(*) FROM core.workspace") == 0


async def test_a_flow_that_may_not_be_published_is_refused_with_its_findings(opened, tmp_path):
    flow = tmp_path / "broken.yaml"
    flow.write_text("flow: toyshop\nlanguages: [ru]\nstart: nowhere\nnodes: {}\n")
    file = changed(tmp_path, "../flows/demo.yaml", "broken.yaml")
    with pytest.raises(ApplyRefused, match=r"flows\.toyshop"):
        await apply(opened, file, tmp_path)


async def test_a_password_is_set_once_and_then_its_owners(opened):
    await apply(opened, read(DEMO, ENVIRONMENT), FOLDER)

    async def hashed() -> str:
        workspace_id = await opened.workspaces.number("demo")
        async with opened.database.workspace(workspace_id) as tx:
            found: str = await tx.fetchval(
                "SELECT password_hash FROM core.person WHERE email = 'olga@toyshop.example'"
            )
            return found

    before = await hashed()
    await apply(opened, read(DEMO, {**ENVIRONMENT, "DEMO_PASSWORD": "another-password"}), FOLDER)
    assert await hashed() == before


async def test_credentials_are_not_readable_in_the_database(opened):
    await apply(opened, read(DEMO, ENVIRONMENT), FOLDER)
    workspace_id = await opened.workspaces.number("demo")
    async with opened.database.workspace(workspace_id) as tx:
        row = await tx.fetchrow(
            "SELECT settings::text || encode(sealed, 'escape') AS seen FROM messaging.account"
        )
    for secret in ("token", "secret", "verify"):
        assert f'"{secret}"' not in row["seen"]
    found = await opened.accounts.find(workspace_id, "whatsapp")
    assert found.secrets["app_secret"] == "secret"
