"""The load generator, a process of its own: a plan on standard input, what it saw on standard output.

Closed loop: so many connections, each asking again as soon as it is answered; this finds the ceiling.
Open loop: requests arrive by chance at a rate, whether or not the earlier ones were answered; times
count from the moment of arrival, so that a queue cannot hide.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import uvloop

from benchmarks.http import Answer, Broken, Connection, connect
from benchmarks.requests import Target, maker

DRAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    target: Target
    run: str
    first: int
    """The number of the first request: callers do not repeat between runs."""
    seconds: float
    warm_s: float
    connections: int
    rate: float | None = None
    """Arrivals a second; None means a closed loop."""
    within_ms: float | None = None
    """Every answer counts that holds what is expected and comes so soon, whatever its status."""


@dataclass(slots=True)
class Seen:
    """What a run saw after its warming up."""

    asked: int = 0
    """Requests sent, warming up included."""
    good: int = 0
    wrong: int = 0
    seconds: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    example: str = ""
    """A wrong answer, to look at."""

    @property
    def good_share(self) -> float:
        """Of those asked after the warming up; one that was never answered is wrong."""
        return self.good / (self.good + self.wrong) if self.good + self.wrong else 0.0

    @property
    def per_second(self) -> float:
        return self.good / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Of all answers that count; a wrong one is as slow as can be."""
        if not self.took_ms:
            return float("nan")
        ordered = sorted(self.took_ms) + [float("inf")] * self.wrong
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Load:
    """A run in progress."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._make: Callable[[int], bytes] = maker(plan.target, plan.run)
        self._expect = plan.target.expect.encode()
        # Whoever may answer late is waited for a little longer than that, and for no longer.
        self._patience_s = None if plan.within_ms is None else plan.within_ms / 1000 + 0.5
        self._next = plan.first
        self._seen = Seen()
        self._counts_from = 0.0
        self._until = 0.0

    async def run(self) -> Seen:
        plan = self._plan
        idle = [await connect(plan.target.host, plan.target.port) for _ in range(plan.connections)]
        begun = time.perf_counter()
        self._counts_from = begun + plan.warm_s
        self._until = self._counts_from + plan.seconds
        if plan.rate is None:
            async with asyncio.TaskGroup() as loops:
                for connection in idle:
                    loops.create_task(self._repeat(connection))
        else:
            await self._arrivals(idle, plan.rate)
        self._seen.seconds = plan.seconds
        self._seen.asked = self._next - plan.first
        for connection in idle:
            connection.close()
        return self._seen

    async def _repeat(self, connection: Connection) -> None:
        while (arrived := time.perf_counter()) < self._until:
            await self._ask(connection, arrived)

    async def _arrivals(self, idle: list[Connection], rate: float) -> None:
        chance = random.Random(self._plan.run)
        due = time.perf_counter()
        asked: set[asyncio.Task[None]] = set()
        while due < self._until:
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            task = asyncio.ensure_future(self._one(idle, due))
            asked.add(task)
            task.add_done_callback(asked.discard)
            due += chance.expovariate(rate)
        if not asked:
            return
        _, unanswered = await asyncio.wait(set(asked), timeout=DRAIN_S)
        for task in unanswered:
            task.cancel()
            self._seen.wrong += 1
            self._seen.example = f"no answer within {DRAIN_S:.0f} s"

    async def _one(self, idle: list[Connection], arrived: float) -> None:
        plan = self._plan
        connection = idle.pop() if idle else await connect(plan.target.host, plan.target.port)
        await self._ask(connection, arrived)
        if connection.alive:
            idle.append(connection)

    async def _ask(self, connection: Connection, arrived: float) -> None:
        number, self._next = self._next, self._next + 1
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await connection.ask(self._make(number))
        except Broken as broken:
            answer = Answer(0, str(broken).encode())
        except TimeoutError:
            connection.close()
            answer = Answer(0, b"no answer")
        now = time.perf_counter()
        if not self._counts_from <= (arrived if self._plan.rate else now) < self._until:
            return
        seen = self._seen
        took_ms = (now - arrived) * 1000
        if self._is_good(answer, took_ms):
            seen.good += 1
            seen.took_ms.append(took_ms)
        else:
            seen.wrong += 1
            told = answer.body[:300].decode(errors="replace")
            seen.example = f"{answer.status} {told} after {took_ms:.0f} ms"

    def _is_good(self, answer: Answer, took_ms: float) -> bool:
        if self._expect not in answer.body:
            return False
        within_ms = self._plan.within_ms
        return answer.status == 200 if within_ms is None else took_ms <= within_ms


async def measure(plan: Plan) -> Seen:
    """Run a plan in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(plan.warm_s + plan.seconds + DRAIN_S + 10):
            out, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return Seen(**json.loads(out))


def main() -> None:
    told = json.load(sys.stdin)
    plan = Plan(**{**told, "target": Target(**told["target"])})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(Load(plan).run())
    json.dump(asdict(seen), sys.stdout)


if __name__ == "__main__":
    main()
