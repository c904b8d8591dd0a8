"""What became of the writes of each group. They are counted while they are judged, in little memory."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag
from scenarios.scripted.script import ALL

#: µs. Longer ones count as this one.
_HIGHEST: int = 3_600_000_000
_DIGITS: int = 3


def _histogram() -> Any:
    return HdrHistogram(1, _HIGHEST, _DIGITS)  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class Of:
    """The acknowledged writes of one group."""

    fates: Counter[str] = field(default_factory=Counter)
    #: µs
    latencies: Any = field(default_factory=_histogram)
    lags: Any = field(default_factory=_histogram)


@dataclass(slots=True)
class Tally:
    """All groups; the group `all` has every write."""

    groups: dict[str, Of] = field(default_factory=lambda: {ALL: Of()})

    def add(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        """Count one acknowledged write."""
        names = [ALL, *([write.group] if write.group else [])]
        for group in (self.of(name) for name in names):
            group.fates[judged.fate] += 1
            _record(group.latencies, write.latency_ms)
            if lag is not None:
                _record(group.lags, lag.ms)

    def of(self, group: str) -> Of:
        """The group of that name."""
        return self.groups.setdefault(group, Of())


def _record(histogram: Any, ms: float) -> None:
    histogram.record_value(min(_HIGHEST, max(1, round(1000 * ms))))


def percentile(histogram: Any, name: str) -> float | None:
    """A percentile in ms by its name, such as "p99_ms"; None if there is nothing."""
    if not histogram.total_count:
        return None
    if name == "max_ms":
        return float(histogram.get_max_value()) / 1000
    return float(histogram.get_value_at_percentile(float(name[1:3]))) / 1000
