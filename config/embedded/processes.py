"""Server processes, known by what they are and where they work, never by a remembered number.

A process id outlives its process: after kill -9 the number in a pid file may belong to anybody, or
to a zombie that nobody has reaped. A server works in its data folder, so we look for its program
there instead.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded.errors import EmbeddedError

_TAIL_LINES = 12


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that servers run as when we are root."""

    name: str
    uid: int
    gid: int


def living(program: str, folder: Path) -> list[psutil.Process]:
    """Every process of this program at work in this folder, zombies left out."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # gone meanwhile, or another user's: not ours
            if (
                process.name() == program
                and process.status() != psutil.STATUS_ZOMBIE
                and Path(process.cwd()) == folder
            ):
                found.append(process)
    return found


def lives(process: psutil.Process) -> bool:
    """Whether this very process still runs, and is no zombie."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def spawn(
    argv: Sequence[str | Path], *, folder: Path, account: Account | None, log: Path
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own: Ctrl-C on our terminal must not reach it first."""
    # Statements stand in the log: nobody else may read it.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(log, flags, 0o600), "ab") as sink:
        return subprocess.Popen(
            [os.fspath(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_plain_environment(folder),
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def reaped(child: subprocess.Popen[bytes] | None, *, patience_s: float = 10.0) -> None:
    """Wait for the end of a child that was seen dead, so that its number is free for another.

    A killed program of several threads shows as a zombie before the last of them is gone, and
    until then the kernel does not hand it over.
    """
    if child is None:
        return
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(f"process {child.pid} was killed and does not end") from error


def run_as(
    argv: Sequence[str | Path], *, folder: Path, account: Account | None, patience_s: float
) -> None:
    """Run a program to its end as the servers' user, or say why it failed."""
    try:
        done = subprocess.run(
            [os.fspath(word) for word in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            cwd=folder,
            env=_plain_environment(folder),
            timeout=patience_s,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EmbeddedError(f"{Path(argv[0]).name} could not run: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise EmbeddedError(f"{Path(argv[0]).name} failed ({done.returncode}): {said}")


def stop(
    find: Callable[[], list[psutil.Process]],
    *,
    signals: Sequence[tuple[signal.Signals, float]],
) -> None:
    """Ask with each signal in turn, wait its seconds, and end with kill -9 when none helps."""
    for number, patience_s in (*signals, (signal.SIGKILL, 10.0)):
        processes = find()
        if not processes:
            return
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        if wait_until(lambda: not find(), patience_s):
            return
    left = ", ".join(str(process.pid) for process in find())
    raise EmbeddedError(f"processes {left} do not end, even when killed")


def wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    """Whether the condition came true in time; looked at often, because servers start in tenths."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def tail(log: Path) -> str:
    """The last lines of a server's log, which usually name the reason."""
    with suppress(OSError):
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])
    return "(no log was written)"


def _plain_environment(folder: Path) -> Mapping[str, str]:
    # Nothing of ours is for the server's eyes; its messages stay in one language so we can read them.
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)}
