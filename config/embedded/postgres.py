"""PostgreSQL on one machine: laid out, started, found again after a crash, and stopped.

Start-up is ours, because what the wheel brings returns an address nobody answers when a stale pid
file names another living process, and gives recovery only ten seconds.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

from config.embedded import processes
from config.embedded.errors import EmbeddedError
from config.embedded.memory import shared_memory
from config.embedded.place import Place
from config.embedded.starting import Starting

Report = Callable[[str], None]

PORT = 5432  # only a part of the socket's name: nothing listens on the network
_OWNER = "ivr_bridge"
_SUPERUSER = "ivr_bridge_admin"

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_startup_progress_interval": "1s",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
_DURABLE: Mapping[str, str] = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_PASSING: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "128MB",  # it may lie in memory, and a checkpoint that syncs nothing is cheap
    "autovacuum_naptime": "5min",
}


@dataclass(slots=True)
class Postgres:
    """One server over one data folder."""

    place: Place
    durable: bool = True
    patience_s: float = 60.0
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _main: psutil.Process | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """How the owner of the database, who is no superuser, reaches it."""
        who = f"{_OWNER}:{quote(self.place.secret(), safe='')}" if self.durable else _OWNER
        return f"postgresql://{who}@/{_OWNER}?host={self.place.sockets}&port={PORT}"

    def start(self, report: Report) -> None:
        """Have the server answer: the one that still runs, or a new one over the same data."""
        if not self.reattach(report):
            self._lay_out(report)
            self._clear_leftovers()
            self._launch(report)
        self._make_owner()
        self._main = self._postmaster()

    def reattach(self, report: Report) -> bool:
        """Whether the server of an earlier start lives on and answers."""
        if self._postmaster() is None:
            return False
        # Recovery takes what it takes; one that says it is ready has ten seconds to prove it.
        patience_s = min(self.patience_s, 10.0) if self._says_ready() else self.patience_s
        with suppress(EmbeddedError):
            self._await_answer(report, patience_s)
            report("PostgreSQL still runs from an earlier start")
            return True
        report("PostgreSQL still runs but does not answer: starting it anew")
        self.stop(patiently=False)
        return False

    def alive(self) -> bool:
        """Whether the server's main process is there."""
        if self._child is not None:
            self._child.poll()  # reaps it, so that its pid file no longer looks occupied
        return self._main is not None and processes.lives(self._main)

    def stop(self, *, patiently: bool = True) -> None:
        """Close connections, write everything down and end: the fast shutdown, harder if stuck.

        Without patience the shutdown is the immediate one, after which the next start recovers.
        """
        main = self._postmaster()
        if main is not None:
            fast = ((signal.SIGINT, 20.0),) if patiently else ()
            processes.stop(
                lambda: [main] if processes.lives(main) else [],
                signals=(*fast, (signal.SIGQUIT, self._persuasion_s(5.0))),
            )
        processes.stop(self._everyone, signals=((signal.SIGQUIT, self._persuasion_s(2.0)),))
        if self._child is not None:
            self._child.wait()
            self._child = None

    def checkpoint(self) -> None:
        """What the server does by itself every five minutes, done now; raises EmbeddedError."""
        done = self._query("CHECKPOINT")
        if done.returncode != 0:
            raise EmbeddedError(f"PostgreSQL made no checkpoint: {done.stderr.strip()}")

    # -- how ---------------------------------------------------------------------------------

    def _persuasion_s(self, enough_s: float) -> float:
        """How long one that hangs may ignore a signal: a part of what we would wait for an answer."""
        return min(self.patience_s / 4, enough_s)

    def _everyone(self) -> list[psutil.Process]:
        if self._child is not None:
            self._child.poll()
        return processes.living("postgres", self.place.postgres)

    def _postmaster(self) -> psutil.Process | None:
        everyone = self._everyone()
        numbers = {process.pid for process in everyone}
        for process in everyone:
            with suppress(psutil.Error):
                if process.ppid() not in numbers and "-D" in process.cmdline():
                    return process
        return None

    def _lay_out(self, report: Report) -> None:
        data, place = self.place.postgres, self.place
        if data.exists():
            self._check_version()
            return
        report("laying out a new PostgreSQL database")
        # Beside its final name, so that an interrupted layout is never taken for a database.
        draft = data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        place.own(draft)
        words: list[str | Path] = [
            place.binaries.initdb, "--pgdata", draft, "--username", _SUPERUSER,
            "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
            "--builtin-locale", "C.UTF-8", "--no-instructions",
        ]  # fmt: skip
        for name, value in shared_memory().items():
            words += ["--set", f"{name}={value}"]
        password = place.sockets / "password"
        if self.durable:
            words += ["--auth-local", "scram-sha-256", "--auth-host", "reject"]
            words += ["--pwfile", password]
            place.write(password, place.secret())
        else:
            words += ["--auth", "trust", "--no-sync"]
        try:
            processes.run_as(words, folder=draft, account=place.account, patience_s=120)
        finally:
            password.unlink(missing_ok=True)
        draft.rename(data)

    def _check_version(self) -> None:
        data = self.place.postgres
        found = (data / "PG_VERSION").read_text(encoding="utf-8").strip()
        offered = subprocess.run(
            [self.place.binaries.postgres, "--version"],
            capture_output=True, encoding="utf-8", check=True, timeout=20,
        ).stdout.split()[-1].split(".")[0]  # fmt: skip
        if found != offered:
            raise EmbeddedError(
                f"{data} was made by PostgreSQL {found} and this is {offered}: "
                f"move the folder away, or dump it with PostgreSQL {found} and load it again"
            )

    def _clear_leftovers(self) -> None:
        """Remove the marks of a killed server, once nothing of it is left alive.

        Its children notice within moments that their parent is gone. PostgreSQL's own guard against
        two servers over one folder, the shared memory block, stays in force.
        """
        if not processes.wait_until(lambda: not self._everyone(), self._persuasion_s(5.0)):
            processes.stop(self._everyone, signals=((signal.SIGQUIT, self._persuasion_s(2.0)),))
        (self.place.postgres / "postmaster.pid").unlink(missing_ok=True)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (self.place.sockets / name).unlink(missing_ok=True)

    def _launch(self, report: Report) -> None:
        place = self.place
        words: list[str | Path] = [place.binaries.postgres, "-D", place.postgres]
        chosen = {
            **_SETTINGS,
            **(_DURABLE if self.durable else _PASSING),
            **shared_memory(),
            "unix_socket_directories": str(place.sockets),
            "port": str(PORT),
        }
        for name, value in chosen.items():
            words += ["-c", f"{name}={value}"]
        processes.reaped(self._child)
        self._child = processes.spawn(
            words, folder=place.postgres, account=place.account, log=place.log("postgres")
        )
        try:
            self._await_answer(report, self.patience_s)
        except EmbeddedError:
            self.stop(patiently=False)
            raise

    def _await_answer(self, report: Report, patience_s: float) -> None:
        """Until a query is answered; recovery after a crash may take its time, and says so."""
        starting = Starting("PostgreSQL", self._child, self.place.log("postgres"))
        starting.await_answer(self._answers, report, patience_s=patience_s)

    def _answers(self) -> bool:
        return self._says_ready() and self._query("SELECT 1").returncode == 0

    def _says_ready(self) -> bool:
        with suppress(OSError):
            return "ready" in (self.place.postgres / "postmaster.pid").read_text("utf-8", "replace")
        return False

    def _make_owner(self) -> None:
        """The login that owns the database: it makes roles and, in tests, databases; no more."""
        rights = "LOGIN NOSUPERUSER NOBYPASSRLS NOREPLICATION CREATEROLE"
        rights += " NOCREATEDB" if self.durable else " CREATEDB"
        secret = self.place.secret().replace("'", "''") if self.durable else ""
        password = f"PASSWORD '{secret}'" if self.durable else ""
        made = self._query(
            f"SELECT 'CREATE ROLE {_OWNER}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_roles WHERE rolname = '{_OWNER}') \\gexec\n"
            f"ALTER ROLE {_OWNER} WITH {rights} {password};\n"
            f"SELECT 'CREATE DATABASE {_OWNER} OWNER {_OWNER}' WHERE NOT EXISTS"
            f" (SELECT FROM pg_database WHERE datname = '{_OWNER}') \\gexec\n",
            # A new database is written whole, on a disk that may be slow.
            max(10.0, self.patience_s),
        )
        if made.returncode != 0:
            raise EmbeddedError(f"the database could not be prepared: {made.stderr.strip()}")

    def _query(self, script: str, patience_s: float = 10.0) -> subprocess.CompletedProcess[str]:
        """A script run by the superuser; written to psql's input, where no process list shows it."""
        environment = {
            "PGHOST": str(self.place.sockets),
            "PGPORT": str(PORT),
            "PGUSER": _SUPERUSER,
            "PGDATABASE": "postgres",
            "PGCONNECT_TIMEOUT": "2",
            "PGPASSWORD": self.place.secret() if self.durable else "",
        }
        words: list[str | Path] = [
            self.place.binaries.psql,
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
        ]
        try:
            return subprocess.run(
                words, input=script, capture_output=True, encoding="utf-8", errors="replace",
                check=False, env=environment, timeout=patience_s,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, 1, "", f"no answer within {patience_s:.0f} s")
