"""The locks, the make targets and the compose file keep what they promise."""

import importlib.util
import json
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PIN = re.compile(r"^([a-z0-9.-]+)==([^ ]+)")


def pins(lock: Path) -> set[tuple[str, str]]:
    return {
        (match[1], match[2]) for line in lock.read_text().splitlines() if (match := PIN.match(line))
    }


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_by_hash_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    lines = text.splitlines()
    for line, following in pairwise([*lines, ""]):
        if PIN.match(line):
            assert following.startswith("    --hash=sha256:"), line


def test_the_npm_lock_names_no_registry_but_every_content() -> None:
    text = (ROOT / "web" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    packages = json.loads(text)["packages"]
    unsealed = [
        name
        for name, package in packages.items()
        if name and not package.get("integrity") and not package.get("inBundle")
    ]
    assert unsealed == []


def test_every_lock_names_the_same_versions() -> None:
    everything = pins(ROOT / "requirements" / "dev.lock")
    for name in ("runtime", "demo", "build"):
        assert pins(ROOT / "requirements" / f"{name}.lock") <= everything


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[<>=;\[]", wish)[0].replace(".", "-") for wish in project["dependencies"]}
    assert asked <= {name for name, _ in pins(ROOT / "requirements" / "runtime.lock")}


def test_npm_has_a_place_for_its_files_where_the_user_has_no_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("web", ROOT / "scripts" / "web.py")
    assert spec is not None
    assert spec.loader is not None
    web = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(web)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert web._lodging() == {}
    monkeypatch.setenv("HOME", "/nonexistent")
    assert set(web._lodging()) == {"npm_config_cache"}
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _: {}[_])
    assert set(web._lodging()) == {"HOME", "npm_config_cache"}


def test_help_tells_the_targets() -> None:
    told = make("help").stdout
    for target in ("demo", "test", "bench", "lint", "format", "web", "openapi", "lock", "clean"):
        assert f"  make {target} " in told


def test_a_missing_python_is_told_in_plain_words() -> None:
    refused = make("PYTHON=/nowhere/python3", "environment")
    assert refused.returncode == 2
    assert "needs Python 3.11 or newer; /nowhere/python3 here is: missing" in refused.stdout


def test_the_environment_file_lists_what_compose_requires() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    example = (ROOT / ".env.example").read_text()
    assert required == {
        name for name in re.findall(r"^(\w+)=", example, re.MULTILINE) if name != "TRUSTED_PROXIES"
    }


def test_the_services_containers_are_closed() -> None:
    services = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert "outside" not in services["postgres"]["networks"] + services["valkey"]["networks"]
