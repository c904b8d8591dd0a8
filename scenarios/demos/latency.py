"""Runbook part 4: how long a client waits under each policy, and what its answer is worth."""

from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from scenarios.conclude import conclude, reach_verdict_and_lag, tell_lag
from scenarios.events import Checked, Measured, Narrated, TableShown
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import PersistLag
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.preconditions import flush_delay, require_acknowledged, require_no_failures
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, psql
from stack.spec.events import Advanced

_PAIRS: Final = 100
#: Unmeasured pairs at the beginning, while connections open and statements are prepared.
_WARM_UP_PAIRS: Final = 5
#: PostgreSQL is read after every tenth pair.
_PAIRS_PER_READ: Final = 10
#: If both policies were equally fast, write-behind would win 65 or more of 100 pairs in 2 runs of 1,000.
_CLEAR_WINS: Final = 65
_BEHIND, _THROUGH = "write_behind", "write_through"


@dataclass(slots=True)
class _Series:
    """The writes of one policy, and how many of those looked for right after their answer had their row."""

    writes: list[Write] = field(default_factory=list)
    looked_for: int = 0
    rows: int = 0

    @property
    def latencies(self) -> list[float]:
        """ms, in the order of the writes."""
        return [write.latency_ms for write in self.writes]


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Compare the two policies, write by write, in one run."""
    flush_delay(require_no_failures(run.client.config()))
    url = f"{run.api_url}/products"
    command = curl("POST", url, _value(_THROUGH, 1), policy=_THROUGH, timed=True)

    yield Step(f"{_PAIRS} pairs of writes, in turns", command)
    series = yield from _measure(run)
    behind, through = series[_BEHIND], series[_THROUGH]
    p50_behind, p50_through = yield from _show_percentiles(behind, through)
    wins = sum(b < t for b, t in zip(behind.latencies, through.latencies, strict=True))
    faster = Checked(
        "write-behind answers sooner",
        f"in {_CLEAR_WINS} or more of {_PAIRS} pairs",
        f"in {wins} of {_PAIRS} pairs",
        passed=wins >= _CLEAR_WINS,
    )
    yield faster

    query = "SELECT count(*) FROM products WHERE name LIKE 'Latency-%';"
    yield Step("What each answer was worth", psql(run.lab.urls()["postgres"], query))
    kept = Checked(
        "write-through answers once the row is there",
        f"{through.looked_for} of {through.looked_for} rows",
        f"{through.rows} of {through.looked_for} rows",
        passed=through.rows == through.looked_for,
    )
    yield kept
    yield Measured("write_behind_rows", "write-behind rows there at the answer", behind.rows, "rows")
    yield Narrated(f"PostgreSQL was read {through.looked_for} times, each time right after both answers.")

    yield Step("In the end both are there", curl("GET", f"{run.api_url}/admin/queue"))
    verdict, lag = yield from reach_verdict_and_lag(run, lambda write: write.group == _BEHIND)
    yield from tell_lag(lag)
    if lag is not None:
        yield Narrated(trade(p50_through - p50_behind, lag), "matters")
    text = f"Write-behind answers {p50_through / p50_behind:.1f} times as fast, and promises less."
    conclusion = conclude(verdict, [faster, kept], text)
    unclear = _PAIRS - _CLEAR_WINS < wins < _CLEAR_WINS
    if conclusion.outcome == "unexpected" and kept.passed and unclear:
        return Conclusion("inconclusive", f"{_PAIRS} pairs show no clear difference: {faster.actual}")
    return conclusion


def trade(saved_ms: float, lag: PersistLag) -> str:
    """What write-behind saves a client, and for how long each write is at risk, as measured.

    Args:
        saved_ms: How much sooner the median write-behind write was answered; negative: later.
        lag: How long write-behind writes took to reach PostgreSQL after their acknowledgement.
    """
    gain = (
        f"Write-behind saves a client about {saved_ms:.1f} ms a write"
        if saved_ms >= 0.1
        else "Write-behind saved the clients nothing in this run"
    )
    return (
        f"{gain}. What it risks: for about {lag.p50_ms:,.0f} ms after its acknowledgement a write is only in "
        "Redis, and a crash of Redis in that time loses it."
    )


def _value(policy: str, number: int) -> dict[str, object]:
    return {"name": f"Latency-{policy}-{number}", "price": 19.99, "quantity": 50}


def _measure(run: Run) -> Play[dict[str, _Series]]:
    """Raises Inconclusive if a write is not acknowledged."""
    series = {_BEHIND: _Series(), _THROUGH: _Series()}
    for number in range(1 - _WARM_UP_PAIRS, _PAIRS + 1):
        # Each goes first in every second pair, so that neither gains from its place.
        order = (_BEHIND, _THROUGH) if number % 2 else (_THROUGH, _BEHIND)
        pair = {
            policy: run.client.create(_value(policy, number), policy=policy, group=policy) for policy in order
        }
        require_acknowledged(list(pair.values()))
        if number < 1:
            continue
        for policy, write in pair.items():
            series[policy].writes.append(write)
        if number % _PAIRS_PER_READ == 0:
            rows = run.probe.rows([str(write.product) for write in pair.values()])
            for policy, write in pair.items():
                series[policy].looked_for += 1
                series[policy].rows += str(write.product) in rows
            yield Advanced("pairs of writes", number, _PAIRS)
    return series


def _show_percentiles(behind: _Series, through: _Series) -> Play[tuple[float, float]]:
    """Returns the two medians, ms: write-behind, write-through."""
    percentiles = {"write-behind": _percentiles(behind), "write-through": _percentiles(through)}
    yield TableShown(
        "latency",
        "From request to answer, in ms",
        ("policy", "p50", "p95", "p99", "max"),
        tuple((policy, *(f"{ms:.2f}" for ms in row)) for policy, row in percentiles.items()),
    )
    p50_behind, p50_through = percentiles["write-behind"][0], percentiles["write-through"][0]
    yield Measured("write_behind_p50_ms", "write-behind p50", round(p50_behind, 2), "ms")
    yield Measured("write_through_p50_ms", "write-through p50", round(p50_through, 2), "ms")
    return p50_behind, p50_through


def _percentiles(series: _Series) -> tuple[float, float, float, float]:
    """p50, p95, p99 and the longest, ms."""
    cuts = quantiles(series.latencies, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98], max(series.latencies)


SCENARIO: Final = Scenario(
    name="latency",
    title="Latency",
    summary=f"{_PAIRS} pairs of writes: in each pair, one write goes to the cache and one through it to "
    "PostgreSQL. They take turns, so both meet the same machine in the same state.",
    steps=3,
    play=play,
)
