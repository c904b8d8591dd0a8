"""The command tree. Nothing here, nor in what it imports, may be slow: `labctl --help` waits for it."""

from typing import Annotated, Final

import typer

from labctl.cli.context import invocation
from labctl.cli.lab_command import lab_command
from labctl.cli.options import LabName, Runtime
from labctl.commands import database, demo, faults, lab, observe, product, queue
from labctl.commands.report import report

_LAB: Final = "The lab"
_DEMOS: Final = "Demos and loads"
_LOOK: Final = "Look inside"
_CHANGE: Final = "Change it, break it"

app = typer.Typer(
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
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    # The options stand here as well as at each command, so that either order works.
    call = invocation(context)
    call.name, call.runtime = name, runtime
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"labctl {installed('write-behind-lab')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


lab.register(app, _LAB)
lab_command(app, panel=_LAB, tends=False)(observe.doctor)
demo.register(app, _DEMOS)
lab_command(app, panel=_DEMOS, tends=False)(report)
observe.register(app, _LOOK)
app.add_typer(product.group, name="product", rich_help_panel=_LOOK)
app.add_typer(queue.queue_group, name="queue", rich_help_panel=_LOOK)
app.add_typer(queue.dlq_group, name="dlq", rich_help_panel=_LOOK)
app.add_typer(database.db_group, name="db", rich_help_panel=_LOOK)
app.add_typer(database.cache_group, name="cache", rich_help_panel=_LOOK)
app.add_typer(faults.config_group, name="config", rich_help_panel=_CHANGE)
app.add_typer(faults.worker_group, name="worker", rich_help_panel=_CHANGE)
app.add_typer(faults.fault_group, name="fault", rich_help_panel=_CHANGE)
