"""Runbook part 4: what a client waits for under each policy, and what its answer is worth."""

from collections.abc import Generator
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from scenarios.conclude import conclude, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.judge.ledger import Write
from scenarios.lab.context import Run
from scenarios.preconditions import flush_delay, require_acknowledged, require_no_failures
from scenarios.scenario import Conclusion, Options, refuse_load_options
from scenarios.shell_commands import curl, psql
from stack.spec.events import Advanced

_PAIRS: Final = 100
#: Writes of each policy that are not measured: connections open, statements are prepared.
_WARM_UP: Final = 5
#: Pairs between two looks at PostgreSQL.
_LOOK_EVERY: Final = 10
#: With 100 fair coins, 65 or more of one side come up twice in a thousand times.
_CLEARLY: Final = 65
_POLICIES: Final = ("write_behind", "write_through")


@dataclass(slots=True)
class _Series:
    """The writes of one policy, and how many rows there were when somebody looked."""

    writes: list[Write] = field(default_factory=list)
    looked: int = 0
    found: int = 0

    @property
    def latencies(self) -> list[float]:
        return [write.latency_ms for write in self.writes]


@dataclass(frozen=True, slots=True)
class Latency:
    """The two policies, write by write, in one run."""

    name: str = "latency"
    title: str = "Latency"
    summary: str = (
        f"{_PAIRS} pairs of writes, one of each pair behind the cache and one through it, in turns: both "
        "meet the same machine in the same state."
    )
    steps: int = 3

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        flush_delay(require_no_failures(run.client.config()))
        url = f"{run.api_url}/products"
        command = curl("POST", url, _value("write_through", 1), policy="write_through", timed=True)
        yield StepStarted(1, f"{_PAIRS} pairs of writes, in turns", command)
        series = yield from _measure(run)
        behind, through = (series[policy] for policy in _POLICIES)
        figures = {policy: _percentiles(one) for policy, one in series.items()}
        yield TableShown(
            "latency",
            "From request to answer, in ms",
            ("policy", "p50", "p95", "p99", "max"),
            tuple(
                (policy.replace("_", "-"), *(f"{figure:.2f}" for figure in found))
                for policy, found in figures.items()
            ),
        )
        p50_behind, p50_through = (figures[policy][0] for policy in _POLICIES)
        yield Measured("write_behind_p50_ms", "write-behind p50", round(p50_behind, 2), "ms")
        yield Measured("write_through_p50_ms", "write-through p50", round(p50_through, 2), "ms")
        wins = sum(b < t for b, t in zip(behind.latencies, through.latencies, strict=True))
        faster = Checked(
            "write-behind answers sooner",
            f"in {_CLEARLY} or more of {_PAIRS} pairs",
            f"in {wins} of {_PAIRS} pairs",
            passed=wins >= _CLEARLY,
        )
        yield faster

        query = "SELECT count(*) FROM products WHERE name LIKE 'Latency-%';"
        yield StepStarted(2, "What each answer was worth", psql(run.lab.urls()["postgres"], query))
        kept = Checked(
            "write-through answers once the row is there",
            f"{through.looked} of {through.looked} rows",
            f"{through.found} of {through.looked} rows",
            passed=through.found == through.looked,
        )
        yield kept
        yield Measured("write_behind_rows", "write-behind rows there at the answer", behind.found, "rows")
        yield Narrated(f"We looked {behind.looked} times, each time right after the two answers.")

        yield StepStarted(3, "In the end both are there", curl("GET", f"{run.api_url}/admin/queue"))
        verdict = yield from reach_verdict(run, lag_of=lambda write: write.group == "write_behind")
        yield Narrated(
            "Write-behind answers before the database knows. The time that it saves is the time in which "
            "a crash of Redis can lose the write.",
            "matters",
        )
        text = f"Write-behind answers {p50_through / p50_behind:.1f} times as fast, and promises less."
        conclusion = conclude(verdict, [faster, kept], text)
        if conclusion.outcome == "unexpected" and kept.passed and _PAIRS - _CLEARLY < wins < _CLEARLY:
            return Conclusion("inconclusive", f"{_PAIRS} pairs show no clear difference: {faster.actual}")
        return conclusion


LATENCY: Final = Latency()


def _value(policy: str, number: int) -> dict[str, object]:
    return {"name": f"Latency-{policy}-{number}", "price": 19.99, "quantity": 50}


def _measure(run: Run) -> Generator[Event, None, dict[str, _Series]]:
    """Raises Inconclusive if a write is not acknowledged."""
    series = {policy: _Series() for policy in _POLICIES}
    for number in range(1 - _WARM_UP, _PAIRS + 1):
        # Each goes first in every second pair, so that neither gains from its place.
        order = _POLICIES if number % 2 else tuple(reversed(_POLICIES))
        pair = {
            policy: run.client.create(_value(policy, number), policy=policy, group=policy) for policy in order
        }
        require_acknowledged(list(pair.values()))
        if number < 1:
            continue
        for policy, write in pair.items():
            series[policy].writes.append(write)
        if number % _LOOK_EVERY == 0:
            rows = run.probe.rows([str(write.product) for write in pair.values()])
            for policy, write in pair.items():
                series[policy].looked += 1
                series[policy].found += str(write.product) in rows
            yield Advanced("pairs of writes", number, _PAIRS)
    return series


def _percentiles(series: _Series) -> tuple[float, float, float, float]:
    """p50, p95, p99 and the longest, in ms."""
    cuts = quantiles(series.latencies, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98], max(series.latencies)
