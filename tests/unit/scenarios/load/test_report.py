"""What is told of a load that ended, from scripted figures."""

from collections.abc import Sequence
from typing import cast

from scenarios.events import Distributed, Event, Measured, Narrated, TableShown
from scenarios.lab.probe import Probe
from scenarios.load import limits, report
from scenarios.load.capacity import assess
from scenarios.load.counters import Counters
from scenarios.load.generator import LoadGenerator
from scenarios.load.latencies import Latencies
from scenarios.load.moments import Amount, Moment, in_phase
from scenarios.load.plan import Plan
from scenarios.load.profiles import Creates
from scenarios.load.run import Finished
from scenarios.load.sampling import Increases, Sampler
from scenarios.load.schedule import ClosedLoop, OpenLoop, Shape
from tests.unit.scenarios.load.fake_run import FakeProbe

_SHAPE = Shape(10.0, ramp=1.0)


def _finished(
    moments: Sequence[Moment],
    latencies: Latencies | None = None,
    *,
    counters: Counters | None = None,
    rate: float | None = None,
) -> Finished:
    pace = ClosedLoop(_SHAPE, 4) if rate is None else OpenLoop(_SHAPE, rate)
    generator = LoadGenerator(("127.0.0.1", 1), Creates("lab"), pace, lambda write: None, connections=1)
    sampler = Sampler(cast("Probe", FakeProbe()), generator, planned=10.0)
    sampler.moments[:] = moments
    counted = counters or Counters(requests=100, elapsed=10.0, idle=9.0)
    plan, capacity = Plan(pace, 4, 10.0, rate), assess(moments, rate)
    return Finished(plan, counted, latencies or Latencies(), sampler, capacity)


def _figures(events: Sequence[Event]) -> dict[str, int | float | str]:
    return {event.key: event.value for event in events if isinstance(event, Measured)}


def _said(events: Sequence[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Narrated))


_MOMENTS = (
    Moment(elapsed=0.0, phase="ramp up"),
    Moment(elapsed=1.0, phase="ramp up", writes=10, reads=4),
    Moment(elapsed=3.0, phase="hold", writes=50, reads=24),
    Moment(elapsed=5.0, phase="outage", writes=60, reads=24, write_errors=9),
    Moment(elapsed=9.0, phase="hold", writes=140, reads=64, write_errors=9),
    Moment(elapsed=10.0, phase="ramp down", writes=150, reads=68, write_errors=9),
    Moment(elapsed=11.0, phase="finishing", writes=151, reads=68, write_errors=9),
)


def test_what_happened_in_each_phase() -> None:
    assert in_phase(_MOMENTS, "ramp") == Amount(2.0, 20, 8, 0, 0)
    assert in_phase(_MOMENTS, "hold") == Amount(6.0, 120, 60, 0, 0)
    assert in_phase(_MOMENTS, "outage") == Amount(2.0, 10, 0, 9, 0)


def test_writes_and_reads_of_the_hold_are_told_apart_from_the_rest() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", 0.002, 120)
    latencies.record("read", "hold", 0.001, 60)
    latencies.record("write", "outage", 0.0015, 10)
    latencies.record("write", "ramp", 0.0005, 20)
    counters = Counters(requests=219, reads=68, errors=9, elapsed=11.0)
    events = list(report.client_side(_finished(_MOMENTS, latencies, counters=counters), 141))
    figures = _figures(events)
    assert (figures["p50_ms"], figures["p99_ms"], figures["max_ms"]) == (2.0, 2.0, 2.0)
    assert (figures["read_p50_ms"], figures["read_p99_ms"]) == (1.0, 1.0)
    assert (figures["writes_per_second"], figures["reads_per_second"]) == (20.0, 10.0)
    assert (figures["errors"], figures["write_errors"], figures["read_errors"]) == (9, 9, 0)
    (table,) = (event for event in events if isinstance(event, TableShown))
    assert table.rows == (
        ("ramp", "writes", "20", "10", "0.5", "0.5", "0.5", "0"),
        ("ramp", "reads", "8", "4", "", "", "", "0"),
        ("hold", "writes", "120", "20", "2.0", "2.0", "2.0", "0"),
        ("hold", "reads", "60", "10", "1.0", "1.0", "1.0", "0"),
        ("outage", "writes", "10", "5", "1.5", "1.5", "1.5", "9"),
    )
    distributions = {event.key: event for event in events if isinstance(event, Distributed)}
    assert set(distributions) == {
        "write_latency_ramp",
        "write_latency_hold",
        "read_latency_hold",
        "write_latency_outage",
    }
    assert distributions["write_latency_hold"].buckets == ((2.0, 120),)


def test_a_rate_is_that_of_what_succeeded() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", 0.002, 30)
    latencies.record("read", "hold", 0.001, 60)
    moments = [
        Moment(elapsed=1.0, phase="hold"),
        Moment(elapsed=7.0, phase="hold", writes=120, reads=60, write_errors=90, read_errors=12),
    ]
    figures = _figures(list(report.client_side(_finished(moments, latencies), 30)))
    assert (figures["writes_per_second"], figures["reads_per_second"]) == (5.0, 8.0)


def test_a_load_that_is_nothing_but_an_outage_has_no_figures_of_a_hold() -> None:
    latencies = Latencies()
    latencies.record("write", "outage", 0.001, 3)
    events = list(
        report.client_side(_finished([Moment(), Moment(elapsed=1.0, phase="outage")], latencies), 3)
    )
    assert "p99_ms" not in _figures(events)
    assert [event.key for event in events if isinstance(event, Distributed)] == ["write_latency_outage"]


def _saturated(answered: int, waiting: int, rate: float) -> list[Moment]:
    return [
        Moment(
            elapsed=n / 4,
            phase="hold",
            writes=answered * n // 4,
            rows=900 * n // 4,
            waiting=waiting * n // 4,
            backlog=round((rate - answered) * n / 4),
        )
        for n in range(41)
    ]


def test_more_than_can_be_answered_is_told_with_the_rate_that_can() -> None:
    counters = Counters(requests=31_000, unsent=0, elapsed=10.0, idle=8.0)
    finished = _finished(_saturated(3100, 0, 5000.0), counters=counters, rate=5000.0)
    events = list(limits.report(finished))
    assert _figures(events) == {"offered_per_second": 5000.0, "saturates_at_per_second": 3100.0}
    assert "of 5,000 requests/s, about 3,100/s were. That is where the lab saturates" in _said(events)
    assert limits.in_short(finished) == "Asked for 5,000 requests/s, and the lab saturates at about 3,100"


def test_a_generator_at_its_limit_is_not_taken_for_the_lab() -> None:
    counters = Counters(requests=31_000, elapsed=10.0, idle=0.1)
    finished = _finished(_saturated(3100, 0, 5000.0), counters=counters, rate=5000.0)
    assert "labctl's own generator, not the lab" in _said(list(limits.report(finished)))
    assert "the load generator saturates at about 3,100" in limits.in_short(finished)


def test_a_worker_that_can_not_keep_up_is_told() -> None:
    finished = _finished(_saturated(2000, 1100, 2000.0), rate=2000.0)
    events = list(limits.report(finished))
    assert "the queue in Redis grew by about 1,100 writes a second" in _said(events)
    assert _figures(events)["flush_saturates_at_per_second"] == 900.0
    assert limits.in_short(finished) == (
        "10 requests/s, while the queue grew all the time (the worker saturates at about 900 rows/s)"
    )


def test_the_last_line_names_both_limits() -> None:
    counters = Counters(requests=31_000, elapsed=10.0, idle=8.0)
    finished = _finished(_saturated(3100, 1100, 5000.0), counters=counters, rate=5000.0)
    assert limits.in_short(finished) == (
        "Asked for 5,000 requests/s, and the lab saturates at about 3,100, while the queue grew all the time "
        "(the worker saturates at about 900 rows/s)"
    )


def test_a_lab_that_keeps_up_is_left_without_a_word() -> None:
    finished = _finished(_saturated(2000, 0, 2000.0), rate=2000.0)
    assert _said(list(limits.report(finished))) == limits.in_short(finished) == ""


def test_a_long_wait_does_not_pass_without_a_word() -> None:
    latencies = Latencies()
    latencies.record("write", "hold", 2.195, 100)
    for rate in (2000.0, None):
        finished = _finished(_saturated(2000, 0, 2000.0), latencies, rate=rate)
        assert "One write in a hundred took 2,195 ms or longer" in _said(list(limits.report(finished)))


def test_what_was_written_through_is_among_the_rows() -> None:
    increases = Increases({})
    increases.look({"written_through": 40})
    figures = _figures(list(report.service_side(increases, 10.0, quiet=True)))
    assert (figures["rows_written"], figures["written_through"], figures["flush_rate"]) == (40, 40, 4.0)
    increases.look({"written_through": 40, "rows_written": 10, "accepted": 100, "coalesced": 90})
    events = list(report.service_side(increases, 10.0, quiet=True))
    assert _figures(events)["rows_written"] == 50
    assert "100 acknowledged writes became 10 row writes" in _said(events)
