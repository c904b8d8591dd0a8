"""demo: scripted measurements, narrated and judged."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from labctl.cli import completions
from labctl.cli.context import invocation
from labctl.cli.keypress import wait_for_key
from labctl.cli.options import Expect, Json, LabName, Quiet, Runtime
from labctl.cli.question import asker
from labctl.cli.session import Session, open_session
from labctl.cli.suggestions import require_known
from labctl.commands.play import play
from scenarios.catalogue import DEMOS, choose, find
from scenarios.events import TableShown
from scenarios.options import EXPECT, Crash, Options
from scenarios.scenario import Scenario
from scenarios.scripted.asker import Asker
from scenarios.scripted.path import is_path
from stack.errors import UsageError

_ALL: Final = "all"


app = typer.Typer()


@app.command()
def demo(
    context: typer.Context,
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            autocompletion=completions.demos,
            help="Which demo, or `all`; or a scenario of your own: ./mine.yaml. Without a name: the list "
            "of them.",
        ),
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="Wait for a key before each step.")] = False,
    crash: Annotated[
        Crash | None,
        typer.Option(
            "--crash",
            help="data-loss: empty Redis (flushall, the default), or kill its process and start it again.",
        ),
    ] = None,
    expect: Expect = None,
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a demo: what write-behind gains, and what it can lose.

    Starts the lab if none runs, repairs one that runs in part, and leaves it running.

    Exit code 0: as predicted; 1: not as predicted; 3: inconclusive.
    """
    if scenario is not None and not is_path(scenario):
        require_known("demo", scenario, [*DEMOS, _ALL])
    _check_step(step=step, silent=json or quiet)
    values = {"crash": crash, "expect": expect or None}
    chosen = _choose_demos(scenario, values, asker(silent=json or quiet))
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    if scenario is None:
        return _list(session)
    return play(invocation(context), session, chosen, pause=wait_for_key if step else None)


def _choose_demos(name: str | None, values: Mapping[str, Any], ask: Asker) -> list[tuple[Scenario, Options]]:
    """The demos to run, with their options. Of `all`, each demo takes the options that it has."""
    if name is None:
        return []
    if is_path(name):
        # It brings the YAML reader and the loads along.
        from scenarios.scripted.file import open_script
        from scenarios.scripted.play import scenario_of

        own = scenario_of(open_script(Path(name)), name, ask)
        return [(own, own.parse(values))]
    if name != _ALL:
        return [choose(name, values)]
    scenarios = [find(demo) for demo in DEMOS]
    return [
        (scenario, scenario.parse({o.name: values[o.name] for o in (*scenario.options, EXPECT)}))
        for scenario in scenarios
    ]


def _check_step(*, step: bool, silent: bool) -> None:
    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--step waits for a key, and there is no terminal", hint="leave --step out")
    if step and silent:
        raise UsageError("--step shows every step; --json and --quiet show none", hint="choose one of them")


def _list(session: Session) -> None:
    document = {"demos": [{"name": name, "summary": summary} for name, summary in DEMOS.items()]}
    columns = ("demo", "what it shows")
    session.answer(document, TableShown("demos", "", columns, tuple(DEMOS.items())))
