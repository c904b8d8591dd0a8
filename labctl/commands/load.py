"""load: puts the lab under load, and judges every acknowledged write."""

from typing import Annotated

import typer

from labctl.cli import completions
from labctl.cli.context import invocation
from labctl.cli.options import Expect, Json, LabName, Quiet, Runtime
from labctl.cli.session import open_session
from labctl.cli.suggestions import require_known
from labctl.commands.play import play
from scenarios.catalogue import LOADS, Engine, choose, load_name
from scenarios.options import CLIENTS, DURATION, RATE
from scenarios.shares import USUAL_KEYS, USUAL_SHARES
from service.writebehind.settings import WritePolicy
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
    writes_per_second: Annotated[
        float | None,
        typer.Option(
            "--writes-per-second",
            metavar="PER_SECOND",
            help="Writes a second, likewise; the reads of the mix come on top. Not with --rate.",
        ),
    ] = None,
    clients: Annotated[
        int | None,
        typer.Option("--clients", metavar="NUMBER", help=f"How many clients at once, 1 to {CLIENTS.most:g}."),
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(
            "--mix",
            metavar="WEIGHTS",
            help=f"basic: what it sends how often; by default {str(USUAL_SHARES).replace(',', ', ')}.",
        ),
    ] = None,
    keys: Annotated[
        int | None,
        typer.Option(
            "--keys",
            metavar="NUMBER",
            help=f"basic: how many products to keep using, in all; {USUAL_KEYS:,} by default. If more are "
            "created, the oldest are left alone.",
        ),
    ] = None,
    policy: Annotated[
        WritePolicy | None,
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="write_behind or write_through, for each write; by default, as the lab is set.",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="FAULT",
            help="Break something meanwhile: redis:kill@5s:start@7s, redis:flushall@5s, worker:pause@3s, "
            "failures:on=30%@5s. The loss is then the result. Repeatable.",
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            "--engine", help="What generates the load: labctl itself, or k6 with the runbook's scripts."
        ),
    ] = "labctl",
    expect: Expect = None,
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Put the lab under load, and judge every acknowledged write.

    Starts the lab if none runs, and leaves it running.
    Repairs nothing: a load on a paused database is a measurement, too.
    Ctrl-C ends it early, and what was sent is judged; a second one ends it at once.

    With --rate or --writes-per-second, latency counts from when the request was due, so a stall is not
    hidden.
    """
    require_known("load", kind, LOADS["labctl"])
    if kind not in LOADS[engine]:
        raise UsageError(f"{engine} has no load {kind}", hint=f"choose {' or '.join(LOADS[engine])}")
    options = {
        "duration": duration,
        "rate": rate,
        "writes_per_second": writes_per_second,
        "clients": clients,
        "mix": mix,
        "keys": keys,
        "policy": policy,
        "fault": fault or None,
        "expect": expect or None,
    }
    # Before anything is started: an impossible option must not leave a lab behind.
    chosen = choose(load_name(kind, engine), options)
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet)
    play(invocation(context), session, [chosen])
