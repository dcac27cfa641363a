"""The recipes' pages say what their files say, every file is explained, and every link leads somewhere."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipes", ROOT / "scripts" / "recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_quote_the_files_as_they_are():
    recipes = script()
    explained: set[Path] = set()
    for path in sorted(recipes.IVR.glob("*.md")):
        page = path.read_text()
        assert recipes.quoted(page) == page, f"{path.name}: run python scripts/recipes.py"
        explained |= recipes.quotes(page)
    files = {path for path in (recipes.IVR / "recipes").rglob("*") if path.is_file()}
    # Python keeps what it compiled beside a recipe that a test has run.
    files = {path for path in files if path.parent.name != "__pycache__"}
    assert files == explained


def test_links_lead_somewhere():
    for path in (ROOT / "docs" / "ivr").glob("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} → {target}"
