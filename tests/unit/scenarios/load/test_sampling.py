"""The figures of a running load."""

from typing import cast

from scenarios.judge.ledger import Ledger
from scenarios.lab.probe import Probe
from scenarios.load.generator import LoadGenerator
from scenarios.load.profiles import Creates
from scenarios.load.sampling import Increases, Sampler
from scenarios.load.schedule import ClosedLoop, Shape
from tests.unit.scenarios.load.fake_run import FakeProbe

_SHAPE = Shape(10.0, ramp=1.0)


def _sampler(probe: FakeProbe) -> tuple[Sampler, LoadGenerator]:
    generator = LoadGenerator(
        ("127.0.0.1", 1), Creates("lab"), ClosedLoop(_SHAPE, 1), Ledger().record, connections=1
    )
    return Sampler(cast("Probe", probe), generator, planned=10.0), generator


def test_totals_count_from_the_first_look() -> None:
    increases = Increases({"accepted": 100, "coalesced": 5})
    increases.look({"accepted": 110, "coalesced": 5, "persisted": 3})
    increases.look({"accepted": 130, "coalesced": 6, "persisted": 4})
    assert [increases.of(name) for name in ("accepted", "coalesced", "persisted", "retried")] == [30, 1, 4, 0]
    assert not increases.restarted


def test_totals_that_begin_again_are_added_up() -> None:
    increases = Increases({"accepted": 100})
    increases.look({"accepted": 150})
    increases.look({"accepted": 20})
    increases.look({})
    increases.look({"accepted": 5})
    assert increases.of("accepted") == 50 + 20 + 5
    assert increases.restarted


def test_one_total_that_fell_tells_that_all_began_again() -> None:
    increases = Increases({"accepted": 100, "coalesced": 1})
    increases.look({"accepted": 10, "coalesced": 3})
    assert (increases.of("accepted"), increases.of("coalesced")) == (10, 3)


def test_a_sample_shows_both_sides() -> None:
    sampler, generator = _sampler(FakeProbe([{"rows_written": 7}, {"rows_written": 17, "coalesced": 4}]))
    generator.counters.requests, generator.counters.errors, generator.counters.elapsed = 100, 2, 0.5
    generator.latencies.record("write", "ramp", 0.001)
    sample = sampler.sample()
    assert (sample.requests, sample.errors, sample.elapsed, sample.duration) == (100, 2, 0.5, 10.0)
    assert (sample.requests_per_second, sample.flush_rate) == (200.0, 20.0)
    assert (sample.queue_size, sample.coalesced, sample.phase) == (3, 4, "ramp up")
    assert sample.p50_ms == sample.p99_ms == 1.0
    assert sample.read_p50_ms == sample.backlog == 0


def test_writes_and_reads_are_shown_apart() -> None:
    sampler, generator = _sampler(FakeProbe())
    counters = generator.counters
    counters.requests, counters.reads, counters.elapsed, counters.backlog = 100, 30, 0.5, 7
    generator.latencies.record("write", "hold", 0.001)
    generator.latencies.record("read", "hold", 0.002)
    sample = sampler.sample()
    assert (sample.writes_per_second, sample.reads_per_second, sample.backlog) == (140.0, 60.0, 7)
    assert (sample.p99_ms, sample.read_p99_ms) == (1.0, 2.0)


def test_rows_written_before_the_answer_count_as_rows() -> None:
    sampler, generator = _sampler(FakeProbe([{}, {"rows_written": 10, "written_through": 30}]))
    generator.counters.elapsed = 0.5
    assert sampler.sample().flush_rate == 80.0
    assert sampler.increases.rows == 40


def test_an_outage_is_a_phase_of_its_own() -> None:
    sampler, generator = _sampler(FakeProbe())
    generator.counters.elapsed = 5.0
    generator.phases.begin_outage()
    assert sampler.sample().phase == "outage"


def test_rates_are_of_the_last_second() -> None:
    sampler, generator = _sampler(FakeProbe())
    rates = []
    for tick, requests in enumerate([100, 200, 300, 400, 400, 400, 400, 400, 400], 1):
        generator.counters.requests, generator.counters.elapsed = requests, tick / 4
        rates.append(sampler.sample().requests_per_second)
    assert rates == [400, 400, 400, 400, 300, 200, 100, 0, 0]


def test_before_anything_happened_rates_are_zero() -> None:
    sampler, _ = _sampler(FakeProbe())
    assert sampler.sample().requests_per_second == 0


def test_while_redis_is_away_the_last_known_figures_stand() -> None:
    probe = FakeProbe([{}, {"coalesced": 9}])
    sampler, _ = _sampler(probe)
    assert sampler.sample().coalesced == 9
    probe.away = True
    sample = sampler.sample()
    assert (sample.coalesced, sample.queue_size) == (9, 3)
