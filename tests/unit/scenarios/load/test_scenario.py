"""The load scenarios, on a scripted API."""

import threading
from contextlib import closing

import pytest

from scenarios.events import Checked, Event, LoadSampled, Measured, Narrated, StepStarted, VerdictReached
from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.ledger import Ledger
from scenarios.lab.context import Run
from scenarios.load import report
from scenarios.load.counters import Counters
from scenarios.load.generator import LoadGenerator
from scenarios.load.profiles import Creates
from scenarios.load.scenario import BASIC, COALESCING, QUICK
from scenarios.load.schedule import OpenLoop, Shape
from scenarios.options import Options
from scenarios.scenario import Conclusion, Scenario
from scenarios.steps import numbered
from stack.errors import Inconclusive, NotRunning
from tests.unit.scenarios.load.fake_run import FakeProbe, FakeRun
from tests.unit.scenarios.load.scripted_server import Asked, answer, created, serving


def _play(run: Run, scenario: Scenario, options: Options) -> tuple[list[Event], Conclusion]:
    events: list[Event] = []

    def gather() -> Conclusion:
        playing = numbered(scenario.play(run, options), scenario.steps)
        while True:
            try:
                events.append(next(playing))
            except StopIteration as stop:
                conclusion: Conclusion = stop.value
                return conclusion

    return events, gather()


def _entries(ledger: Ledger) -> dict[str, list[StoredValue]]:
    return {
        write.product or "": [StoredValue(version=write.version or 0, value=write.value)]
        for write in ledger.writes
    }


def _measured(events: list[Event]) -> dict[str, int | float | str]:
    return {event.key: event.value for event in events if isinstance(event, Measured)}


def _said(events: list[Event]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Narrated))


def test_quick_sends_fifty_writes_and_judges_each() -> None:
    probe = FakeProbe([{}, {"accepted": 50, "rows_written": 40, "coalesced": 10}])
    with serving(created) as server, FakeRun(server, probe) as run:
        events, conclusion = _play(run, QUICK, Options())
        assert [asked.method for asked in server.asked] == ["POST"] * 50
    steps = [event for event in events if isinstance(event, StepStarted)]
    assert [step.number for step in steps] == [1, 2, 3]
    assert steps[0].command.startswith("for i in $(seq 50)")
    assert "Load-'$i'" in steps[0].command
    figures = _measured(events)
    assert figures["requests"] == figures["acknowledged"] == 50
    assert (figures["rows_written"], figures["coalesced_share"]) == (40, 20.0)
    assert figures["generator_limited"] == 0
    assert "1.2 per row" in _said(events)
    samples = [event for event in events if isinstance(event, LoadSampled)]
    assert (samples[-1].requests, samples[-1].duration) == (50, 0.0)
    assert conclusion.outcome == "expected"
    assert "all 50 acknowledged writes" in conclusion.text


def test_coalescing_updates_one_product_of_its_own() -> None:
    with serving(created) as server, FakeRun(server) as run:
        events, conclusion = _play(run, COALESCING, Options(duration=0.2, clients=2))
        paths = {asked.path for asked in server.asked}
    assert paths == {"/products", "/products/p-0"}
    # The creation of the product itself was before the load.
    figures = _measured(events)
    assert figures["acknowledged"] == figures["requests"]
    assert any(isinstance(event, StepStarted) and "/products/p-0" in event.command for event in events)
    assert conclusion.outcome == "expected"


def test_basic_reads_what_it_wrote() -> None:
    with serving(created) as server, FakeRun(server) as run:
        events, conclusion = _play(run, BASIC, Options(duration=0.4, rate=300.0, clients=3))
        methods = {asked.method for asked in server.asked}
    assert methods == {"GET", "POST", "PUT"}
    claims = {event.claim: event.passed for event in events if isinstance(event, Checked)}
    assert claims["clients read their own writes"]
    assert conclusion.outcome == "expected"
    assert "asked for" not in conclusion.text.lower()
    # 300 requests/s for 0.4 s; the two ramps take away 0.04 s.
    assert _measured(events)["requests"] == 108


def test_a_lost_write_is_not_as_predicted() -> None:
    with serving(created) as server, FakeRun(server, FakeProbe(find=lambda ledger: Findings())) as run:
        events, conclusion = _play(run, QUICK, Options())
    assert conclusion.outcome == "unexpected"
    assert conclusion.text == "50 acknowledged writes are lost"
    assert [event.passed for event in events if isinstance(event, Checked)] == [False, True, True]


def test_a_stale_read_is_not_as_predicted() -> None:
    """Reads of this API are stale: they show the state before the writes."""

    def script(asked: Asked) -> bytes:
        return answer(200, '{"id":"x","version":0}') if asked.method == "GET" else created(asked)

    with serving(script) as server, FakeRun(server) as run:
        _, conclusion = _play(run, BASIC, Options(duration=0.3, clients=2))
    assert conclusion.outcome == "unexpected"
    assert "older than the client's own write" in conclusion.text


def test_what_still_waits_is_inconclusive() -> None:
    def waits(ledger: object) -> Findings:
        return Findings(pending=_entries(run.ledger))

    with serving(created) as server, FakeRun(server, FakeProbe(settles=False, find=waits)) as run:
        events, conclusion = _play(run, QUICK, Options())
    assert conclusion.outcome == "inconclusive"
    assert "50 acknowledged writes are still waiting" in conclusion.text
    assert "The queue is not empty" in _said(events)


def test_dead_letters_are_not_as_predicted() -> None:
    def dead(ledger: object) -> Findings:
        return Findings(dead_letters=_entries(run.ledger))

    with serving(created) as server, FakeRun(server, FakeProbe(find=dead)) as run:
        _, conclusion = _play(run, QUICK, Options())
    assert conclusion.outcome == "unexpected"
    assert conclusion.text == "50 acknowledged writes are dead letters"


def test_without_an_acknowledgement_nothing_can_be_said() -> None:
    with serving(lambda asked: answer(503, "full")) as server, FakeRun(server) as run:
        events, conclusion = _play(run, QUICK, Options())
    assert conclusion.outcome == "inconclusive"
    assert _measured(events)["errors"] == 50


def test_without_a_final_read_nothing_can_be_said() -> None:
    with serving(created) as server, FakeRun(server, FakeProbe(away=True)) as run:
        events, conclusion = _play(run, QUICK, Options())
    assert conclusion.outcome == "inconclusive"
    assert "Redis does not answer" in _said(events)
    assert any(isinstance(event, VerdictReached) for event in events)


def test_counts_that_redis_lost_are_told() -> None:
    probe = FakeProbe([{"accepted": 900}, {"accepted": 20, "rows_written": 5}])
    with serving(created) as server, FakeRun(server, probe) as run:
        events, _ = _play(run, QUICK, Options())
    assert "Redis lost its memory" in _said(events)
    assert _measured(events)["rows_written"] == 5


def test_the_hot_product_must_come_to_be() -> None:
    with (
        serving(lambda asked: answer(503, "full")) as server,
        FakeRun(server) as run,
        pytest.raises(Inconclusive, match="hot product"),
    ):
        _play(run, COALESCING, Options(duration=0.1))


def test_more_than_the_service_can_do_is_told() -> None:
    never = threading.Event()

    def slow(asked: Asked) -> bytes:
        never.wait(0.05)
        return created(asked)

    with serving(slow) as server, FakeRun(server) as run:
        events, conclusion = _play(run, BASIC, Options(duration=0.2, rate=2000.0, clients=1))
    unsent = _measured(events)["unsent"]
    assert isinstance(unsent, int)
    assert unsent > 200
    assert "were due and found no free connection" in _said(events)
    assert "Asked for 2,000 requests/s, reached" in conclusion.text


def test_requests_that_a_broken_lab_left_no_room_for_are_not_called_too_many() -> None:
    counters = Counters(requests=10, errors=7, unsent=5, elapsed=2.0, idle=1.9)
    said = _said(list(report.generator_side(counters)))
    assert "the lab did not work all the time, and 7 others failed" in said
    assert "more were asked for" not in said


def test_an_api_that_is_not_there() -> None:
    with serving(created) as server, FakeRun(server) as run:
        server.stop()
        with pytest.raises(NotRunning, match=str(run.api_port)):
            _play(run, QUICK, Options())


def test_closing_it_stops_the_load_at_once_and_leaves_nothing_running() -> None:
    before = set(threading.enumerate())
    with serving(created) as server, FakeRun(server) as run:
        serving_threads = set(threading.enumerate()) - before
        with closing(BASIC.play(run, BASIC.parse({}))) as events:
            sampled = next(event for event in events if isinstance(event, LoadSampled))
            assert sampled.duration == 120.0
        sent = len(server.asked)
        assert not [t for t in set(threading.enumerate()) - serving_threads if t.name.startswith("load")]
    assert len(server.asked) == sent


def test_what_was_written_through_has_no_persist_lag() -> None:
    probe = FakeProbe([{}, {"written_through": 50}])
    with serving(created) as server, FakeRun(server, probe) as run:
        events, conclusion = _play(run, QUICK, Options(policy="write_through"))
    step = next(event for event in events if isinstance(event, StepStarted))
    assert "-H 'X-Write-Policy: write_through'" in step.command
    assert "PostgreSQL had every write before it was acknowledged" in _said(events)
    assert "Had Redis died" not in _said(events)
    assert _measured(events)["rows_written"] == 50
    assert conclusion.outcome == "expected"


def test_basic_sends_the_writes_a_second_that_were_asked_for_whatever_the_mix() -> None:
    options = BASIC.parse(
        {"duration": 0.5, "writes_per_second": 200.0, "mix": "create=1,update=2,delete=1,read=4", "keys": 20}
    )
    with serving(created) as server, FakeRun(server) as run:
        events, _ = _play(run, BASIC, options)
        methods = {asked.method for asked in server.asked}
    step = next(event for event in events if isinstance(event, StepStarted))
    assert step.command.endswith(
        "load basic --duration 0.5 --writes-per-second 200 --mix create=1,read=4,update=2,delete=1 --keys 20"
    )
    assert methods == {"GET", "POST", "PUT", "DELETE"}
    figures = _measured(events)
    # 200 writes/s for 0.5 s; the two ramps take away 0.05 s. The reads double that.
    assert figures["requests"] == 180
    assert figures["offered_per_second"] == 400.0
    assert abs(int(figures["acknowledged"]) - 90) < 25


def test_a_mix_that_only_reads_has_no_figures_of_writes_in_its_hold() -> None:
    """Each client creates one product to read, in the ramp."""
    options = BASIC.parse({"duration": 1.0, "rate": 200.0, "clients": 2, "mix": "read=1"})
    with serving(created) as server, FakeRun(server) as run:
        events, conclusion = _play(run, BASIC, options)
    figures = _measured(events)
    assert figures["acknowledged"] == 2
    assert "p99_ms" not in figures
    assert "read_p99_ms" in figures
    assert conclusion.outcome == "expected"
    assert "p99 of writes" not in conclusion.text


def test_each_write_says_its_phase_and_when_it_was_due() -> None:
    with serving(created) as server, FakeRun(server) as run:
        _play(run, BASIC, Options(duration=0.5, rate=200.0, clients=3))
        writes = run.ledger.writes
    assert {write.group for write in writes} == {"ramp", "hold"}
    # The first one is due, and sent, as the load begins.
    assert all(0 < write.sent_at - write.due_at < 0.5 for write in writes[1:] if write.due_at is not None)
    assert sum(write.due_at is None for write in writes) <= 1
    with serving(created) as server, FakeRun(server) as run:
        _play(run, QUICK, Options())
        assert {(write.group, write.due_at) for write in run.ledger.writes} == {("hold", None)}


def test_latencies_of_an_outage_are_kept_apart() -> None:
    """The service is away as the load begins; the sixth answer is long in coming, and then it is back."""
    stalled = threading.Event()

    def script(asked: Asked) -> bytes:
        if asked.number == 5:
            stalled.wait(0.2)
            generator.phases.end_outage()
        return created(asked)

    with serving(script) as server:
        pace = OpenLoop(Shape(1.0), 100.0)
        generator = LoadGenerator(server.address, Creates("lab"), pace, lambda write: None, connections=1)
        generator.phases.begin_outage()
        generator.run()
    outage, hold = (generator.latencies.percentiles("write", phase) for phase in ("outage", "hold"))
    assert outage.max > 190
    assert hold.p50 < 190
    assert hold.count > 20
    assert outage.count + hold.count == 100
