"""The order of a run: floor and product in turns for the ceilings, then a quarter of it for the waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.load import Plan, Seen, measure
from benchmarks.report import Row
from benchmarks.requests import Target
from benchmarks.stage import Stage, count_rows, run_name, stage

PEOPLE = 50_000
CALLS_AT_ONCE = 32
WEBHOOKS_AT_ONCE = 64
WARM_S = 1.0

CALLS_GOAL, WEBHOOKS_GOAL, ADDED_P99_GOAL_MS = 0.5, 1.0, 25.0

Report = Callable[[str], None]


class NotMeasured(Exception):
    """Answers were wrong: figures about them would mean nothing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long it takes."""

    rounds: int
    seconds: float


@dataclass(slots=True)
class Pair:
    """Ceilings of a floor and the product, round by round."""

    floor: list[float] = field(default_factory=list)
    product: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Neighbours in time are compared: what slows the machine down slows both."""
        return median(
            product / floor for floor, product in zip(self.floor, self.product, strict=True)
        )

    def row(self, name: str, unit: str, goal: float) -> Row:
        return Row(
            name,
            round(median(self.product), 1),
            unit,
            floor=round(median(self.floor), 1),
            ratio=round(self.ratio, 3),
            goal=f"ratio ≥ {goal}",
            met=self.ratio >= goal,
        )


async def measure_all(folder: Path, sizes: Sizes, only: str | None, report: Report) -> list[Row]:
    """Every row, in the order of the table."""
    async with stage(folder, PEOPLE, report) as running:
        story = _Story(running, sizes, report)
        await story.settle()
        calls, webhooks = Pair(), Pair()
        for number in range(sizes.rounds):
            report(f"round {number + 1} of {sizes.rounds}")
            if only != "ingest":
                calls.floor.append(await story.ceiling(running.floor_calls, CALLS_AT_ONCE))
                calls.product.append(await story.ceiling(running.product_calls, CALLS_AT_ONCE))
            if only != "deflection":
                webhooks.floor.append(await story.ceiling(running.floor_webhooks, WEBHOOKS_AT_ONCE))
                webhooks.product.append(
                    await story.ceiling(running.product_webhooks, WEBHOOKS_AT_ONCE)
                )
        rows: list[Row] = []
        if only != "ingest":
            rows.append(calls.row("deflection_calls_per_s", "calls/s", CALLS_GOAL))
        if only != "deflection":
            rows.append(webhooks.row("ingest_webhooks_per_s", "webhooks/s", WEBHOOKS_GOAL))
        if only != "ingest":
            rows += await story.waiting(median(calls.product) / 4)
        return rows


class _Story:
    def __init__(self, running: Stage, sizes: Sizes, report: Report) -> None:
        self._running = running
        self._sizes = sizes
        self._report = report
        self._next: dict[tuple[str, int], int] = {}

    async def settle(self) -> None:
        """Some of everything, and its statistics: rounds begin where a service stands that has run."""
        running = self._running
        for target in (
            running.floor_calls,
            running.product_calls,
            running.floor_webhooks,
            running.product_webhooks,
        ):
            await self._measure(target, CALLS_AT_ONCE, WARM_S)
        await count_rows(running.database_url)

    async def ceiling(self, target: Target, connections: int) -> float:
        """Answers a second when as many callers ask as soon as they are answered."""
        seen = await self._measure(target, connections, self._sizes.seconds)
        self._report(
            f"  {target.path}: {seen.per_second:,.0f}/s,"
            f" p50 {seen.percentile(0.5):.1f} ms, p99 {seen.percentile(0.99):.1f} ms"
        )
        return seen.per_second

    async def waiting(self, rate: float) -> list[Row]:
        """How long calls wait at a quarter of the ceiling, and how long the sandbox takes by itself."""
        self._report(f"waiting, at {rate:.0f} calls/s")
        both: dict[str, list[Seen]] = {"product": [], "sandbox": []}
        for _ in range(2):
            for name, target, share in (
                ("sandbox", self._running.sandbox, 1.0),
                ("product", self._running.product_calls, 2.0),
            ):
                seen = await self._measure(
                    target, CALLS_AT_ONCE, self._sizes.seconds * share, rate=rate
                )
                both[name].append(seen)
        product, sandbox = _together(both["product"]), _together(both["sandbox"])
        # The sandbox's median, not its own tail: the product answers for the whole of its p99.
        own_ms = sandbox.percentile(0.5)
        p50, p99 = product.percentile(0.5), product.percentile(0.99)
        floor = round(own_ms, 2)
        return [
            Row("deflection_added_p50_ms", round(p50 - own_ms, 2), "ms", floor=floor),
            Row(
                "deflection_added_p99_ms",
                round(p99 - own_ms, 2),
                "ms",
                floor=floor,
                goal=f"≤ {ADDED_P99_GOAL_MS:.0f} ms",
                met=p99 - own_ms <= ADDED_P99_GOAL_MS,
            ),
            Row("deflection_p50_ms", round(p50, 2), "ms", floor=floor),
            Row("deflection_p99_ms", round(p99, 2), "ms", floor=round(sandbox.percentile(0.99), 2)),
            Row("deflection_rate_of_latency_rows", round(rate, 1), "calls/s"),
        ]

    async def _measure(
        self, target: Target, connections: int, seconds: float, rate: float | None = None
    ) -> Seen:
        counter = (target.kind, target.port)
        plan = Plan(
            target=target,
            run=run_name(),
            first=self._next.get(counter, 0),
            seconds=seconds,
            warm_s=WARM_S,
            connections=connections,
            rate=rate,
        )
        seen = await measure(plan)
        self._next[counter] = plan.first + seen.asked
        if seen.wrong:
            raise NotMeasured(
                f"{target.path}: {seen.wrong} of {seen.wrong + seen.good} answers were wrong,"
                f" for example {seen.example}"
            )
        return seen


def _together(runs: list[Seen]) -> Seen:
    both = Seen()
    for seen in runs:
        both.good += seen.good
        both.seconds += seen.seconds
        both.took_ms += seen.took_ms
    return both
