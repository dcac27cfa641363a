"""Who runs what when several workers share the tests: what takes long begins first."""

from pathlib import Path
from typing import Any

from xdist.scheduler import LoadFileScheduling

# Files of these folders share a running product, so that one worker runs a whole folder.
TOGETHER = ("tests/journeys/", "tests/browser/", "tests/faults/")
# Longest first: what begins last keeps the fewest cores waiting.
_FIRST = (*TOGETHER, "tests/config/embedded/", "tests/ivr_bridge/test_interleavings.py")


def rank(path: Path, root: Path) -> int:
    """When this file's turn comes."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    return next((at for at, first in enumerate(_FIRST) if name.startswith(first)), len(_FIRST))


class ByWhatTheyShare(LoadFileScheduling):  # type: ignore[misc] # it brings no types
    """Hands out files, and folders whose files share a running product, in the order collected."""

    def __init__(self, config: Any, log: Any) -> None:
        super().__init__(config, log)
        self.config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
