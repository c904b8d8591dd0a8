"""demo and load: scenarios, narrated and judged."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import typer

from labctl.cli import completions
from labctl.cli.context import invocation
from labctl.cli.keypress import wait_for_key
from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import Session, open_session
from labctl.cli.suggestions import require_known
from labctl.commands.play import play
from scenarios import catalogue
from scenarios.events import TableShown
from scenarios.scenario import Options
from stack.errors import UsageError

_ALL: Final = "all"
LOADS: Final = ("basic", "coalescing", "quick")
#: Loads that k6 has a script for.
K6_LOADS: Final = ("basic", "coalescing")
Engine = Literal["labctl", "k6"]


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
        Literal["flushall", "kill"],
        typer.Option("--crash", help="data-loss: empty Redis, or kill its process and start it again."),
    ] = "flushall",
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run a demo: what write-behind gains, and what it can lose.

    Starts the lab if none runs, repairs one that runs in part, and leaves it running.

    Exit code 0: as predicted; 1: not as predicted; 3: inconclusive.
    """

    demos = catalogue.demos()
    if scenario is not None:
        require_known("demo", scenario, [*demos, _ALL])
    _check_step(step=step, silent=json or quiet)
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    if scenario is None:
        return _list(session, demos)
    chosen = tuple(demos) if scenario == _ALL else (scenario,)
    return _play(context, session, chosen, {"crash": crash}, step=step)


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
        typer.Option("--duration", metavar="SECONDS", help="How long, up to 3600; not for quick."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="PER_SECOND", help="Requests a second, whatever the answers take."),
    ] = None,
    clients: Annotated[
        int | None, typer.Option("--clients", help="How many clients at once, 1 to 256.")
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option("--engine", help="Who makes the load: labctl itself, or k6 with the runbook's scripts."),
    ] = "labctl",
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put the lab under load, and judge every acknowledged write.

    Starts the lab if none runs, and leaves it running. What is broken stays so: a load on a paused database
    is a measurement, too.

    With --rate, a latency counts from when the request was due: a stall is not hidden.
    """

    require_known("load", kind, LOADS)
    if engine == "k6" and kind not in K6_LOADS:
        raise UsageError(f"k6 has no load {kind}", hint=f"choose {' or '.join(K6_LOADS)}")
    options = {"duration": duration, "rate": rate, "clients": clients}
    # Impossible numbers are refused before anything is started.
    Options.of(options)
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    prefix = "k6" if engine == "k6" else "load"
    _play(context, session, (f"{prefix}-{kind}",), options, step=False)


def _play(
    context: typer.Context,
    session: Session,
    names: tuple[str, ...],
    options: Mapping[str, Any],
    *,
    step: bool,
) -> None:

    # A demo needs a lab that works; a load may be about one that does not.
    repair = not names[0].startswith(("load-", "k6-"))
    play(invocation(context), session, names, options, pause=wait_for_key if step else None, repair=repair)


def _check_step(*, step: bool, silent: bool) -> None:
    if step and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--step waits for a key, and there is no terminal", hint="leave --step out")
    if step and silent:
        raise UsageError("--step shows every step; --json and --quiet show none", hint="choose one of them")


def _list(session: Session, demos: Mapping[str, str]) -> None:

    document = {"demos": [{"name": name, "summary": summary} for name, summary in demos.items()]}
    columns = ("demo", "what it shows")
    session.answer(document, TableShown("demos", "", columns, tuple(demos.items())))
