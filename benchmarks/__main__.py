"""Measure the product against its floors, in paired rounds of one run; a table, and .data/bench.json."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import uvloop

from benchmarks.report import Row, table
from benchmarks.story import NotMeasured, Sizes, measure_all

OUT = Path(".data/bench.json")
FOLDER = Path(".data/bench")
AT_MOST_S = 360.0


def main() -> int:
    wanted = _arguments()
    sizes = Sizes(rounds=wanted.rounds, seconds=wanted.seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(_bounded(sizes, wanted.only))
    if rows is None:
        return 1
    print(table(rows))
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    print(f"\nThe same rows stand in {OUT}.")
    return 0


async def _bounded(sizes: Sizes, only: str | None) -> list[Row] | None:
    """All of it within six minutes; SIGTERM and Ctrl-C clean up like the end does."""
    task = asyncio.ensure_future(measure_all(FOLDER, sizes, only, _say))
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, task.cancel)
    try:
        async with asyncio.timeout(AT_MOST_S):
            return await task
    except TimeoutError:
        _say(f"not done within {AT_MOST_S:.0f} s: this machine is too busy to measure on")
    except NotMeasured as wrong:
        _say(str(wrong))
        return None
    except asyncio.CancelledError:
        _say("stopped")
    with suppress(asyncio.CancelledError):
        await task
    return None


def _say(line: str) -> None:
    print(f"· {line}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="paired rounds (default 4)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument(
        "--only", choices=["deflection", "ingest", "offers", "troubles"], help="only these rows"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
