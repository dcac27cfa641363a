"""A process that starts databases, says where they are, and does what it is told: stop or die.

    python actor.py lasting|passing DATA_DIR [UID]

With a UID it becomes that ordinary user first, everything imported: the interpreter may lie where
that user cannot enter.
"""

import email.parser  # noqa: F401 - imported late by what follows, when it is out of reach
import json
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import asyncpg  # noqa: F401 - see above
import psutil  # noqa: F401
import redis

from config import embedded


def main(mode: str, data_dir: str, uid: str = "") -> None:
    # Whoever is started in the background of a shell inherits that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redis.Redis()  # has it read its own version while that can be read
    if uid:
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    told: list[str] = []
    with ExitStack() as held:
        if mode == "lasting":
            pair = held.enter_context(embedded.start(Path(data_dir), report=told.append))
        else:
            pair = held.enter_context(embedded.throwaway(report=told.append))
        facts = {"database_url": pair.database_url, "redis_url": pair.redis_url, "told": told}
        try:
            # Whoever reads this may press Ctrl-C at once.
            print(json.dumps(facts), flush=True)  # noqa: T201 - to the test
            sys.stdin.readline()
        except KeyboardInterrupt:
            print("interrupted", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
