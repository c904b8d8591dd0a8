"""The runner on a scripted scenario and a fake lab."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from scenarios import runner
from scenarios.events import Event, Narrated, ScenarioFinished, ScenarioStarted, StepStarted
from scenarios.lab.context import Run
from scenarios.options import CLIENTS, Options
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.settle import Settled
from service.writebehind.condition import Condition
from service.writebehind.workers import Blocker, WorkerState
from stack.errors import Inconclusive, NotRunning
from stack.lab import Lab
from stack.spec.events import Advanced, StackNoted
from stack.spec.runtime import Observed
from stack.spec.service import HealthCheck


@dataclass(slots=True)
class FakeProbe:
    """Reports at once whether the lab settled."""

    quiet: bool = True
    culprit: str = ""

    def settle(self, seconds: float) -> Generator[Event, None, Settled]:
        yield Advanced("waiting", 0, 1)
        return Settled(self.quiet, self.culprit)


WORKER = WorkerState(name="h-7", pid=7, host="h", started_at=1.0, state="idle", reason="", code="", for_ms=0)
WELL = Condition(now_us=1, epoch=1, workers=(WORKER,), oldest_due_ms=0, unwritten=0, live={})
BLOCKER = Blocker(4711, "psql", "LOCK TABLE products")


def stuck(for_ms: int) -> Condition:
    """The condition of a lab whose flush waits for another session."""
    return replace(WELL, workers=(replace(WORKER, state="blocked", for_ms=for_ms, blocked_by=(BLOCKER,)),))


NOBODY = HealthCheck(protocol="redis", host="127.0.0.1", port=1)


@dataclass(slots=True)
class FakeLab:
    """Reports its condition. Its Redis does not listen, and it has no state directory."""

    told: Condition | None = WELL
    name: str = "second"
    directory: Path = Path("/nonexistent")
    redis: HealthCheck = NOBODY

    def condition(self) -> Condition | None:
        return self.told

    def services(self) -> dict[str, Observed]:
        return {}


@dataclass(slots=True)
class FakeRun:
    probe: FakeProbe
    lab: FakeLab = field(default_factory=FakeLab)
    closed: bool = False
    begun: int = 0
    noted: list[Event] = field(default_factory=list)
    problem: str = ""
    unannounced: str = ""
    announced: list[ScenarioFinished] = field(default_factory=list)

    def begin(self) -> None:
        self.begun += 1

    def open_journal(self) -> None: ...

    def note(self, event: Event) -> None:
        self.noted.append(event)

    def announce_end(self, end: ScenarioFinished) -> str:
        assert end not in self.noted
        self.announced.append(end)
        return self.unannounced

    def __enter__(self) -> "FakeRun":
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


@dataclass(slots=True)
class Script:
    """Has one step, says two things and ends as it is told."""

    ending: Conclusion | Exception = field(default_factory=lambda: Conclusion("expected", "as predicted"))
    endless: bool = False
    #: A load may be about a lab that does not work.
    repair: bool = True
    done: list[str] = field(default_factory=list)

    @property
    def scenario(self) -> Scenario:
        return Scenario(
            name="script",
            title="Script",
            summary="A scripted scenario.",
            steps=1,
            options=(CLIENTS,),
            repair=self.repair,
            play=self.play,
        )

    def play(self, run: Run, options: Options) -> Play[Conclusion]:
        self.done.append(f"began with {options.clients} clients")
        try:
            yield Step("Say something", "echo")
            yield Narrated("one")
            yield Narrated("two")
            while self.endless:
                yield Advanced("waiting", 0, 1)
            if isinstance(self.ending, Exception):
                raise self.ending
            return self.ending
        finally:
            self.done.append("cleaned up")


@dataclass(slots=True)
class Stage:
    script: Script
    run: FakeRun

    def play(self, options: Options | None = None) -> Generator[Event, None, None]:
        return runner.run_scenario(cast(Lab, self.run.lab), self.script.scenario, options or Options())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    script, run = Script(), FakeRun(FakeProbe())
    monkeypatch.setattr(runner, "Run", lambda lab, command, **about: run)
    yield Stage(script, run)
    assert run.closed or not script.done


def test_a_run_begins_with_its_name_and_ends_with_its_conclusion(stage: Stage) -> None:
    events = list(stage.play(Options(clients=3)))
    assert events[0] == ScenarioStarted("script", "Script", "A scripted scenario.", 1)
    step = StepStarted(1, "Say something", "echo")
    assert events[1:-1] == [Advanced("waiting", 0, 1), step, Narrated("one"), Narrated("two")]
    match events[-1]:
        case ScenarioFinished("script", "expected", "as predicted", seconds):
            assert seconds >= 0
        case other:
            pytest.fail(f"ended with {other}")
    assert stage.script.done == ["began with 3 clients", "cleaned up"]
    assert stage.run.closed


def test_who_was_not_told_of_the_end_is_said_before_it(stage: Stage) -> None:
    stage.run.unannounced = "1 of this run's marks did not reach Grafana: it answered 500"
    *_, note, end = stage.play()
    assert note == StackNoted(f"{stage.run.unannounced}. The run itself does not need them.")
    assert stage.run.announced == [end]


def test_the_run_begins_only_after_earlier_writes_are_flushed(stage: Stage) -> None:
    with closing(stage.play()) as events:
        assert isinstance(next(events), ScenarioStarted)
        next(events)
        assert stage.run.begun == 0
        next(events)
        assert stage.run.begun == 1


def test_closing_the_run_cleans_up(stage: Stage) -> None:
    with closing(stage.play()) as events:
        assert Narrated("one") in events
        assert stage.script.done == ["began with None clients"]
    assert stage.script.done[-1] == "cleaned up"
    assert stage.run.closed


def test_an_interrupt_cleans_up_too(stage: Stage) -> None:
    with closing(stage.play()) as events:
        assert Narrated("one") in events
        with pytest.raises(KeyboardInterrupt):
            events.throw(KeyboardInterrupt())
    assert stage.script.done[-1] == "cleaned up"
    assert stage.run.closed


def test_a_measurement_that_could_not_be_made_ends_as_inconclusive(stage: Stage) -> None:
    stage.script.ending = Inconclusive("the queue is empty", hint="stop the worker")
    last = list(stage.play())[-1]
    assert isinstance(last, ScenarioFinished)
    assert (last.outcome, last.conclusion) == ("inconclusive", "the queue is empty: stop the worker")
    assert stage.script.done[-1] == "cleaned up"


def test_earlier_writes_that_are_never_flushed_make_it_inconclusive(stage: Stage) -> None:
    stage.run.probe.quiet = False
    last = list(stage.play())[-1]
    assert isinstance(last, ScenarioFinished)
    assert last.outcome == "inconclusive"
    assert "not flushed after 30 s" in last.conclusion
    assert "labctl --name second logs worker" in last.conclusion
    assert (stage.script.done, stage.run.begun) == ([], 0)


def test_a_lab_that_breaks_is_an_error_and_no_conclusion(stage: Stage) -> None:
    stage.script.ending = NotRunning("Redis can't be read", hint="labctl up")
    with pytest.raises(NotRunning):
        list(stage.play())
    assert stage.script.done[-1] == "cleaned up"
    assert stage.run.closed


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "Redis does not answer"),
        (stuck(2_000), "flush blocked for 2 s by pid 4711 (psql: LOCK TABLE products)"),
        (
            replace(WELL, workers=()),
            "no worker is running: start one with `labctl --name second worker start`",
        ),
        (replace(WELL, oldest_due_ms=4_000), "acknowledged writes have been due for 4 s"),
        (
            replace(WELL, workers=(replace(WORKER, state="suspended", for_ms=9_000, reason="rq suspend"),)),
            "flushing suspended for 9 s: rq suspend",
        ),
        (
            replace(WELL, workers=(replace(WORKER, state="paused", for_ms=1_500, reason="away"),)),
            "flushing paused for 1 s: away",
        ),
    ],
)
def test_a_lab_that_does_not_flush_is_told_at_once(stage: Stage, told: Condition | None, said: str) -> None:
    stage.run.lab.told = told
    last = list(stage.play())[-1]
    assert isinstance(last, ScenarioFinished)
    assert last.outcome == "inconclusive"
    assert said in last.conclusion
    assert (stage.script.done, stage.run.begun) == ([], 0)


@pytest.mark.parametrize("workers", [(WORKER, replace(WORKER, name="h-8", state="suspended", for_ms=9_000))])
def test_one_worker_that_flushes_is_enough(stage: Stage, workers: tuple[WorkerState, ...]) -> None:
    stage.run.lab.told = replace(WELL, workers=workers)
    last = list(stage.play())[-1]
    assert isinstance(last, ScenarioFinished)
    assert last.outcome == "expected"


def test_flushing_that_gets_stuck_ends_the_run_and_cleans_up(stage: Stage) -> None:
    """Instead of waiting as long as the scenario would."""
    stage.script.endless = True
    with closing(stage.play()) as events:
        for event in events:
            if event == Narrated("two"):
                stage.run.lab.told = stuck(3_500)
            last = event
    assert isinstance(last, ScenarioFinished)
    assert last.outcome == "inconclusive"
    assert "flush blocked for 3 s by pid 4711" in last.conclusion
    assert stage.script.done[-1] == "cleaned up"


def test_a_load_on_a_lab_that_does_not_flush_is_played_all_the_same(stage: Stage) -> None:
    stage.script.repair = False
    stage.run.lab.told = replace(WELL, workers=())
    last = list(stage.play())[-1]
    assert isinstance(last, ScenarioFinished)
    assert last.outcome == "expected"
