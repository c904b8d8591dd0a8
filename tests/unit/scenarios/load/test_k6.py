"""k6 as the load generator: what its lines become, and how such a load ends."""

import json
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, cast

import pytest

from scenarios.events import Checked, Event, LoadSampled, Measured, StepStarted
from scenarios.journal.judgement import OnJudged
from scenarios.judge.history import History
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.lab.tracing import Tracer
from scenarios.load.k6 import K6Load, _WallClock
from scenarios.load.k6_scenario import BASIC, COALESCING
from scenarios.load.schedule import Shape
from scenarios.options import Options
from scenarios.scenario import Conclusion, Scenario
from scenarios.steps import numbered
from stack.errors import EnvironmentFault, Inconclusive
from stack.spec.events import StackEvents, StackNoted
from stack.spec.load_test import LoadTest
from tests.otlp_receiver import receiving
from tests.unit.scenarios.in_memory import judging_in_memory
from tests.unit.scenarios.load.fake_run import FakeProbe, final_read

_VALUE = {"name": "k6-1-0", "price": 1.5, "quantity": 2}


def _summary(*thresholds: dict[str, object], answers: int = 1) -> str:
    return json.dumps({"labctl": "summary", "answers": answers, "thresholds": thresholds})


def _line(operation: str = "create", status: int = 201, version: int | None = 1, **other: Any) -> str:
    told = {
        "operation": operation,
        "product": "p-1",
        "value": None if operation == "read" else _VALUE,
        "status": status,
        "version": version,
        "at_least": 0,
        "sent_at": 5.0,
        "finished_at": 5.003,
        "latency_ms": 2.0,
        "detail": "",
    }
    # The mark comes first, as the scripts write it.
    return json.dumps({"labctl": "answer", **told, **other}, separators=(",", ":"))


class _Printed:
    """A load test whose lines are known; with `endless`, it then waits until it is stopped."""

    command = "k6 run basic.js"

    def __init__(self, lines: Sequence[str], *, endless: bool = False, fails: bool = False) -> None:
        self._lines = [line.replace('{"labctl": ', '{"labctl":') for line in lines]
        self._endless = endless
        self._fails = fails
        self.stopped = threading.Event()

    def prepare(self) -> StackEvents:
        yield StackNoted("pulling k6")

    def lines(self) -> Generator[str, None, None]:
        yield from self._lines
        if self._fails:
            raise EnvironmentFault("k6 ended with exit code 107", hint="")
        if self._endless:
            assert self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()


_: LoadTest = _Printed([])


class _Stack:
    name = "lab42"

    def __init__(self, test: _Printed) -> None:
        self._test = test
        self.asked: list[tuple[str, dict[str, str]]] = []

    def load_test(self, script: str, settings: dict[str, str]) -> _Printed:
        self.asked.append((script, settings))
        return self._test

    def urls(self) -> dict[str, str]:
        return {"postgres": "postgresql://somewhere/labdb"}


class _Run:
    api_url = "http://127.0.0.1:8000"

    def __init__(self, *lines: str, **how: bool) -> None:
        self.test = _Printed(lines, **how)
        self.lab = _Stack(self.test)
        self.ledger = Ledger()
        self.probe = FakeProbe()
        self.tracer = None

    def judging(self, on_judged: OnJudged | None = None) -> Generator[Event, None, Verdict]:
        history = History(writes=self.ledger.writes)
        return judging_in_memory(history, final_read(self.probe, self.ledger), on_judged)


def _play(run: _Run, scenario: Scenario, options: Options | None = None) -> tuple[list[Event], Conclusion]:
    events: list[Event] = []
    playing = numbered(scenario.play(cast(Run, run), options or scenario.parse({})), scenario.steps)
    while True:
        try:
            events.append(next(playing))
        except StopIteration as stop:
            conclusion: Conclusion = stop.value
            return events, conclusion


def _loaded(*lines: str) -> tuple[K6Load, Ledger]:
    ledger = Ledger()
    answers = sum('"answer"' in line for line in lines)
    load = K6Load(_Printed([*lines, _summary(answers=answers)]), Shape(1.0), ledger.record)
    load.run()
    return load, ledger


def test_a_write_is_entered_as_if_labctl_had_sent_it() -> None:
    load, ledger = _loaded(_line(version=7, latency_ms=3.25))
    (write,) = ledger.writes
    assert (write.product, write.operation, write.value) == ("p-1", "create", _VALUE)
    assert (write.answer, write.version) == ("acknowledged", 7)
    assert write.latency_ms == 3.25
    assert (load.counters.requests, load.counters.errors) == (1, 0)
    assert load.latencies.percentiles().max == pytest.approx(3.25, rel=0.01)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0, "unknown"),
        (500, "unknown"),
        (504, "unknown"),
        (201, "unknown"),
        (503, "refused"),
        (422, "refused"),
    ],
)
def test_what_was_not_acknowledged(status: int, answer: str) -> None:
    load, ledger = _loaded(_line(status=status, version=None, product=None, detail="told"))
    (write,) = ledger.writes
    assert (write.answer, write.version, write.detail) == (answer, None, f"{status}: told")
    assert load.counters.errors == 1


def test_the_interval_is_on_labctls_clock_and_widened_by_what_the_wall_clock_resolves() -> None:
    now, wall = time.monotonic(), time.time()
    _, ledger = _loaded(_line(version=7, sent_at=wall - 2, finished_at=wall - 1.99))
    (write,) = ledger.writes
    assert write.sent_at == pytest.approx(now - 2, abs=0.1)
    assert write.finished_at - write.sent_at == pytest.approx(0.01 + 2 * 0.001, abs=1e-3)


def test_a_wall_clock_that_steps_makes_intervals_longer_never_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = _WallClock()
    now, wall = time.monotonic(), time.time()
    monkeypatch.setattr(time, "time", lambda: wall - 3600)
    begun, ended = clock.interval(wall, wall + 0.01)
    assert begun < now
    assert ended > now + 3600


def test_a_write_that_the_script_traced_has_its_root_span() -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    ledger, lines = Ledger(), [_line(traceparent=traceparent), _line(), _summary(answers=2)]
    with receiving() as receiver, Tracer(receiver.url) as tracer:
        K6Load(_Printed(lines), Shape(1.0), ledger.record, tracer).run()
        tracer.close()
        (span,) = receiver.spans
    assert (span.trace_id.hex(), span.span_id.hex(), span.name) == ("a" * 32, "b" * 16, "POST /products")
    assert [write.trace for write in ledger.writes] == ["a" * 32, ""]


def test_reads_are_counted_and_not_entered() -> None:
    load, ledger = _loaded(
        _line("read", 200, version=5, at_least=5),
        _line("read", 200, version=4, at_least=5),
        _line("read", 404, version=None, at_least=5),
        _line("read", 503, version=None, at_least=5),
    )
    assert ledger.writes == ()
    assert (load.counters.requests, load.counters.errors, load.counters.stale_reads) == (4, 2, 2)


def test_what_k6_itself_says_is_no_answer() -> None:
    load, ledger = _loaded("Request Failed", "381 updates accepted", '{"other": 1}', _line())
    assert len(ledger.writes) == load.counters.requests == 1


def test_a_load_that_keeps_its_thresholds() -> None:
    kept = {"metric": "http_req_failed", "limit": "rate<0.01", "measured": 0.0, "kept": True}
    run = _Run(_line(), _summary(kept))
    events, conclusion = _play(run, BASIC, Options(duration=30.0, clients=3))
    assert run.lab.asked == [("basic", {"DURATION": "30s", "CLIENTS": "3"})]
    steps = [event for event in events if isinstance(event, StepStarted)]
    assert [step.number for step in steps] == [1, 2, 3]
    assert steps[0].command == "k6 run basic.js"
    assert StackNoted("pulling k6") in events
    assert Checked("k6: http_req_failed", "rate<0.01", "0", passed=True) in events
    figures = {event.key: event.value for event in events if isinstance(event, Measured)}
    assert (figures["requests"], figures["acknowledged"]) == (1, 1)
    assert "generator_busy" not in figures
    assert conclusion.outcome == "expected"


def test_a_missed_threshold_is_not_as_predicted() -> None:
    missed = {"metric": "http_req_failed", "limit": "rate<0.01", "measured": 0.25, "kept": False}
    run = _Run(_line(), _summary(missed))
    _, conclusion = _play(run, COALESCING)
    assert run.lab.asked == [("coalescing-test", {"DURATION": "30s", "CLIENTS": "5"})]
    assert conclusion.outcome == "unexpected"
    assert conclusion.text == "k6: http_req_failed should be rate<0.01, and was 0.25"


@pytest.mark.parametrize("lines", [(_line(), _summary(answers=2)), (_line(),), (_line(), _line()[:40])])
def test_a_ledger_that_is_not_complete_is_not_judged(lines: tuple[str, ...]) -> None:
    with pytest.raises(Inconclusive, match="but 1 arrived"):
        _play(_Run(*lines), BASIC)


def test_a_test_that_fails_is_told() -> None:
    with pytest.raises(EnvironmentFault, match="exit code 107"):
        _play(_Run(_line(), fails=True), BASIC)


def test_closing_it_stops_k6() -> None:
    run = _Run(_line(), endless=True)
    with closing(BASIC.play(cast(Run, run), BASIC.parse({}))) as events:
        sampled = next(event for event in events if isinstance(event, LoadSampled))
        assert sampled.duration == 120.0
        assert not run.test.stopped.is_set()
    assert run.test.stopped.is_set()


def test_time_passes_while_no_answer_comes() -> None:
    run = _Run(_line(), endless=True)
    with closing(BASIC.play(cast(Run, run), BASIC.parse({}))) as events:
        samples = (event for event in events if isinstance(event, LoadSampled))
        first, second = next(samples), next(samples)
        assert second.elapsed > first.elapsed
