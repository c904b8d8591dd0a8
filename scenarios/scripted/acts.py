"""What each kind of step does."""

from typing import Any

from scenarios.events import Event, Measured, Narrated, TableShown
from scenarios.faults.action import Action
from scenarios.faults.inject import Injected
from scenarios.faults.language import parse_action
from scenarios.load.sampling import Increases
from scenarios.load.scenario import DRIVES
from scenarios.scenario import Play
from scenarios.scenario import Step as Announced
from scenarios.scripted.expectations import check_totals
from scenarios.scripted.loads import choose_load
from scenarios.scripted.outline import UNKNOWN_ID, action_of, command_of, title_of
from scenarios.scripted.script import Ask, Cleanup, Count, Create, Delete, Load, Step, Update, Wait
from scenarios.scripted.stage import Stage
from scenarios.scripted.waits import wait
from scenarios.scripted.writes import write
from service.writebehind.setting import render
from stack.converge.restore import remember
from stack.errors import Inconclusive


def act(stage: Stage, step: Step) -> Play[None]:
    """Do a step, and say what it has to say.

    Raises:
        Inconclusive: what it depends on did not happen.
        LabError: the lab can't be worked with.
    """
    action = action_of(step)
    if action:
        if action != "load":
            yield announce(stage, step)
        yield from _do(stage, step, action)
        if action != "check":
            stage.look()
    if step.narrate is not None:
        yield Narrated(step.narrate)
    if step.matters is not None:
        yield Narrated(step.matters, "matters")


def announce(stage: Stage, step: Step | Cleanup) -> Announced:
    """The step's title and command, with the id of a product of the group."""
    command = command_of(step, stage.address)
    part = step.update or step.delete if isinstance(step, Step) else step.delete
    if part is not None and part.of is not None:
        command = command.replace(UNKNOWN_ID, next(iter(stage.groups.get(part.of, ())), UNKNOWN_ID))
    return Announced(title_of(step), command)


def _do(stage: Stage, step: Step, action: str) -> Play[None]:
    part = getattr(step, action)
    match part:
        case Create() | Update() | Delete():
            yield from write(stage, part)
        case Wait():
            yield from wait(stage, part)
        case Load():
            yield from _load(stage, step, part)
        case Ask():
            yield from _ask(stage, part)
        case _:
            yield from _do_plain(stage, action, part)


def _do_plain(stage: Stage, action: str, part: Any) -> Play[None]:
    match action:
        case "fault":
            yield from inject(stage, parse_action(part))
        case "settings":
            yield from _change_settings(stage, part)
        case "dead_letters":
            answer = stage.run.client.requeue_dead_letters()
            yield Measured("requeued", "dead letters put back", int(answer["requeued"]), "letters")
        case "check":
            yield from _check(stage, part)
        case _:
            raise AssertionError(action)


def inject(stage: Stage, action: Action) -> Play[Injected]:
    """Break or mend something, with a receipt.

    Raises:
        Inconclusive: it is not proved to have taken effect.
    """
    injected = yield from stage.injector.inject_surely(action)
    if action.target == "redis" and action.verb in ("flushall", "start"):
        yield from _restore_settings(stage)
    return injected


def _restore_settings(stage: Stage) -> Play[None]:
    """Redis also held the settings that were changed live: the lab's own, and the run's."""
    yield from remember(stage.run.lab)
    if stage.settings:
        stage.run.client.change_config(stage.settings)


def _change_settings(stage: Stage, settings: dict[str, bool | int | float | str]) -> Play[None]:
    config = stage.run.client.config()
    stage.run.client.change_config(settings)
    stage.settings.update(settings)
    rows = tuple((name, render(config[name]), render(value)) for name, value in settings.items())
    yield TableShown("settings", "Settings", ("setting", "before", "now"), rows)


def _check(stage: Stage, limits: dict[str, int | Count]) -> Play[None]:
    totals = stage.look()
    if totals is None:
        raise Inconclusive(
            "Redis does not answer, so the totals can't be checked",
            hint="check them before the fault, or once Redis is back",
        )
    checks = list(check_totals(limits, stage.since_check))
    yield from checks
    stage.checks.extend(checks)
    stage.since_check = Increases(totals)


def _load(stage: Stage, step: Step, part: Load) -> Play[None]:
    scenario, options = choose_load(part)
    driving = DRIVES[scenario.name](stage.run, options)
    driven = yield from titled(driving, step.title)
    crashed = driven.faulted is not None and driven.faulted.crashes()
    if crashed or driven.finished.increases.restarted:
        stage.miss_counts()
    if driven.finished.ended_early is not None:
        # Whatever comes after it would be about another load than the script's.
        raise Inconclusive("the load was ended early by Ctrl-C", hint="run it again")
    if driven.faulted is not None and (unclear := driven.faulted.inconclusive()):
        raise Inconclusive("; ".join(unclear), hint="run it again, or give the load more time")
    if crashed:
        yield from _restore_settings(stage)


def titled(play: Play[Any], title: str | None) -> Play[Any]:
    """The play, with another title for its step; None: with its own."""
    while True:
        try:
            event: Event | Announced = next(play)
        except StopIteration as end:
            return end.value
        if title is not None and isinstance(event, Announced):
            event = Announced(title, event.command)
        yield event


def _ask(stage: Stage, part: Ask) -> Play[None]:
    stage.questions += 1
    answer = stage.ask(part.question, part.choices)
    if answer is None:
        yield Narrated(f"Not asked, because there is no terminal to answer at: {part.question}")
    else:
        yield Measured(f"answer_{stage.questions}", part.question, answer)
