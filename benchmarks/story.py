"""The order of a run: floor and product in turns for the ceilings, then a quarter of it for the waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from benchmarks.load import Plan, Seen, measure
from benchmarks.report import Row
from benchmarks.requests import Target
from benchmarks.stage import Stage, count_rows, run_name, stage, tidy_up

PEOPLE = 80_000
ROWS_FROM, OFFERS_FROM = 40_000, 70_000
"""Whoever was called by one is not called by another: they would have a chat open already."""
CALLS_AT_ONCE = 32
WEBHOOKS_AT_ONCE = 64
WARM_S = 1.0

CALLS_GOAL, WEBHOOKS_GOAL, ADDED_P99_GOAL_MS = 0.7, 1.0, 25.0
OFFERS_PER_S, OFFERS_S, OFFERS_P99_GOAL_MS = 300.0, 8.0, 25.0
TROUBLED_PER_S, TROUBLED_S, DEADLINE_MS = 30.0, 6.0, 2500.0

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

    def row(self, name: str, unit: str, goal: float | None) -> Row:
        return Row(
            name,
            round(median(self.product), 1),
            unit,
            floor=round(median(self.floor), 1),
            ratio=round(self.ratio, 3),
            goal=None if goal is None else f"ratio ≥ {goal}",
            met=None if goal is None else self.ratio >= goal,
        )


async def measure_all(folder: Path, sizes: Sizes, only: str | None, report: Report) -> list[Row]:
    """Every row, in the order of the table."""
    async with stage(folder, PEOPLE, report) as running:
        story = _Story(running, sizes, report)
        await story.settle()
        rows: list[Row] = []
        if only in {None, "deflection", "ingest"}:
            rows += await story.ceilings(calls=only != "ingest", webhooks=only != "deflection")
        if only in {None, "offers"}:
            rows += await story.offers()
        if only in {None, "troubles"}:
            rows += await story.troubles()
        return rows


class _Story:
    def __init__(self, running: Stage, sizes: Sizes, report: Report) -> None:
        self._running = running
        self._sizes = sizes
        self._report = report
        self._next: dict[Target, int] = {
            running.floor_rows: ROWS_FROM,
            running.product_offers: OFFERS_FROM,
        }

    async def settle(self) -> None:
        """Some of everything, and its statistics: rounds begin where a service stands that has run."""
        running = self._running
        for target in (
            running.floor_calls,
            running.product_calls,
            running.floor_webhooks,
            running.product_webhooks,
            running.floor_rows,
            running.product_offers,
        ):
            await self._measure(target, CALLS_AT_ONCE, WARM_S)
        await count_rows(running.database_url)

    async def ceilings(self, *, calls: bool, webhooks: bool) -> list[Row]:
        """Floors and product in turns; then how long calls wait at a quarter of theirs."""
        running = self._running
        deflections, with_rows, ingest = Pair(), Pair(), Pair()
        for number in range(self._sizes.rounds):
            self._report(f"round {number + 1} of {self._sizes.rounds}")
            if calls:
                deflections.floor.append(await self.ceiling(running.floor_calls, CALLS_AT_ONCE))
                deflections.product.append(await self.ceiling(running.product_calls, CALLS_AT_ONCE))
                with_rows.floor.append(await self.ceiling(running.floor_rows, CALLS_AT_ONCE))
            if webhooks:
                ingest.floor.append(await self.ceiling(running.floor_webhooks, WEBHOOKS_AT_ONCE))
                ingest.product.append(
                    await self.ceiling(running.product_webhooks, WEBHOOKS_AT_ONCE)
                )
        with_rows.product = deflections.product
        rows: list[Row] = []
        if calls:
            rows.append(deflections.row("deflection_calls_per_s", "calls/s", CALLS_GOAL))
            rows.append(with_rows.row("deflection_beside_the_same_rows", "calls/s", CALLS_GOAL))
        if webhooks:
            rows.append(ingest.row("ingest_webhooks_per_s", "webhooks/s", WEBHOOKS_GOAL))
        if calls:
            rows += await self.waiting(median(deflections.product) / 4)
        return rows

    async def ceiling(self, target: Target, connections: int) -> float:
        """Answers a second when as many callers ask as soon as they are answered."""
        seen = await self._measure(target, connections, self._sizes.seconds)
        self._report(
            f"  {target.path}: {seen.per_second:,.0f}/s,"
            f" p50 {seen.percentile(0.5):.1f} ms, p99 {seen.percentile(0.99):.1f} ms"
        )
        return seen.per_second

    async def waiting(self, rate: float) -> list[Row]:
        """How long calls wait at a quarter of the ceiling, beside the floor's at the same rate.

        Added is what goes beyond the sandbox's own median, not beyond its tail: the product answers for
        the whole of its p99.
        """
        self._report(f"waiting, at {rate:.0f} calls/s")
        running = self._running
        await tidy_up(running)
        sandbox, floor, product = Seen(), Seen(), Seen()
        for _ in range(2):
            for seen, target, share in (
                (sandbox, running.sandbox, 1.0),
                (floor, running.floor_calls, 1.0),
                (product, running.product_calls, 3.0),
            ):
                seconds = self._sizes.seconds * share
                _add(seen, await self._measure(target, CALLS_AT_ONCE, seconds, rate=rate))
        own_ms = sandbox.percentile(0.5)
        rows = []
        for name, share, goal_ms in (("p50", 0.5, None), ("p99", 0.99, ADDED_P99_GOAL_MS)):
            added_ms, of_floor_ms = (
                product.percentile(share) - own_ms,
                floor.percentile(share) - own_ms,
            )
            rows.append(
                Row(
                    f"deflection_added_{name}_ms",
                    round(added_ms, 2),
                    "ms",
                    floor=round(of_floor_ms, 2),
                    ratio=round(added_ms / of_floor_ms, 3),
                    goal=None if goal_ms is None else f"≤ {goal_ms:.0f} ms",
                    met=None if goal_ms is None else added_ms <= goal_ms,
                )
            )
        return [
            *rows,
            Row("sandbox_p50_ms", round(own_ms, 2), "ms"),
            Row("deflection_rate_of_latency_rows", round(rate, 1), "calls/s"),
        ]

    async def offers(self) -> list[Row]:
        """How long the question before the offer takes, at the rate of a large contact centre."""
        self._report(f"eligibility, at {OFFERS_PER_S:.0f} questions/s")
        seen = await self._measure(
            self._running.product_offers,
            CALLS_AT_ONCE,
            OFFERS_S,
            rate=OFFERS_PER_S,
            within_ms=DEADLINE_MS,
        )
        if seen.wrong:
            self._report(f"  {seen.wrong} got no offer in time: {seen.example}")
        p50, p99 = seen.percentile(0.5), seen.percentile(0.99)
        return [
            Row("eligibility_answers_per_s", round(seen.per_second, 1), "answers/s"),
            Row("eligibility_p50_ms", round(p50, 2), "ms"),
            Row(
                "eligibility_p99_ms",
                round(p99, 2),
                "ms",
                goal=f"≤ {OFFERS_P99_GOAL_MS:.0f} ms",
                met=p99 <= OFFERS_P99_GOAL_MS,
            ),
        ]

    async def troubles(self) -> list[Row]:
        """Whatever goes wrong, the IVR has its answer before its deadline."""
        rows = []
        for name, trouble in self._running.troubles.all.items():
            self._report(f"answers in time: {name.replace('_', ' ')}")
            calls = self._running.product_calls
            target = replace(calls, expect='"action":')
            self._next[target] = self._next.get(calls, 0)
            async with trouble():
                seen = await self._measure(
                    target,
                    CALLS_AT_ONCE,
                    TROUBLED_S,
                    rate=TROUBLED_PER_S,
                    within_ms=DEADLINE_MS,
                )
            self._next[calls] = self._next[target]
            percent = 100 * seen.good_share
            slowest = max(seen.took_ms, default=float("nan"))
            self._report(f"  {seen.good} of {seen.good + seen.wrong} in time, {slowest:.0f} ms")
            if seen.wrong:
                self._report(f"  not in time: {seen.example}")
            rows.append(
                Row(
                    f"answers_in_time_{name}",
                    round(percent, 2),
                    "%",
                    goal="100 %",
                    met=seen.wrong == 0 and seen.good > 0,
                )
            )
        return rows

    async def _measure(
        self,
        target: Target,
        connections: int,
        seconds: float,
        rate: float | None = None,
        within_ms: float | None = None,
    ) -> Seen:
        plan = Plan(
            target=target,
            run=run_name(),
            first=self._next.get(target, 0),
            seconds=seconds,
            warm_s=WARM_S,
            connections=connections,
            rate=rate,
            within_ms=within_ms,
        )
        seen = await measure(plan)
        self._next[target] = plan.first + seen.asked
        if seen.wrong and within_ms is None:
            raise NotMeasured(
                f"{target.path}: {seen.wrong} of {seen.wrong + seen.good} answers were wrong,"
                f" for example {seen.example}"
            )
        return seen


def _add(seen: Seen, more: Seen) -> None:
    seen.good += more.good
    seen.seconds += more.seconds
    seen.took_ms += more.took_ms
