"""Valkey on one machine, keeping what it was told in an append-only file."""

import glob
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded import processes
from config.embedded.errors import EmbeddedError
from config.embedded.place import Place
from config.embedded.starting import Starting

Report = Callable[[str], None]


@dataclass(slots=True)
class Valkey:
    """One server over one data folder."""

    place: Place
    durable: bool = True
    patience_s: float = 60.0
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _main: psutil.Process | None = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        """Where it listens: nowhere on the network."""
        return self.place.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """How clients of the Redis protocol reach it."""
        who = f":{quote(self.place.secret(), safe='')}@" if self.durable else ""
        return f"unix://{who}{self.socket}?db=0"

    def start(self, report: Report) -> None:
        """Have the server answer: the one that still runs, or a new one over the same data."""
        if not self._reattach(report):
            self._launch(report)
        self._main = next(iter(self._everyone()), None)

    def alive(self) -> bool:
        """Whether its process is there."""
        if self._child is not None:
            self._child.poll()
        return self._main is not None and processes.lives(self._main)

    def stop(self, *, patience_s: float = 20.0) -> None:
        """Write everything down and end."""
        processes.stop(self._everyone, signals=((signal.SIGTERM, patience_s),))
        if self._child is not None:
            self._child.wait()
            self._child = None

    # -- how ---------------------------------------------------------------------------------

    def _everyone(self) -> list[psutil.Process]:
        if self._child is not None:
            self._child.poll()
        return processes.living(self.place.binaries.valkey_server.name, self.place.valkey)

    def _reattach(self, report: Report) -> bool:
        if not self._everyone():
            return False
        with suppress(EmbeddedError):
            self._await_answer(report)
            report("Valkey still runs from an earlier start")
            return True
        report("Valkey still runs but does not answer: starting it anew")
        self.stop(patience_s=min(self.patience_s / 4, 2.0))
        return False

    def _launch(self, report: Report) -> None:
        place = self.place
        place.own(place.valkey)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": ".",
            "daemonize": "no",
            "save": "",
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
        }
        lines = [f'{name} "{value}"' for name, value in settings.items()]
        if self.durable:
            lines.append(f'requirepass "{place.secret()}"')
        # By file, not by argument: a process list is no place for a password.
        file = place.valkey / "valkey.conf"
        place.write(file, "\n".join(lines) + "\n")
        processes.reaped(self._child)
        self._child = processes.spawn(
            # It takes the name for a pattern: of brackets in a path it would find no file, and
            # listen on the network without a password.
            [place.binaries.valkey_server, glob.escape(str(file))],
            folder=place.valkey,
            account=place.account,
            log=place.log("valkey"),
        )
        try:
            self._await_answer(report)
        except EmbeddedError:
            self.stop(patience_s=min(self.patience_s / 4, 2.0))
            raise

    def _await_answer(self, report: Report) -> None:
        """Until a ping is answered: while it loads its file it answers that it is loading."""
        starting = Starting("Valkey", self._child, self.place.log("valkey"))
        starting.await_answer(self._answers, report, patience_s=self.patience_s)

    def _answers(self) -> bool:
        with (
            redis.Redis(
                unix_socket_path=str(self.socket),
                password=self.place.secret() if self.durable else None,
                socket_timeout=2.0,
                retry=Retry(NoBackoff(), 0),
            ) as client,
            suppress(redis.RedisError, OSError),
        ):
            return bool(client.ping())
        return False
