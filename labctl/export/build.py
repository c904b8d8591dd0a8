"""From a journal, or from a demo that was not run, to an export.

The commands come from labctl's own scripts, never from the journal: it may be anybody's. Of the journal, only
what the script of its scenario can't know is taken: options, settings and the lab's name, each checked first.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from labctl.export.document import Export, steps_of
from labctl.export.seen import Note, Said, Seen, Shown, gather
from labctl.render.text.printable import printable
from labctl.render.text.sentences import OUTCOMES
from scenarios.catalogue import DEMOS, LOADS, find, load_name
from scenarios.export.script import Script, ScriptStep, script_of
from scenarios.journal.lines import Environment
from scenarios.journal.reader import Journal
from scenarios.options import Options
from scenarios.recheck.recheck import recheck_journal
from scenarios.scenario import Scenario
from service.writebehind.setting import render
from service.writebehind.settings import LIVE_SETTINGS
from stack.errors import StateUnusable, UsageError
from stack.spec.hints import labctl
from stack.spec.names import DEFAULT_NAME
from stack.spec.validate import check_name

#: All scenarios that labctl has.
KNOWN: Final = (*DEMOS, *(load_name(kind, engine) for engine, kinds in LOADS.items() for kind in kinds))


def export_demo(name: str) -> Export:
    """A demo or load without options, and without outputs.

    Raises:
        UsageError: no scenario has that name.
    """
    scenario = find(name)
    script = script_of(scenario.name, scenario.title, scenario.command.split(), scenario.parse({}))
    return Export(
        title=scenario.title,
        summary=scenario.summary,
        origin=(f"Exported by labctl. It does what `labctl {scenario.command}` does.",),
        lab=DEFAULT_NAME,
        settings={},
        total=len(script.steps),
        steps=steps_of(script, [()] * len(script.steps)),
        cleanup=script.cleanup,
    )


def export_run(journal: Journal) -> Export:
    """A run with what was seen in it; of a run that was cut off, what was done.

    Raises:
        StateUnusable: the journal can't be read, or its run can't be made again.
        UsageError: it is an experiment.
    """
    run = journal.environment
    seen = gather(event for _, event in journal.events())
    scenario = _known(run)
    if scenario is not None:
        options = _parsed(scenario, run)
        command = [*scenario.command.split(), *options.words()]
        script = script_of(scenario.name, scenario.title, command, options)
        title, summary, notes = scenario.title, scenario.summary, list(_notes(script, seen))
    else:
        # All of its steps are one command.
        command = _command(run)
        title, summary = _described(seen, run.scenario)
        script = Script((ScriptStep(title, f'labctl --name "$LAB" {shlex.join(command)}\n'),))
        notes = [list(_told(seen))]
    return Export(
        title=title,
        summary=summary,
        origin=tuple(_origin(journal, seen, command)),
        lab=_lab(run.lab),
        settings=_settings(run.settings),
        total=len(script.steps),
        steps=steps_of(script, notes),
        cleanup=script.cleanup,
        conclusion=_conclusion(journal, seen),
        is_partial=seen.finished is None,
    )


def _known(run: Environment) -> Scenario | None:
    """The scenario; None if it is not one of labctl's, such as one of the user's own."""
    if run.scenario not in KNOWN:
        return None
    scenario = find(run.scenario)
    # A file of the user's may have a demo's name.
    return scenario if f"{run.command} ".startswith(f"{scenario.command} ") else None


def _parsed(scenario: Scenario, run: Environment) -> Options:
    """The options of the run; the journal's are checked like a user's."""
    try:
        return scenario.parse(run.options)
    except (UsageError, AttributeError, TypeError, ValueError) as error:
        raise StateUnusable(
            f"the run {printable(run.run)} has options that this labctl does not take: {error}",
            hint="export another run",
        ) from error


def _notes(script: Script, seen: Seen) -> Iterator[list[Note]]:
    """By step, what was seen. Another version of labctl may have called the step by another name."""
    for step, then in zip(script.steps, seen.steps, strict=False):
        same = then.title == step.title
        yield then.notes if same else [Said(f"In that run, this step was: {then.title}"), *then.notes]


def _command(run: Environment) -> list[str]:
    """What a person types after `labctl` to run it."""
    try:
        command = shlex.split(run.command)
    except ValueError:
        command = []
    if command[:1] == ["experiment"] and run.command.isprintable():
        raise UsageError(
            f"{printable(run.run)} is an experiment, which is one command already",
            hint=f"type {labctl(shlex.join(command))}",
        )
    if not command or command[0] not in ("demo", "load") or not run.command.isprintable():
        raise StateUnusable(
            f"the run {printable(run.run)} was not made by `labctl demo` or `labctl load`",
            hint="export another run",
        )
    return command


def _described(seen: Seen, name: str) -> tuple[str, str]:
    if seen.started is None:
        return printable(name), ""
    return printable(seen.started.title), printable(seen.started.summary)


def _told(seen: Seen) -> Iterator[Note]:
    """The steps that one command took, with what was seen."""
    for number, step in enumerate(seen.steps, 1):
        yield Said(f"{number}: {step.title}")
        if step.command:
            yield Shown(tuple(f"$ {line}" for line in step.command.splitlines()))
        yield from step.notes


def _origin(journal: Journal, seen: Seen, command: Sequence[str]) -> Iterator[str]:
    run = journal.environment
    when = printable(run.started_at)[:19].replace("T", " ")
    yield (
        f"Exported by labctl from the run {printable(run.run)}: labctl {shlex.join(command)}, "
        f"{printable(run.runtime)} runtime, {when} UTC."
    )
    if seen.finished is None:
        yield _how_far(journal, seen)
    if journal.damage:
        yield f"Its journal is damaged: {printable(journal.damage[0])}."


def _how_far(journal: Journal, seen: Seen) -> str:
    what = "was not over yet" if journal.state == "running" else "was cut off"
    if seen.started is None or not seen.steps:
        return f"The run {what}, and had not begun its first step."
    return (
        f"The run {what}: it was in step {len(seen.steps)} of {seen.started.steps}. Later steps are left out."
    )


def _conclusion(journal: Journal, seen: Seen) -> str:
    if seen.finished is None:
        return ""
    rechecked = recheck_journal(journal)
    if rechecked.result == "different":
        return f"Judged again today, {printable(rechecked.conclusion)}"
    outcome, text = OUTCOMES[seen.finished.outcome], printable(seen.finished.conclusion)
    return f"The run ended {outcome}. {text}"


def _lab(name: str) -> str:
    try:
        return check_name(name)
    except UsageError:
        return DEFAULT_NAME


def _settings(recorded: Mapping[str, Any]) -> dict[str, str]:
    """The live settings of the run that are not the default."""
    found: dict[str, str] = {}
    for name, setting in LIVE_SETTINGS.items():
        try:
            value = setting.parse(recorded.get(name, setting.default))
        except ValueError:
            continue
        if value != setting.default:
            found[setting.variable] = render(value)
    return found
