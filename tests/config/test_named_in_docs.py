"""What the pages name exists: commands and their options, settings, figures, links, alerts."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import prometheus_client
import pytest
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel

import config.serve
import config.work  # noqa: F401 - both processes' figures register themselves
from config.cli import main
from config.settings import Settings
from config.wiring import ENDPOINTS
from ivr_bridge.guard.alerts import AlertKind
from ivr_bridge.outcome import Reason
from ivr_bridge.reports.api import METRICS

ROOT = Path(__file__).parents[2]
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
PAGES = sorted([ROOT / "README.md", ROOT / "sandbox" / "README.md", *(ROOT / "docs").rglob("*.md")])
TODAY = [page for page in PAGES if "decisions" not in page.parts]
"""Decisions tell what was true on their day."""


def relative(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands() -> Iterator[tuple[str, str]]:
    """Every `ivr-bridge …` that stands in a page as code."""
    for page in TODAY:
        text = page.read_text()
        fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        indented = re.findall(r"^ {4}(ivr-bridge .*)$", text, re.MULTILINE)
        quoted = re.findall(r"`(ivr-bridge [^`]+)`", text.replace("\n", " "))
        for code in (*fenced, *indented, *quoted):
            for line in code.splitlines():
                for said in re.findall(r"(?:^|\s)ivr-bridge (.+)", line):
                    yield relative(page), said


def found(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words begin with, and what follows."""
    command: click.Command = main
    while isinstance(command, click.Group):
        assert words, "a group of commands, none of which is named"
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize(("page", "said"), sorted(set(commands())))
def test_commands_and_their_options_exist(page: str, said: str):
    plain = re.sub(r"(?:\s#|\s&$|\s\|\s|\s>).*", "", said).replace("…", "x")
    command, rest = found(shlex.split(re.sub(r"[\[\]]", " ", plain)))
    options = {name for each in command.params for name in each.opts}
    named = {word.split("=")[0] for word in rest if word.startswith("--")}
    assert named <= options | {"--help"}, f"{page}: {said}"


def settings(model: type[BaseModel] = Settings, before: str = "IVR_BRIDGE_") -> Iterator[str]:
    for name, each in model.model_fields.items():
        if isinstance(each.annotation, type) and issubclass(each.annotation, BaseModel):
            yield from settings(each.annotation, f"{before}{name.upper()}__")
        else:
            yield str(each.validation_alias or f"{before}{name.upper()}")


def test_every_setting_is_explained_and_no_other():
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", SETTINGS_PAGE.read_text(), re.MULTILINE))
    assert told == set(settings())
    elsewhere = {
        (relative(page), name)
        for page in [*TODAY, ROOT / ".env.example", ROOT / "compose.yaml", ROOT / "Dockerfile"]
        for name in re.findall(r"\bIVR_BRIDGE_[A-Z]+__[A-Z_]+\b", page.read_text())
    }
    assert {name for _, name in elsewhere} <= told, elsewhere


def figures() -> set[str]:
    """Every figure that a process can show, by the names under which it shows it."""
    registry = prometheus_client.REGISTRY
    names = set(registry._names_to_collectors)
    return names | {
        each._name for each in registry._collector_to_names if isinstance(each, MetricWrapperBase)
    }


def test_every_figure_is_counted_somewhere():
    for page in TODAY:
        for name in re.findall(r"`(ivr_bridge_[a-z_]+)(?:\{[^`]*)?`", page.read_text()):
            assert name in figures(), f"{relative(page)}: {name}"


def test_every_alert_is_in_the_runbook_and_no_other():
    page = (ROOT / "docs" / "runbook.md").read_text()
    told = set(re.findall(r"^\| `([a-z_]+)` \|", page.split("## Alerts")[1], re.MULTILINE))
    assert told == {kind.value for kind in AlertKind}


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_links_lead_somewhere():
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            where = (page.parent / path).resolve() if path else page
            assert where.exists(), f"{relative(page)} → {target}"
            if anchor:
                assert anchor in anchors(where), f"{relative(page)} → {target}"


def test_every_address_is_served():
    parts = [re.split(r"\{[^}]*\}", endpoint.path) for endpoint in ENDPOINTS]
    served = [
        (endpoint.method, re.compile("[^/]+".join(map(re.escape, part))))
        for endpoint, part in zip(ENDPOINTS, parts, strict=True)
    ]
    for page in TODAY:
        named = r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`?\s]*)"
        for method, path in re.findall(named, page.read_text()):
            asked = path.rstrip("…/")
            assert any(method == each and fits.fullmatch(asked) for each, fits in served), (
                f"{relative(page)}: {method} {path}"
            )
            report = asked.removeprefix("/v1/reports/")
            assert report == asked or report in METRICS or "{" in report, (
                f"{relative(page)}: {path}"
            )


def test_every_target_of_make_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in TODAY:
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert target in targets, f"{relative(page)}: make {target}"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_and_has_words_on_the_pages(reason: Reason):
    assert f"`{reason}`" in (ROOT / "docs" / "ivr" / "api.md").read_text()
    for language in ("en", "ru"):
        words = (ROOT / "web" / "src" / "i18n" / language / "common.ts").read_text()
        assert f"'reason.{reason}': " in words, language


def test_every_refusal_of_a_line_has_words_on_the_pages():
    sources = [path.read_text() for path in (ROOT / "ivr_bridge").rglob("*.py")]
    said = r'(?:PydanticCustomError\(|Misfit\([^,]+,|Doubt\([^,]+,|"code":)\s*"(\w+)"'
    codes = {code for text in sources for code in re.findall(said, text)}
    assert {"hours_overlap", "flow_unknown", "prompt_not_listed", "line_name"} <= codes
    for language in ("en", "ru"):
        words = (ROOT / "web" / "src" / "i18n" / language / "admin.ts").read_text()
        assert [code for code in sorted(codes) if f"'admin.refused.{code}': " not in words] == []
