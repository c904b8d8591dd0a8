"""The command tree. Nothing here, nor in what it imports, may be slow: `labctl --help` waits for it."""

from importlib.metadata import version as installed
from typing import Annotated, Final

import typer

from labctl.cli.context import invocation
from labctl.cli.debug_log import start_debug_log
from labctl.cli.lazy import Entry, LazyGroup
from labctl.cli.options import LabName, Runtime

_LAB: Final = "The lab"
_DEMOS: Final = "Demos and loads"
_LOOK: Final = "Look inside"
_CHANGE: Final = "Change it, break it"


class Commands(LazyGroup):
    """All commands of labctl, in the order that the help shows them in."""

    entries = {  # noqa: RUF012 - its type is declared in the base class
        "up": Entry("lab", _LAB, "Start the lab, or repair the one that runs."),
        "down": Entry("lab", _LAB, "Stop the lab and remove all that it left behind."),
        "status": Entry(
            "lab", _LAB, "Show which services run, since when, and where; and whether what is due gets done."
        ),
        "urls": Entry("lab", _LAB, "Show where the API, Redis and PostgreSQL are reached."),
        "open": Entry(
            "page", _LAB, "Open the lab's page in a browser, or print its URL where there is none."
        ),
        "compose": Entry("lab", _LAB, "Print the lab as a compose.yaml."),
        "doctor": Entry("doctor", _LAB, "Check that this machine is fit for the lab."),
        "demo": Entry("demo", _DEMOS, "Run a demo: what write-behind gains, and what it can lose."),
        "scenario": Entry("scenario", _DEMOS, "Scenarios of your own, in YAML: write, check and show them."),
        "load": Entry("load", _DEMOS, "Put the lab under load, and judge every acknowledged write."),
        "experiment": Entry("experiment", _DEMOS, "Compare settings, policies and faults by many trials."),
        "runs": Entry("runs", _DEMOS, "Earlier runs: their journals, listed, shown and removed."),
        "report": Entry("report", _DEMOS, "Show an earlier run again, or write a report of it."),
        "compare": Entry("compare", _DEMOS, "Compare two runs: figures, with their uncertainty, and checks."),
        "recheck": Entry("recheck", _DEMOS, "Judge an earlier run anew, from its journal alone."),
        "export": Entry("export", _DEMOS, "Write a run as a script, or as a notebook for Runme."),
        "logs": Entry("logs", _LOOK, "Show the services' logs, in order of time."),
        "top": Entry("observe", _LOOK, "Show what each service uses, and what a crash of Redis would cost."),
        "exec": Entry("observe", _LOOK, "Run a command where a service runs."),
        "explain": Entry("explain", _LOOK, "Tell in words what became of a product's writes, and why."),
        "trace": Entry("trace", _LOOK, "Show one write's life as a waterfall."),
        "product": Entry("product", _LOOK, "Create, read, change and delete products."),
        "queue": Entry("queue", _LOOK, "The write queue: look at it, or flush it now."),
        "dlq": Entry("queue", _LOOK, "The dead letters: writes that PostgreSQL refused."),
        "db": Entry("database", _LOOK, "Look straight into PostgreSQL, with psql."),
        "cache": Entry("database", _LOOK, "Look straight into Redis, with redis-cli."),
        "config": Entry("faults", _CHANGE, "The settings, changed while everything runs."),
        "worker": Entry("faults", _CHANGE, "The worker, which writes to PostgreSQL."),
        "fault": Entry("faults", _CHANGE, "Break something on purpose."),
    }


app = typer.Typer(
    cls=Commands,
    help="A write-behind cache on your machine: see what it gains, and what it can lose.",
    epilog="Begin with: labctl up, then labctl demo coalescing. Each command explains itself with --help.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=True,
)


@app.callback(invoke_without_command=True)
def begin(
    context: typer.Context,
    name: LabName = None,
    runtime: Runtime = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log to stderr what labctl does (also: LABCTL_DEBUG=1).")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    # The options stand here as well as at each command, so that either order works.
    call = invocation(context)
    call.name, call.runtime = name, runtime
    if debug:
        start_debug_log()
    if version:
        typer.echo(f"labctl {installed('write-behind-lab')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
