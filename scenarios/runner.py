"""Runs one scenario on one lab."""

import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Final

from scenarios.early_end import EarlyEnd
from scenarios.events import Event, ScenarioFinished, ScenarioStarted
from scenarios.figures.gate import check_expectations
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.preconditions import require_flushing
from scenarios.scenario import Conclusion, Scenario
from scenarios.steps import numbered
from scenarios.watch.during import watched
from stack.converge.restore import remember, tend
from stack.errors import Inconclusive
from stack.lab import Lab
from stack.spec.events import StackNoted
from stack.spec.hints import for_lab, labctl

#: How long writes from before the run may take to reach PostgreSQL. They must not be taken for the run's own.
_SETTLE_TIMEOUT_S: Final = 30.0


def run_scenario(
    lab: Lab,
    scenario: Scenario,
    options: Options,
    early_end: EarlyEnd | None = None,
    *,
    folder: Path | None = None,
) -> Generator[Event, None, None]:
    """Run a scenario. Close the generator to interrupt it; it then cleans up.

    Args:
        folder: Where its journal goes; None: to those of all runs.
        early_end: Asks it to end early, and still to judge; None: nothing will.

    Raises:
        LabError: the lab can't be worked with. A measurement that could not be made is not an error: it
            ends as inconclusive.
    """
    with (
        Run(
            lab,
            scenario.command,
            scenario=scenario.name,
            options=options,
            early_end=early_end,
            folder=folder,
        ) as run,
        closing(_events(scenario, run, options)) as events,
    ):
        run.open_journal()
        for event in events:
            run.note(event)
            yield event


def _events(scenario: Scenario, run: Run, options: Options) -> Generator[Event, None, None]:
    started_at = time.monotonic()
    yield ScenarioStarted(scenario.name, scenario.title, scenario.summary, scenario.steps)
    try:
        conclusion = yield from _play(scenario, run, options)
        if options.expect:
            conclusion = yield from check_expectations(run.history(), options.expect, conclusion)
    except Inconclusive as error:
        hint = for_lab(error.hint, run.lab.name)
        conclusion = Conclusion("inconclusive", f"{error.message}: {hint}")
    if run.problem:
        yield StackNoted(f"{run.problem}. The rest was kept in memory, so the figures are whole.")
    seconds = round(time.monotonic() - started_at, 3)
    finished = ScenarioFinished(scenario.name, conclusion.outcome, conclusion.text, seconds)
    # The end is the last event, so whether its mark arrives must be known before.
    if unannounced := run.announce_end(finished):
        yield StackNoted(f"{unannounced}. The run itself does not need them.")
    yield finished


def _has_unwritten(run: Run) -> bool:
    """Whether a write from before this run has not reached PostgreSQL yet."""
    condition = run.lab.condition()
    return condition is not None and condition.unwritten > 0


def _play(scenario: Scenario, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
    yield from tend(run.lab)
    if scenario.repair or _has_unwritten(run):
        require_flushing(run)
    settled = yield from run.probe.settle(_SETTLE_TIMEOUT_S)
    if not settled.quiet:
        why = settled.culprit or f"not flushed after {_SETTLE_TIMEOUT_S:g} s"
        raise Inconclusive(
            f"writes from before this run have not reached PostgreSQL ({why})",
            hint="is the worker running, or another load? "
            f"see {labctl('queue show')} and {labctl('logs worker')}",
        )
    run.begin()
    steps = numbered(scenario.play(run, options), scenario.steps)
    conclusion = yield from watched(steps, run.lab, gives_up=scenario.repair and scenario.gives_up)
    # What the run itself changed and put back must be remembered as it is now.
    yield from remember(run.lab)
    return conclusion
