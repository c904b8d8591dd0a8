"""load: puts the lab under load, and judges every acknowledged write."""

from typing import Annotated

import typer

from labctl.cli import completions
from labctl.cli.context import invocation
from labctl.cli.options import Json, LabName, Quiet, Runtime
from labctl.cli.session import open_session
from labctl.cli.suggestions import require_known
from labctl.commands.play import play
from scenarios.catalogue import LOADS, Engine, choose, load_name
from scenarios.options import CLIENTS, DURATION, RATE
from stack.errors import UsageError

app = typer.Typer()


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
    play(invocation(context), session, [chosen])
