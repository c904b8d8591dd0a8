"""Running scenarios: start the lab, show, record, judge."""

import json
from collections.abc import Iterator

import pytest
import typer

from labctl.cli.context import Invocation
from labctl.cli.session import Session
from labctl.commands import play as play_module
from labctl.commands.play import play
from scenarios.catalogue import choose
from scenarios.early_end import EarlyEnd
from scenarios.events import Event, Outcome, ScenarioFinished, StepStarted
from scenarios.options import Options
from scenarios.scenario import Scenario
from stack.errors import Inconclusive
from stack.lab import Lab
from tests.unit.labctl.conftest import Cli
from tests.unit.labctl.scripted import DATA_LOSS


class _Scenario:
    """Stands in for the runner: the scripted run, with an outcome a name."""

    def __init__(self, **outcomes: Outcome) -> None:
        self._outcomes = outcomes
        self.ran: list[tuple[str, Options]] = []
        self.closed = 0

    def run(self, _lab: Lab, scenario: Scenario, options: Options, _: EarlyEnd) -> Iterator[Event]:
        name = scenario.name
        self.ran.append((name, options))
        outcome = self._outcomes.get(name.replace("-", "_"), "expected")
        try:
            yield from DATA_LOSS[:-1]
            yield ScenarioFinished(name, outcome, "So it went.", 1.0)
        finally:
            self.closed += 1


@pytest.fixture
def scenario(monkeypatch: pytest.MonkeyPatch) -> _Scenario:
    scenario = _Scenario(data_loss="unexpected", load_quick="inconclusive")
    monkeypatch.setattr(play_module, "run_scenario", scenario.run)
    return scenario


@pytest.mark.parametrize(
    ("words", "code"),
    [(("demo", "coalescing"), 0), (("demo", "data-loss"), 1), (("load", "quick"), 3), (("demo", "all"), 1)],
)
def test_the_exit_code_is_that_of_the_worst_outcome(
    cli: Cli, scenario: _Scenario, words: tuple[str, ...], code: int
) -> None:
    assert cli(*words)[0] == code


def test_options_reach_the_scenario(cli: Cli, scenario: _Scenario) -> None:
    cli("demo", "data-loss", "--crash", "kill")
    cli("load", "basic", "--duration", "5", "--rate", "10.5", "--clients", "3")
    assert scenario.ran == [
        ("data-loss", Options(crash="kill")),
        ("load-basic", Options(duration=5.0, rate=10.5, clients=3)),
    ]


def test_of_all_demos_each_takes_the_options_that_it_has(cli: Cli, scenario: _Scenario) -> None:
    cli("demo", "all", "--crash", "kill")
    assert [name for name, options in scenario.ran if options == Options(crash="kill")] == ["data-loss"]
    assert len(scenario.ran) > 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("demo", "basics", "--crash", "kill"), "`demo basics` has no --crash"),
        (("load", "quick", "--duration", "5"), "`load quick` has no --duration: it ends after 50 writes"),
        (("load", "basic", "--engine", "k6", "--rate", "5"), "`load basic --engine k6` has no --rate"),
    ],
)
def test_an_option_that_a_scenario_lacks_is_refused_before_the_lab_is_opened(
    cli: Cli, scenario: _Scenario, words: tuple[str, ...], message: str
) -> None:
    code, _, err = cli(*words)
    assert code == 2
    assert message in " ".join(err.split())
    assert (scenario.ran, cli.lab.asked) == ([], [])


def test_a_lab_that_does_not_run_is_started_and_left_running(cli: Cli, scenario: _Scenario) -> None:
    cli.lab.is_up = False
    code, out, err = cli("demo", "coalescing", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["scenario"] == "data-loss"
    assert [asked[0] for asked in cli.lab.asked] == ["open", "up"]


def test_a_load_leaves_a_fault_as_it_is_and_a_demo_repairs_it(cli: Cli, scenario: _Scenario) -> None:
    cli.lab.ailing = {"postgres": "paused"}
    _, _, err = cli("load", "basic")
    assert "postgres is paused. It is left so" in err
    assert [asked[0] for asked in cli.lab.asked] == ["open"]
    cli("demo", "coalescing")
    assert [asked[0] for asked in cli.lab.asked] == ["open", "open", "up"]


def test_several_demos_end_with_a_table_of_all(cli: Cli, scenario: _Scenario) -> None:
    _, out, _ = cli("demo", "all")
    *_, last = out.split("All of them\n")
    assert [line.split()[0] for line in last.splitlines()[1:]] == [name for name, _ in scenario.ran]


def test_demo_without_a_name_lists_them(cli: Cli) -> None:
    code, out, _ = cli("demo")
    assert code == 0
    assert "coalescing" in out
    assert "data-loss" in out


def test_the_presenter_is_waited_for_after_each_step_is_announced(cli: Cli, scenario: _Scenario) -> None:
    shown: list[Event | str] = []

    class _Shown:
        def on(self, event: Event) -> None:
            shown.append(event)

        def close(self) -> None:
            pass

    lab = cli.lab.opener("lab42", "auto", ports=None)
    session = Session(lab=lab, renderer=_Shown(), json=False, quiet=False, live=True)
    with pytest.raises(typer.Exit, match="0"):
        play(Invocation(), session, [choose("coalescing", {})], pause=lambda: shown.append("pause"))
    before = [shown[place - 1] for place, event in enumerate(shown) if event == "pause"]
    assert len(before) == 2
    assert all(isinstance(event, StepStarted) for event in before)


def test_quitting_between_steps_closes_the_scenario(cli: Cli, scenario: _Scenario) -> None:
    def quit_now() -> None:
        raise KeyboardInterrupt

    lab = cli.lab.opener("lab42", "auto", ports=None)
    call = Invocation()
    with pytest.raises(KeyboardInterrupt):
        play(call, _silent(lab), [choose("coalescing", {})], pause=quit_now)
    assert scenario.closed == 1
    assert "labctl down" in call.when_interrupted


def test_a_measurement_that_fails_is_inconclusive(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> Iterator[Event]:
        raise Inconclusive("nothing was acknowledged", hint="look at the log")

    monkeypatch.setattr(play_module, "run_scenario", run)
    code, _, err = cli("demo", "coalescing")
    assert code == 3
    assert "nothing was acknowledged" in err


def _silent(lab: Lab) -> Session:
    class _Silent:
        def on(self, event: Event) -> None: ...

        def close(self) -> None: ...

    return Session(lab=lab, renderer=_Silent(), json=False, quiet=False, live=False)
