"""A server of ours that is starting, waited for until it answers."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.embedded import processes
from config.embedded.errors import EmbeddedError

_LOOK_EVERY_S = 0.03
_TELL_EVERY_S = 2.0
"""A person who waits wants a word by then."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A server by its name, the process that we started (None: an earlier start's), and its log."""

    name: str
    child: subprocess.Popen[bytes] | None
    log: Path

    def await_answer(
        self, answers: Callable[[], bool], report: Callable[[str], None], *, patience_s: float
    ) -> None:
        """Return when it answers; raises EmbeddedError when it ends, or when patience does."""
        begun = told = time.monotonic()
        while True:
            if self.child is not None and self.child.poll() is not None:
                raise self._failure(f"{self.name} ended while starting")
            if answers():
                return
            now = time.monotonic()
            if now - begun > patience_s:
                raise self._failure(f"{self.name} did not answer within {patience_s:.0f} s")
            if now - told > _TELL_EVERY_S:
                told = now
                last = "".join(processes.tail(self.log).splitlines()[-1:])
                report(f"waiting for {self.name} ({now - begun:.0f} s): {last}")
            time.sleep(_LOOK_EVERY_S)

    def _failure(self, what: str) -> EmbeddedError:
        return EmbeddedError(f"{what}; the end of {self.log}:\n{processes.tail(self.log)}")
