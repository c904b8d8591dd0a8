"""From a journal, or from a demo that was not run, to an export.

The commands come from labctl's own scripts, never from the journal: it may be anybody's. Of the journal, only
what the script of its scenario can't know is taken: options, settings and the lab's name, each checked first.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from labctl.export.document import Export, steps_of
from labctl.export.seen import Note, Said, Seen, Shown, gather
from labctl.render.text.printable import printable
from labctl.render.text.sentences import OUTCOMES
from scenarios.catalogue import DEMOS, LOADS, find, load_name
from scenarios.export.script import Script, ScriptStep, script_of
from scenarios.journal.lines import Environment
from scenarios.journal.reader import Journal
from scenarios.scenario import Scenario
from service.writebehind.setting import render
from service.writebehind.settings import LIVE_SETTINGS
from stack.errors import StateUnusable, UsageError
from stack.spec.names import DEFAULT_NAME
from stack.spec.validate import check_name

#: All scenarios that labctl has.
KNOWN: Final = (*DEMOS, *(load_name(kind, engine) for engine, kinds in LOADS.items() for kind in kinds))


def export_demo(name: str) -> Export:
    """A demo or load without options, and without outputs.

    Raises:
        UsageError: there is no scenario of that name.
    """
    scenario = find(name)
    script = _script(scenario, {})
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
        StateUnusable: the journal can't be read, or holds nothing that could be run.
        UsageError: an option of the run is not one that this labctl takes.
    """
    run = journal.environment
    seen = gather(event for _, event in journal.events())
    if run.scenario in KNOWN:
        scenario = find(run.scenario)
        script = _script(scenario, run.options)
        title, summary = scenario.title, scenario.summary
        steps = steps_of(script, [step.notes for step in seen.steps])
    else:
        title, summary = _described(seen, run.scenario)
        script = Script((ScriptStep(title, _command(run)),))
        steps = steps_of(script, [list(_told(seen))])
    return Export(
        title=title,
        summary=summary,
        origin=tuple(_origin(journal, seen, len(script.steps))),
        lab=_lab(run.lab),
        settings=_settings(run.settings),
        total=len(script.steps),
        steps=steps,
        cleanup=script.cleanup,
        conclusion=_conclusion(seen),
    )


def _script(scenario: Scenario, chosen: Mapping[str, Any]) -> Script:
    """Raises UsageError if an option is not the scenario's, or its value is not allowed."""
    options = scenario.parse(chosen)
    command = [*scenario.command.split(), *_options(chosen)]
    return script_of(scenario.name, scenario.title, command, asdict(options))


def _options(chosen: Mapping[str, Any]) -> Iterator[str]:
    for name, value in chosen.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            yield f"--{name.replace('_', '-')}"
            yield f"{one:g}" if isinstance(one, float) else str(one)


def _command(run: Environment) -> str:
    """The command that runs a scenario which labctl does not know, such as one of the user's own."""
    try:
        words = shlex.split(run.command)
    except ValueError:
        words = []
    if not words or words[0] not in ("demo", "load"):
        raise StateUnusable(
            f"{printable(run.command)!r} is not a command that can be exported",
            hint="export a run that `labctl demo` or `labctl load` made",
        )
    return f'labctl --name "$LAB" {shlex.join(words)}\n'


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


def _origin(journal: Journal, seen: Seen, total: int) -> Iterator[str]:
    run = journal.environment
    when = printable(run.started_at)[:19].replace("T", " ")
    yield (
        f"Exported by labctl from the run {printable(run.run)}: `labctl {printable(run.command)}`, "
        f"{printable(run.runtime)} runtime, {when} UTC."
    )
    if seen.finished is None:
        yield (
            f"That run was cut off in step {len(seen.steps)} of {total}: what follows is what was done."
            if seen.steps
            else "That run was cut off before its first step."
        )
    if journal.damage:
        yield f"Its journal is damaged: {printable(journal.damage[0])}."


def _conclusion(seen: Seen) -> str:
    if seen.finished is None:
        return ""
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
