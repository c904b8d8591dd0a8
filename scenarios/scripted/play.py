"""A script as a `Scenario`: it yields the same events as the built-in demos, and is judged like them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

from scenarios.conclude import contradictions, reach_verdict_and_lag, settle
from scenarios.events import Checked, Event, Measured, Narrated
from scenarios.faults.action import Action
from scenarios.faults.inject import Injector
from scenarios.faults.language import parse_action
from scenarios.judge.ledger import Ledger
from scenarios.judge.verdict import Verdict
from scenarios.lab.client import Client
from scenarios.lab.context import Run
from scenarios.load.sampling import Increases
from scenarios.options import Options
from scenarios.scenario import Conclusion, Play, Scenario
from scenarios.scenario import Step as Announced
from scenarios.scripted.acts import act, announce
from scenarios.scripted.asker import Asker
from scenarios.scripted.borrowed import Borrowed
from scenarios.scripted.expectations import check_expectations
from scenarios.scripted.outline import numbered_steps
from scenarios.scripted.script import Cleanup, Expect, Script
from scenarios.scripted.stage import Stage
from scenarios.scripted.tally import Tally
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
    with Borrowed(run, settings, actions) as borrowed, Injector(run, actions) as injector:
        stage = Stage(run, injector, ask, borrowed.note, Increases(totals), Increases(totals))
        with _cleaned_if_cut_short(stage, script):
            for step in script.steps:
                yield from act(stage, step)
            conclusion = yield from _judge(stage, script)
        for item in script.cleanup:
            yield announce(stage, item)
            yield from _clean(stage, item)
    return conclusion


@contextmanager
def _cleaned_if_cut_short(stage: Stage, script: Script) -> Iterator[None]:
    """After an interruption or an error, the clean-up runs unseen, each item whatever the others did."""
    try:
        yield
    except BaseException:
        for item in script.cleanup:
            with suppress(LabError):
                for _ in _clean(stage, item):
                    pass
        raise


def _clean(stage: Stage, item: Cleanup) -> Generator[Event | Announced, None, None]:
    if item.fault is not None:
        yield from _mend(stage, parse_action(item.fault))
    elif item.delete is not None:
        # A service that the steps have left broken would not answer.
        yield from stage.injector.mend()
        # The verdict is given: what is deleted now is no part of the run.
        with Client(stage.run.api_url, Ledger()) as client:
            answers = [call().answer for call in calls_of(stage, item.delete, client)]
        yield Measured("deleted", "products deleted", answers.count("acknowledged"), "products")
    else:
        answer = stage.run.client.requeue_dead_letters()
        yield Measured("requeued", "dead letters put back", int(answer["requeued"]), "letters")


def _mend(stage: Stage, action: Action) -> Generator[Event, None, None]:
    """Mend a service, unless it was mended before."""
    if action.target != "failures" and stage.run.lab.status()[action.target].state == "healthy":
        yield Narrated(f"{action.target} is healthy, so there is nothing to mend.")
    else:
        yield from stage.injector.inject(action)


def _judge(stage: Stage, script: Script) -> Play[Conclusion]:
    yield Announced("The verdict", curl("GET", f"{stage.run.api_url}/admin/queue"))
    tally = Tally()
    settled = yield from _settle(stage)
    verdict, _ = yield from reach_verdict_and_lag(
        stage.run, lambda write: False, settled, on_judged=tally.add
    )
    stage.look()
    checks = list(check_expectations(script.expect, verdict, tally, stage.increases))
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
