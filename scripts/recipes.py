"""Quote the recipes' files in the pages that explain them: `python scripts/recipes.py`."""

import re
import sys
from pathlib import Path

IVR = Path(__file__).parents[1] / "docs" / "ivr"

# <!-- recipes/asterisk/extensions.conf -->, then the fenced block that holds the file.
_QUOTED = re.compile(
    r"(?P<mark><!-- (?P<path>recipes/[\w./-]+) -->\n)```(?P<language>\w*)\n.*?^```$",
    re.DOTALL | re.MULTILINE,
)


def quoted(page: str) -> str:
    """The page with every quoted file as it now stands."""

    def block(found: re.Match[str]) -> str:
        text = (IVR / found["path"]).read_text(encoding="utf-8").rstrip("\n")
        return f"{found['mark']}```{found['language']}\n{text}\n```"

    return _QUOTED.sub(block, page)


def quotes(page: str) -> set[Path]:
    """The files that a page quotes."""
    return {IVR / found["path"] for found in _QUOTED.finditer(page)}


def main() -> int:
    """Write every page anew."""
    for path in sorted(IVR.glob("*.md")):
        path.write_text(quoted(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
