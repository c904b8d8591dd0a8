"""top, exec: looking at the lab, and into it."""

import sys
from typing import Annotated

import typer

from labctl.cli.lab_command import lab_command
from labctl.cli.options import Service
from labctl.cli.session import Session
from labctl.commands.top import ask_exposed, at_stake, measure, usage_document, usage_table, watch
from stack.errors import UsageError

app = typer.Typer()


@lab_command(app)
def top(
    session: Session,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once, even on a terminal.")] = False,
) -> None:
    """Show what each service uses, and what a crash of Redis would cost.

    Live on a terminal: q ends it.
    """
    session.require_started()
    if session.live and not once:
        watch(session.lab)
        return

    usage = measure(session.lab)
    exposed = ask_exposed(session.lab, usage)
    session.answer(usage_document(usage, exposed), usage_table(usage, at_stake(exposed)))


@lab_command(app, "exec", json=False, raw_arguments=True)
def execute(
    session: Session,
    service: Service,
    argv: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="Such as: psql -c 'SELECT 1'")],
    stdin: Annotated[
        bool, typer.Option("--stdin", "-i", help="Pass on what is piped into labctl (stands before SERVICE).")
    ] = False,
) -> None:
    """Run a command where a service runs.

    psql, pg_isready and redis-cli reach this lab's servers. Nothing can be typed into the command: what it
    reads has to be piped in, with -i.
    """
    if argv[0].startswith("-") and argv[0] != "--":
        raise UsageError(
            f"{argv[0]} stands behind the service, where the command begins",
            hint=f"put options of labctl before it: labctl exec --name NAME {service} -- COMMAND",
        )
    # The `--` only keeps labctl from reading the options that follow it.
    command = argv[1:] if argv[0] == "--" else argv
    done = session.lab.exec(service, command, sys.stdin.buffer.read() if stdin else b"")
    # Unchanged, whether it is text or not.
    for stream, said in ((sys.stdout, done.stdout), (sys.stderr, done.stderr)):
        stream.buffer.write(said.encode(errors="surrogateescape"))
        stream.buffer.flush()
    raise typer.Exit(done.exit_code)
