"""What is gathered over a run: exact enough, and never too much."""

import random
import statistics
from itertools import pairwise

import pytest
from msgspec.structs import replace

from labctl.reports.histogram import Histogram
from labctl.reports.measurements import Durations, Measurements
from labctl.reports.timeline import Timeline
from scenarios.journal.lines import WriteLine
from tests.unit.labctl.reports.stories import samples


def test_quantiles_are_exact_to_four_percent() -> None:
    durations = [random.Random(7).lognormvariate(1, 1) for _ in range(5_000)]
    histogram = Histogram()
    for ms in durations:
        histogram.add(ms)
    exact = statistics.quantiles(durations, n=100)
    found = histogram.quantiles((0.5, 0.95, 0.99))
    assert found == pytest.approx([exact[49], exact[94], exact[98]], rel=0.05)
    assert histogram.quantiles((1.0,)) == [max(durations)]


def test_nothing_has_no_quantiles() -> None:
    assert Histogram().quantiles((0.5, 0.99)) == [None, None]


def test_a_duration_of_nothing_is_counted() -> None:
    histogram = Histogram()
    histogram.add(0.0)
    histogram.add(-0.5)
    assert histogram.count == 2


def test_the_spread_has_no_gaps() -> None:
    histogram = Histogram()
    for ms in (1.0, 1.5, 3.0):
        histogram.add(ms)
    bounds = [bound for bound, _ in histogram.spread()]
    assert all(1.03 < high / low < 1.05 for low, high in pairwise(bounds))
    assert sum(count for _, count in histogram.spread()) == 3


@pytest.mark.parametrize("seconds", [1, 60, 3_600, 100_000])
def test_a_timeline_stays_short_and_keeps_everything(seconds: int) -> None:
    timeline = Timeline(Histogram, most=100)
    for n in range(2_000):
        timeline.at(n * seconds / 2_000).add(1.0)
    slices = list(timeline.slices())
    assert len(slices) <= 100
    assert sum(held.count for _, held in slices) == 2_000
    moments = [at for at, _ in slices]
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx(seconds, abs=timeline.width)


def test_few_durations_are_kept_each_and_many_are_not() -> None:
    durations = Durations()
    for n in range(400):
        durations.add(n, 1.0)
    assert len(durations.each) == 400
    durations.add(400, 1.0)
    assert (durations.each, durations.whole.count) == ([], 401)


def test_a_slice_shows_the_most_that_waited_and_the_totals_at_its_end() -> None:
    measured = Measurements()
    (line, *_) = samples()
    for at, queue, accepted in ((0.01, 5, 5), (0.02, 9, 9), (0.03, 2, 12)):
        measured.sample(replace(line, at=at, queue=queue, accepted=accepted))
    ((_, held),) = measured.queue.slices()
    assert (held.waiting, held.accepted, held.at) == (9, 12, 0.03)


def test_the_latency_of_a_write_that_was_due_earlier_includes_its_delay() -> None:
    measured = Measurements()
    measured.write(WriteLine(operation="create", answer="acknowledged", due=1.0, sent=1.5, finished=1.6))
    assert measured.latency["acknowledged"].whole.longest == pytest.approx(600)
