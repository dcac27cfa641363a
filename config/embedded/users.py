"""Who we are, whose a folder is, and whom the servers run as when we are root."""

import os
import pwd
import stat
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.processes import Account

# `nobody` is on every system; the others stand in where an image was stripped.
_ACCOUNTS = ("nobody", "postgres", "daemon")


def account_of_servers() -> Account:
    """An unprivileged user; PostgreSQL refuses to run as root."""
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(
        f"none of the users {', '.join(_ACCOUNTS)} exists here: start as an ordinary user"
    )


def check_name() -> None:
    """PostgreSQL lays nothing out for a user who is only a number, as in a container run with `-u`."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedError(
            f"user {os.geteuid()} has no name here, and PostgreSQL asks for one: give it a line in "
            "/etc/passwd, start as another user, or set DATABASE_URL and REDIS_URL"
        ) from None


def check_owner(folder: Path) -> None:
    """A folder and ours; raises EmbeddedError."""
    details = folder.lstat()
    if not stat.S_ISDIR(details.st_mode) or details.st_uid != os.geteuid():
        raise EmbeddedError(
            f"{folder} belongs to {name_of(details.st_uid)}: start as that user, or remove it"
        )


def name_of(uid: int) -> str:
    """The user's name, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
