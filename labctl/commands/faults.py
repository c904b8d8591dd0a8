"""config, worker, fault: change the lab while it runs, or break it on purpose."""

from collections.abc import Iterator
from typing import Annotated

import typer

from labctl.cli import completions
from labctl.cli.api import request
from labctl.cli.assignments import parse_assignments
from labctl.cli.lab_command import lab_command
from labctl.cli.options import Service, Settings
from labctl.cli.session import Session
from labctl.cli.setting_tables import setting_tables
from labctl.commands.lab import describe
from stack.converge.drain import told
from stack.spec.events import StackEvent

config_group = typer.Typer(help="The settings, changed while everything runs.", no_args_is_help=True)
worker_group = typer.Typer(help="The worker, which writes to PostgreSQL.", no_args_is_help=True)
fault_group = typer.Typer(help="Break something on purpose.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(config_group, name="config")
app.add_typer(worker_group, name="worker")
app.add_typer(fault_group, name="fault")


@lab_command(config_group)
def show(session: Session) -> None:
    """Show the live settings: value, default, range and meaning."""
    values = request(session, "GET", "/admin/config")
    session.answer(values, *setting_tables(values))


@lab_command(config_group, "set")
def change(
    session: Session,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            autocompletion=completions.live_settings,
            help="Such as COALESCING_WINDOW_MS=2000; `labctl config show` explains each.",
        ),
    ],
) -> None:
    """Change settings at once, in the service and in the worker."""
    changes = {key.lower(): value for key, value in parse_assignments(settings).items()}
    session.answer_fields(request(session, "PATCH", "/admin/config", changes))
    # Keep them, also for when Redis loses its memory.
    session.tend()


@lab_command(worker_group, quiet=True)
def stop(session: Session) -> None:
    """Stop the worker in good order: acknowledged writes wait in Redis."""
    _change(session, session.lab.stop("worker"))
    _say_what_waits(session)


@lab_command(worker_group, quiet=True)
def start(session: Session) -> None:
    """Start the worker."""
    _change(session, session.lab.start("worker"))


@lab_command(worker_group, quiet=True)
def restart(session: Session, settings: Settings = None) -> None:
    """Stop the worker and start it, with other settings if given."""
    _change(session, session.lab.restart("worker", parse_assignments(settings or ())))


@lab_command(worker_group, quiet=True)
def kill(session: Session) -> None:
    """Kill the worker without warning (SIGKILL)."""
    _change(session, session.lab.kill("worker"))
    _say_what_waits(session)


@lab_command(fault_group)
def flushall(session: Session) -> None:
    """Empty Redis: cache, queue and all. What was not yet in PostgreSQL is lost."""
    session.follow(session.lab.at_stake("redis"))
    session.answer_text("answer", session.execute("redis", ["redis-cli", "FLUSHALL"]))
    session.tend()


@lab_command(fault_group, "stop", quiet=True)
def stop_service(session: Session, service: Service) -> None:
    """Stop a service in good order."""
    _change(session, session.lab.stop(service))


@lab_command(fault_group, "start", quiet=True)
def start_service(session: Session, service: Service) -> None:
    """Start a service that was stopped or killed."""
    _change(session, session.lab.start(service))


@lab_command(fault_group, "kill", quiet=True)
def kill_service(session: Session, service: Service) -> None:
    """Kill a service without warning (SIGKILL)."""
    _change(session, session.lab.kill(service))


@lab_command(fault_group, quiet=True)
def pause(session: Session, service: Service) -> None:
    """Freeze a service (SIGSTOP): its connections stay open and unanswered."""
    _change(session, session.lab.pause(service))


@lab_command(fault_group, quiet=True)
def resume(session: Session, service: Service) -> None:
    """Let a frozen service go on (SIGCONT)."""
    _change(session, session.lab.resume(service))


def _say_what_waits(session: Session) -> None:
    """Say what waits: without a worker nothing is lost, but nothing reaches PostgreSQL either."""

    session.follow(told(session.lab.redis, lost=False))


def _change(session: Session, events: Iterator[StackEvent]) -> None:
    session.follow(events)
    if session.json:
        session.answer({"services": describe(session.lab.status())})
