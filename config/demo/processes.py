"""Child processes that are looked after: started again when they die, gone when we are."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Report = Callable[[str], None]

_SET_PARENT_DEATH_SIGNAL = 1  # Linux, prctl(2): PR_SET_PDEATHSIG
_STOP_S = 22.0
_RESTART_S = 0.5


@dataclass(slots=True)
class Child:
    """One process of the demo."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        """Run it, its output going to its log file."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", *self.arguments],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                # Ctrl-C reaches the demo, which then stops everything in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads run yet
            )

    @property
    def alive(self) -> bool:
        """Is it running?"""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log, for when it would not start."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])


async def supervise(children: Sequence[Child], stop: asyncio.Event, report: Report) -> None:
    """Start again whoever dies, until told to stop."""
    while not stop.is_set():
        for child in children:
            if not child.alive:
                report(f"{child.name} has died; starting it again")
                child.start()
        try:
            async with asyncio.timeout(_RESTART_S):
                await stop.wait()
        except TimeoutError:
            continue


async def stop_all(children: Sequence[Child], report: Report) -> None:
    """Ask everyone to finish, then insist."""
    running = [child for child in children if child.alive and child.process is not None]
    for child in running:
        if child.process is not None:
            child.process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_S):
            while any(child.alive for child in running):  # noqa: ASYNC110 - processes tell nobody
                await asyncio.sleep(0.05)
    except TimeoutError:
        for child in running:
            if child.alive and child.process is not None:
                report(f"{child.name} did not stop in {_STOP_S:.0f} s; ending it")
                child.process.kill()


def _die_with_parent() -> None:
    """A demo that is killed outright must not leave processes behind on its ports."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
