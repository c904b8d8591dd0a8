"""demo and load: scenarios, narrated and judged."""

import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from labctl.cli import completions
from labctl.cli.context import invocation
from labctl.cli.keypress import wait_for_key
from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import Session, open_session
from labctl.cli.suggestions import require_known
from labctl.commands.play import play
from scenarios.catalogue import DEMOS, LOADS, Engine, choose, find, load_name
from scenarios.events import TableShown
from scenarios.options import CLIENTS, DURATION, RATE, Crash, Options
from scenarios.scenario import Scenario
from stack.errors import UsageError

_ALL: Final = "all"


app = typer.Typer()


@app.command()
def demo(
    context: typer.Context,
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=completions.demos,
            help="Which demo, or `all`. Without a name: the list of them.",
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
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a demo: what write-behind gains, and what it can lose.

    Starts the lab if none runs, repairs one that runs in part, and leaves it running.

    Exit code 0: as predicted; 1: not as predicted; 3: inconclusive.
    """
    if scenario is not None:
        require_known("demo", scenario, [*DEMOS, _ALL])
    _check_step(step=step, silent=json or quiet)
    chosen = _choose_demos(scenario, crash)
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    if scenario is None:
        return _list(session)
    return _play(context, session, chosen, step=step)


@app.command()
def load(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="[basic|coalescing|quick]",
            autocompletion=completions.loads,
            help="Reads and writes mixed; updates of one hot product; or 50 rapid writes.",
        ),
    ] = "basic",
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration", metavar="SECONDS", help=f"How long, up to {DURATION.most:g}; not for quick."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="PER_SECOND",
            help=f"Requests a second, up to {RATE.most:,}, however long the answers take.",
        ),
    ] = None,
    clients: Annotated[
        int | None, typer.Option("--clients", help=f"How many clients at once, 1 to {CLIENTS.most:g}.")
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            "--engine", help="What generates the load: labctl itself, or k6 with the runbook's scripts."
        ),
    ] = "labctl",
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put the lab under load, and judge every acknowledged write.

    Starts the lab if none runs, and leaves it running.
    Repairs nothing: a load on a paused database is a measurement, too.

    With --rate, latency counts from when the request was due, so a stall is not hidden.
    """
    require_known("load", kind, LOADS["labctl"])
    if kind not in LOADS[engine]:
        raise UsageError(f"{engine} has no load {kind}", hint=f"choose {' or '.join(LOADS[engine])}")
    options = {"duration": duration, "rate": rate, "clients": clients}
    # Before anything is started: an impossible option must not leave a lab behind.
    chosen = choose(load_name(kind, engine), options)
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    _play(context, session, [chosen], step=False)


def _choose_demos(name: str | None, crash: Crash | None) -> list[tuple[Scenario, Options]]:
    """The demos to run, with their options. Of `all`, each demo takes the options that it has."""
    if name is None:
        return []
    values = {"crash": crash}
    if name != _ALL:
        return [choose(name, values)]
    scenarios = [find(demo) for demo in DEMOS]
    return [
        (scenario, scenario.parse({o.name: values[o.name] for o in scenario.options}))
        for scenario in scenarios
    ]


def _play(
    context: typer.Context, session: Session, chosen: Sequence[tuple[Scenario, Options]], *, step: bool
) -> None:
    play(invocation(context), session, chosen, pause=wait_for_key if step else None)


def _check_step(*, step: bool, silent: bool) -> None:
    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--step waits for a key, and there is no terminal", hint="leave --step out")
    if step and silent:
        raise UsageError("--step shows every step; --json and --quiet show none", hint="choose one of them")


def _list(session: Session) -> None:
    document = {"demos": [{"name": name, "summary": summary} for name, summary in DEMOS.items()]}
    columns = ("demo", "what it shows")
    session.answer(document, TableShown("demos", "", columns, tuple(DEMOS.items())))
