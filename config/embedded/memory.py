"""What PostgreSQL's processes share, where there is room for it and where there is none."""

from collections.abc import Mapping

import psutil

_FOLDER = "/dev/shm"  # noqa: S108 - only looked at
_ROOM = 32 << 20


def shared_memory() -> Mapping[str, str]:
    """The server's settings: none, unless the usual place is small or full, as in many a container.

    Without room there it neither starts nor is laid out; then its processes share files.
    """
    try:
        roomy = psutil.disk_usage(_FOLDER).free >= _ROOM
    except OSError:  # not on Linux; there it is no folder
        roomy = True
    return {} if roomy else {"dynamic_shared_memory_type": "mmap"}
