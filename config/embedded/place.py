"""Where the data, the sockets and the programs are, for an ordinary user and for root.

PostgreSQL refuses to run as root, and the user it runs as must be able to enter every folder above
its files. A checkout often lies where others may not enter (root's home has mode 700), and opening
it up is not ours to do. So as root everything the servers touch lives in the system's state folder,
and a link in the data folder says where.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded.binaries import Binaries
from config.embedded.errors import EmbeddedError, InUseError
from config.embedded.processes import Account, run_as
from config.embedded.users import account_of_servers, check_name, check_owner, name_of

# The system's state folder first; temporary folders are often mounted without the right to execute.
_STATE_FOLDERS = ("/var/lib/ivr-bridge", "/var/tmp/ivr-bridge", "/tmp/ivr-bridge")  # noqa: S108
# Databases that may be lost are quickest where nothing is written down, but memory is for all.
_MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - each folder in it is checked to be ours
_MEMORY_ROOM = 2 << 30
LINK = "embedded"
_DRAFT = "new-"
_DRAFT_LIFE_S = 3600
# A socket's address holds 107 bytes; PostgreSQL appends ".s.PGSQL.5432" to the folder, and a lock.
_SOCKET_FOLDER_LIMIT = 80
# Characters that every client library reads alike in an address.
_SAFE_PATH = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """One home of a pair of servers."""

    home: Path
    sockets: Path
    binaries: Binaries
    account: Account | None

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's data folder."""
        return self.home / "valkey"

    def log(self, server: str) -> Path:
        """Where this server says what it does."""
        return self.home / f"{server}.log"

    def own(self, folder: Path) -> None:
        """Make a folder that only the servers' user may enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            os.chown(folder, self.account.uid, self.account.gid)

    def write(self, file: Path, text: str) -> None:
        """Write a file that only the servers' user may read."""
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            sink.write(text)
            if self.account is not None:
                os.fchown(descriptor, self.account.uid, self.account.gid)

    def secret(self) -> str:
        """The password of this place, made once and readable by us alone."""
        file = self.home / "secrets.json"
        if not file.exists():
            draft, flags = file.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(draft, flags, 0o600), "w") as sink:
                json.dump({"password": secrets.token_urlsafe(24)}, sink)
            draft.rename(file)
        return str(json.loads(file.read_text(encoding="utf-8"))["password"])


def lasting(data_dir: Path) -> Place:
    """The place that belongs to this data folder, made when it is not there."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    data_dir = data_dir.resolve()
    link = data_dir / LINK
    if os.geteuid() != 0:
        if link.is_symlink():
            raise EmbeddedError(
                f"{link} was made by root: start as root again, or remove it to begin anew"
            )
        check_name()
        link.mkdir(mode=0o700, exist_ok=True)
        check_owner(link)
        return _furnished(link, Binaries.from_wheels(), account=None)
    if link.is_dir() and not link.is_symlink():
        raise EmbeddedError(
            f"{link} belongs to {name_of(link.stat().st_uid)}: start as that user, "
            "or remove it to begin anew"
        )
    state, binaries, account = _state_folder()
    return _furnished(_linked_home(link, state), binaries, account)


@contextmanager
def passing() -> Iterator[Place]:
    """A new place for databases that may be lost, held by us until we leave or die."""
    (shelf, *_), binaries, account = _passing_shelves()
    home = shelf / secrets.token_hex(4)
    draft = shelf / f"{_DRAFT}{home.name}"
    draft.mkdir()
    draft.chmod(0o711)
    with locked(draft):
        draft.rename(home)  # from here on visible to `passed`, and already locked
        yield _furnished(home, binaries, account)


def passed() -> Iterator[Place]:
    """Passing places whose owner is gone, each locked while it is looked at."""
    shelves, binaries, account = _passing_shelves()
    for home in sorted(home for shelf in shelves for home in shelf.iterdir()):
        try:
            in_the_making = home.name.startswith(_DRAFT) and _age_s(home) < _DRAFT_LIFE_S
            if not in_the_making:
                with locked(home):
                    yield Place(home, _socket_folder(home), binaries, account)
        except (InUseError, FileNotFoundError):
            continue


def remove(place: Place) -> None:
    """Take a place away with all it holds; its servers have ended."""
    shutil.rmtree(place.home, ignore_errors=True)
    if place.sockets.parent != place.home:
        shutil.rmtree(place.sockets, ignore_errors=True)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold this home alone. The kernel lets go when we end, however we end."""
    with (home / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise InUseError(
                f"process {holder} already runs databases in {home}: stop it first"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _furnished(home: Path, binaries: Binaries, account: Account | None) -> Place:
    sockets = _socket_folder(home)
    place = Place(home=home, sockets=sockets, binaries=binaries, account=account)
    place.own(sockets)
    details = sockets.lstat()
    expected = account.uid if account else os.geteuid()
    if not stat.S_ISDIR(details.st_mode) or details.st_uid != expected or details.st_mode & 0o077:
        raise EmbeddedError(f"{sockets} is not ours alone: remove it and start again")
    return place


def _socket_folder(home: Path) -> Path:
    inside = home / "run"
    if len(os.fsencode(inside)) <= _SOCKET_FOLDER_LIMIT and _SAFE_PATH.fullmatch(str(inside)):
        return inside
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path("/tmp") / f"ivr-bridge-{os.geteuid()}-{key}"  # noqa: S108 - checked to be ours


def _passing_shelves() -> tuple[list[Path], Binaries, Account | None]:
    """Where databases that may be lost can lie, the best place first."""
    if os.geteuid() == 0:
        state, binaries, account = _state_folder()
        on_disk, mode = state / "passing", 0o711
    else:
        check_name()
        binaries, account = Binaries.from_wheels(), None
        on_disk, mode = Path(tempfile.gettempdir()).resolve() / f"ivr-bridge-{os.geteuid()}", 0o700
    shelves = [_made(on_disk, mode)]
    with suppress(OSError, EmbeddedError):
        in_memory = _made(_MEMORY_FOLDER / f"ivr-bridge-{os.geteuid()}", mode)
        shelves.insert(0 if _memory_is_roomy() else 1, in_memory)
    return shelves, binaries, account


def _memory_is_roomy() -> bool:
    room = min(psutil.disk_usage(str(_MEMORY_FOLDER)).free, psutil.virtual_memory().available)
    return room >= _MEMORY_ROOM


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _linked_home(link: Path, state: Path) -> Path:
    """Follow the link to its home; a copied checkout gets a home of its own, a moved one keeps it."""
    if link.is_symlink():
        home = link.readlink()
        note = home / "belongs-to"
        if note.is_file():
            owner = Path(os.fsdecode(note.read_bytes()))
            moved = owner != link and not (owner.is_symlink() and owner.readlink() == home)
            if moved:
                note.write_bytes(os.fsencode(link))
            if moved or owner == link:
                return home
        link.unlink()
    homes = _made(state / "homes", 0o711)
    home = Path(tempfile.mkdtemp(prefix="", dir=homes))
    home.chmod(0o711)
    (home / "belongs-to").write_bytes(os.fsencode(link))
    link.symlink_to(home)
    return home


def _state_folder() -> tuple[Path, Binaries, Account]:
    """The first folder from which the servers' user can run our programs."""
    account, binaries = account_of_servers(), Binaries.from_wheels()
    troubles = []
    for folder in map(Path, _STATE_FOLDERS):
        try:
            shelf = _made(_made(folder, 0o755) / "programs", 0o755)
            copied = binaries.copied_to(shelf)
            run_as([copied.postgres, "--version"], folder=shelf, account=account, patience_s=20)
        except (OSError, EmbeddedError) as trouble:
            troubles.append(f"{folder}: {trouble}")
        else:
            return folder, copied, account
    raise EmbeddedError(
        "as root the databases run as an unprivileged user, and found no folder for it: "
        + "; ".join(troubles)
        + ". Start as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def _made(folder: Path, mode: int) -> Path:
    """A folder of our own; its mode is set when we make it, whatever the umask, and only then."""
    try:
        folder.mkdir()
    except FileExistsError:
        check_owner(folder)
    else:
        folder.chmod(mode)
    return folder
