"""Forget the demo: end its databases if they still run, and remove all that .data holds."""

import shutil
import sys
from pathlib import Path

from config.embedded import EmbeddedError, erase

DATA = Path(__file__).resolve().parent.parent / ".data"

if __name__ == "__main__":
    try:
        erase(DATA)
    except EmbeddedError as refused:
        sys.exit(f"reset: {refused}")
    shutil.rmtree(DATA, ignore_errors=True)
