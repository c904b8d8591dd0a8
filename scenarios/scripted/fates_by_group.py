"""What became of the writes of each group. They are counted while they are judged, in little memory."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from scenarios.histogram import Histogram
from scenarios.judge.checks.fates import Judged
from scenarios.judge.ledger import Write
from scenarios.judge.persist_lag import Lag
from scenarios.scripted.script import ALL

#: Longer durations count as this one.
_LONGEST_S: Final = 3600.0


def _histogram() -> Histogram:
    return Histogram(longest_s=_LONGEST_S)


@dataclass(slots=True)
class Of:
    """The acknowledged writes of one group."""

    fates: Counter[str] = field(default_factory=Counter)
    latencies: Histogram = field(default_factory=_histogram)
    lags: Histogram = field(default_factory=_histogram)


@dataclass(slots=True)
class FatesByGroup:
    """All groups; the group `all` has every write."""

    groups: dict[str, Of] = field(default_factory=lambda: {ALL: Of()})

    def add(self, write: Write, judged: Judged, lag: Lag | None) -> None:
        """Count one acknowledged write."""
        names = [ALL, *([write.group] if write.group else [])]
        for group in (self.of(name) for name in names):
            group.fates[judged.fate] += 1
            group.latencies.record(write.latency_ms / 1000)
            if lag is not None:
                group.lags.record(lag.ms / 1000)

    def of(self, group: str) -> Of:
        """The group of that name."""
        return self.groups.setdefault(group, Of())


def percentile(histogram: Histogram, name: str) -> float | None:
    """A percentile in ms by its name, such as "p99_ms"; None if there is nothing."""
    if not histogram.count:
        return None
    if name == "max_ms":
        return histogram.max_ms()
    return histogram.percentiles_ms(float(name[1:3]))[0]
