"""A script as a `Scenario`: it yields the same events as the built-in demos, and is judged like them."""

from collections.abc import Generator, Iterable

from scenarios.conclude import contradictions, reach_verdict_and_lag, settle
from scenarios.events import Checked, Event, Measured, Narrated
from scenarios.faults.action import Action
from scenarios.faults.borrowed import Borrowed
from scenarios.faults.inject import Injector, require_effect
from scenarios.faults.language import parse_action
from scenarios.faults.look import look
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.load.sampling import Increases
from scenarios.options import Options
from scenarios.preconditions import reason_of
from scenarios.scenario import Conclusion, Play, Scenario
from scenarios.scenario import Step as Announced
from scenarios.scripted.acts import act, announce
from scenarios.scripted.asker import Asker
from scenarios.scripted.expectations import check_expectations
from scenarios.scripted.fates_by_group import FatesByGroup
from scenarios.scripted.outline import numbered_steps, title_of
from scenarios.scripted.script import Cleanup, Expect, Script
from scenarios.scripted.stage import Stage
from scenarios.scripted.writes import calls_of
from scenarios.settle import Settled
from scenarios.shell_commands import curl
from stack.errors import LabError

#: The verdict is a step, too.
_STEPS_AT_THE_END = 1


def scenario_of(script: Script, path: str, ask: Asker) -> Scenario:
    """The script as a scenario.

    Args:
        path: The file as it was typed.
        ask: Asks whoever watches.
    """

    def play(run: Run, options: Options) -> Play[Conclusion]:
        return (yield from _play(run, script, ask))

    steps = len(numbered_steps(script)) + _STEPS_AT_THE_END + len(script.cleanup)
    return Scenario(
        name=script.name,
        title=script.title,
        summary=script.summary or f"A scenario of {steps} steps, from {path}.",
        steps=steps,
        gives_up=not any(_stops_flushing(action) for action in actions_of(script)),
        typed=f"demo {path}",
        play=play,
    )


def actions_of(script: Script) -> list[Action]:
    """All faults of its steps and its clean-up."""
    faults = [*(step.fault for step in script.steps), *(item.fault for item in script.cleanup)]
    return [parse_action(fault) for fault in faults if fault is not None]


def _stops_flushing(action: Action) -> bool:
    return action.breaks and action.target in ("postgres", "redis", "failures")


def _play(run: Run, script: Script, ask: Asker) -> Play[Conclusion]:
    actions = actions_of(script)
    settings = [name for step in script.steps for name in step.settings or ()]
    totals = run.probe.totals()
    with Borrowed(run, settings), Injector(run, actions) as injector:
        stage = Stage(run, injector, ask, Increases(totals), Increases(totals))
        try:
            for step in script.steps:
                yield from act(stage, step)
            conclusion = yield from _judge(stage, script)
        except LabError:
            yield from clean_up(stage, script.cleanup)
            raise
        except BaseException:
            # An interruption: there may be nothing left that shows what happens.
            for event in clean_up(stage, script.cleanup):
                if isinstance(event, Narrated):
                    run.note(event)
            raise
        yield from clean_up(stage, script.cleanup)
    return conclusion


def clean_up(stage: Stage, items: Iterable[Cleanup]) -> Play[None]:
    """Do each item, whatever became of the others. One that fails is told: the run has its conclusion."""
    for item in items:
        try:
            yield announce(stage, item)
            yield from _clean(stage, item)
        except LabError as error:
            yield Narrated(f"Not cleaned up ({title_of(item)}): {error.message}.")


def _clean(stage: Stage, item: Cleanup) -> Generator[Event, None, None]:
    if item.fault is not None:
        yield from _mend(stage, parse_action(item.fault))
    elif item.delete is not None:
        # A service that the steps have left broken would not answer.
        yield from stage.injector.mend()
        # The verdict is in: these deletes must stay out of the run's ledger.
        with Client(stage.run.api_url, Ledger()) as client:
            writes = [call() for call in calls_of(stage, item.delete, client)]
        left = [write for write in writes if write.answer != "acknowledged"]
        yield Measured("deleted", "products deleted", len(writes) - len(left), "products")
        if left:
            reason = f"{left[0].answer}: {reason_of(left[0])}"
            yield Narrated(f"{len(left):,} of {len(writes):,} products are not deleted ({reason}).")
    else:
        answer = stage.run.client.requeue_dead_letters()
        yield Measured("requeued", "dead letters put back", int(answer["requeued"]), "letters")


def _mend(stage: Stage, action: Action) -> Generator[Event, None, None]:
    """Mend what was not mended before.

    Raises:
        Inconclusive: it did not take effect.
    """
    if action.target == "failures":
        whole = not look(stage.run.lab, "failures").failing
    else:
        whole = stage.run.lab.status()[action.target].state == "healthy"
    if whole:
        state = "are off" if action.target == "failures" else "is healthy"
        yield Narrated(f"{action.target} {state}, so there is nothing to mend.")
        return
    event = (yield from stage.injector.inject(action)).event
    if event.bit is False:
        require_effect(event)


def _judge(stage: Stage, script: Script) -> Play[Conclusion]:
    yield Announced("The verdict", curl("GET", f"{stage.run.api_url}/admin/queue"))
    by_group = FatesByGroup()
    settled = yield from _settle(stage)
    verdict, _ = yield from reach_verdict_and_lag(
        stage.run, lambda write: False, settled, on_judged=by_group.add
    )
    increases = None if stage.look() is None else stage.increases
    checks = list(check_expectations(script.expect, verdict, by_group, increases))
    yield from checks
    return conclude(script, verdict, [*stage.checks, *checks])


def _settle(stage: Stage) -> Generator[Event, None, Settled]:
    """Let the worker finish, if the steps have left it running."""
    if stage.run.lab.services()["worker"].pid is not None:
        return (yield from settle(stage.run))
    yield Narrated("The worker does not run, so what waits is judged as it is.")
    return Settled(quiet=False)


def conclude(script: Script, verdict: Verdict, checks: list[Checked]) -> Conclusion:
    """How the run ended.

    Args:
        checks: All predictions, and what was measured.
    """
    expect: Expect = script.expect
    # What is certain stays so, whatever else is not known.
    contradicted = contradictions(checks)
    if verdict.validity == "unknown" and expect.validity != "unknown" and not contradicted:
        return Conclusion("inconclusive", "; ".join(verdict.reasons))
    if contradicted:
        reasons = () if verdict.validity == expect.validity else verdict.reasons
        return Conclusion("unexpected", ". ".join([*contradicted, *reasons]))
    unclear = [f"{check.claim}: {check.actual}" for check in checks if check.passed is None]
    if unclear and expect.validity != "unknown":
        return Conclusion("inconclusive", f"not certain: {'; '.join(unclear)}")
    usual = f"All {len(checks)} predictions hold."
    if unclear:
        usual = (
            f"{len(unclear)} of {len(checks)} predictions can't be checked, as predicted; the others hold."
        )
    return Conclusion("expected", script.conclusion or usual)
