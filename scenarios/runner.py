"""Runs one scenario on one lab."""

import time
from collections.abc import Generator, Mapping
from typing import Any, Final

from scenarios.catalogue import find
from scenarios.events import Event, ScenarioFinished, ScenarioStarted
from scenarios.lab.context import Run
from scenarios.preconditions import require_flushing
from scenarios.scenario import Conclusion, Options, Scenario
from scenarios.shell_commands import address
from scenarios.watch.during import watched
from stack.converge.restore import remember, tend
from stack.errors import Inconclusive
from stack.lab import Lab

#: s that writes from before the run get to reach PostgreSQL: they must not be taken for the run's own.
_SETTLE_SECONDS: Final = 30.0


def run_scenario(lab: Lab, name: str, options: Mapping[str, Any]) -> Generator[Event, None, None]:
    """Run the scenario `name`. Close the generator to interrupt it; it then cleans up.

    Raises:
        UsageError: no such scenario, or an option that makes no sense.
        LabError: the lab can't be worked with. A measurement that could not be made is no error: it
            ends as inconclusive.
    """
    scenario, chosen = choose(name, options)
    begun = time.monotonic()
    with Run(lab, _typed(name)) as run:
        yield ScenarioStarted(scenario.name, scenario.title, scenario.summary, scenario.steps)
        try:
            conclusion = yield from _play(scenario, run, chosen)
        except Inconclusive as error:
            hint = address(error.hint, lab.name)
            conclusion = Conclusion("inconclusive", f"{error.message}: {hint}")
        yield ScenarioFinished(
            scenario.name, conclusion.outcome, conclusion.text, round(time.monotonic() - begun, 3)
        )


def choose(name: str, options: Mapping[str, Any]) -> tuple[Scenario, Options]:
    """The scenario and its options, checked; needs no lab.

    Raises:
        UsageError: no such scenario, or an option that makes no sense.
    """
    scenario, chosen = find(name), Options.of(options)
    scenario.check(chosen)
    return scenario, chosen


def _typed(name: str) -> str:
    """The command of labctl that runs it."""
    return f"load {name.partition('-')[2]}" if _is_load(name) else f"demo {name}"


def _is_load(name: str) -> bool:
    return name.startswith(("load-", "k6-"))


def _waits(run: Run) -> bool:
    """Whether something from before this run is still on its way."""
    condition = run.lab.condition()
    return condition is not None and condition.unwritten > 0


def _play(scenario: Scenario, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
    # A load may be about a lab that is not well.
    demo = not _is_load(scenario.name)
    yield from tend(run.lab)
    if demo or _waits(run):
        require_flushing(run)
    settled = yield from run.probe.settle(_SETTLE_SECONDS)
    if not settled.quiet:
        why = settled.culprit or f"not flushed after {_SETTLE_SECONDS:g} s"
        raise Inconclusive(
            f"writes from before this run still wait ({why})",
            hint="is the worker running, or another load? see `labctl queue show` and `labctl logs worker`",
        )
    run.begin()
    conclusion = yield from watched(scenario.play(run, options), run.lab, gives_up=demo)
    # Also what the run itself changed and put back is as it is to be kept.
    yield from remember(run.lab)
    return conclusion
