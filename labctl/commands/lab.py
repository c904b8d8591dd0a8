"""up, down, status, urls: the life of the lab."""

import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from labctl.cli.advice import advice, flushing
from labctl.cli.assignments import parse_assignments, parse_ports
from labctl.cli.context import invocation
from labctl.cli.lab_command import lab_command
from labctl.cli.options import Json, LabName, Quiet, Runtime, Settings
from labctl.cli.reached import reached
from labctl.cli.session import Session, open_session
from labctl.render.text.figures import duration
from scenarios.events import Event, TableShown
from stack.converge.lifecycle import Converged
from stack.converge.plan import Plan
from stack.package_files import compose_file
from stack.spec.events import ServiceChanged, StackEvent, StackEvents, StackNoted
from stack.spec.hints import for_lab
from stack.spec.names import DEFAULT_NAME
from stack.spec.runtime import Observed
from stack.spec.validate import check_name

app = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")]


@app.command()
def up(
    context: typer.Context,
    settings: Settings = None,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="SERVICE=PORT", help="Another port, such as api=8001. Repeatable."),
    ] = None,
    observability: Annotated[
        bool | None,
        typer.Option(
            "--observability/--no-observability",
            help="Docker: with or without Prometheus, Grafana and Jaeger. Default: as before, at first with.",
            show_default=False,
        ),
    ] = None,
    ui_control: Annotated[
        bool | None,
        typer.Option(
            "--allow-ui-control/--no-ui-control",
            help="Let the lab's page change settings and inject faults. Default: as before; at first not.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    name: LabName = None,
    runtime: Runtime = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Start the lab, or repair the one that runs.

    A second time changes nothing.
    """
    ports, overrides = parse_ports(port or ()), parse_assignments(settings or ())
    if ui_control is not None:
        overrides["ALLOW_UI_CONTROL"] = str(ui_control).lower()
    session = open_session(context, name=name, runtime=runtime, json=json, quiet=quiet, ports=ports or None)
    if dry_run:
        _show_plan(session, session.lab.plan_up(overrides, observability=observability))
        return
    services = start_lab(session, overrides, observability=observability)
    if json:
        healthy = session.lab.status(services)
        urls = {"urls": reached(session.lab), "page": page_url(session)}
        session.answer({**_identity(session), **urls, "services": describe(healthy)})
    else:
        session.show(_urls(session))


def start_lab(
    session: Session, settings: Mapping[str, str], *, observability: bool | None = None
) -> Mapping[str, Observed]:
    """Bring the lab up and say how long it took; what was seen last of its services."""
    begun = time.monotonic()
    lab = session.lab
    runtime = f"{lab.kind} runtime ({lab.reason})"
    services: dict[str, Observed] = {}
    changed = False

    def bring_up() -> StackEvents:
        nonlocal changed
        work = _announced(
            lab.up(settings, observability=observability), f"Starting the lab {lab.name}, {runtime}."
        )
        observed, changed = yield from work
        services.update(observed)

    session.follow(bring_up())
    session.tend(services)
    took = f"The lab {lab.name} is up: {time.monotonic() - begun:.1f} s."
    session.show(StackNoted(took if changed else f"The lab {lab.name} is already up, {runtime}."))
    return services


def _announced(
    work: Converged, announcement: str
) -> Generator[StackEvent, None, tuple[Mapping[str, Observed], bool]]:
    """The work's events, after an announcement where it changes something.

    Returns:
        What the work returns, and whether it changed something.
    """
    unchanged: list[StackEvent] = []
    with closing(work):
        try:
            while _changes_nothing(event := next(work)):
                if isinstance(event, StackNoted):
                    # Such as that another labctl is at work: that has to be said at once.
                    yield event
                else:
                    unchanged.append(event)
        except StopIteration as end:
            yield from unchanged
            return end.value, False
        yield StackNoted(announcement)
        yield from (*unchanged, event)
        return (yield from work), True


def _changes_nothing(event: StackEvent) -> bool:
    return isinstance(event, StackNoted) or (isinstance(event, ServiceChanged) and event.state == "healthy")


@lab_command(app, quiet=True, tends=False)
def down(
    session: Session,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the database for the next `labctl up`.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Stop the lab and remove all that it left behind.

    The journals of its runs stay; `labctl runs rm` removes them.
    """
    if dry_run:
        _show_plan(session, session.lab.plan_down(keep_data=keep_data))
        return
    begun = time.monotonic()
    told: list[StackEvent] = []
    session.follow(_noted(session.lab.down(keep_data=keep_data), told), to_the_end=True)
    # That there is nothing to take down is told by a sentence alone.
    if not told or any(isinstance(event, ServiceChanged) for event in told):
        session.show(StackNoted(f"The lab {session.lab.name} is down: {time.monotonic() - begun:.1f} s."))
    if session.json:
        session.answer({**_identity(session), "down": True, "data_kept": keep_data})


def _noted(work: StackEvents, told: list[StackEvent]) -> StackEvents:
    """The work's events, each also put into the list."""
    with closing(work):
        for event in work:
            told.append(event)
            yield event


@lab_command(app)
def status(session: Session) -> None:
    """Show which services run, since when, and where; and whether what is due gets done."""

    observed = session.lab.status()
    # Asking a Redis that does not answer takes long, and `status` has just done so.
    answers = observed["redis"].state in ("healthy", "unhealthy")
    condition = session.lab.condition() if answers else None
    document = {**_identity(session), "services": describe(observed), "flushing": flushing(condition)}
    session.answer(document, _table(session, observed))
    # That the lab is down is an answer, not a failure.
    for sentence in advice(observed, condition):
        session.show(StackNoted(for_lab(sentence, session.lab.name)))


@lab_command(app, tends=False)
def urls(session: Session) -> None:
    """Show where the API, Redis and PostgreSQL are reached."""
    session.require_started()
    session.answer({"urls": reached(session.lab), "page": page_url(session)}, _urls(session))


@app.command()
def compose(
    context: typer.Context,
    directory: Annotated[
        bool, typer.Option("--directory", help="Print the directory that the file lies in instead.")
    ] = False,
    name: LabName = None,
    runtime: Runtime = None,
) -> None:
    """Print the lab as a compose.yaml.

    It mounts files beside it: cd "$(labctl compose --directory)", then docker compose up --build -d.
    """

    call = invocation(context)
    call.name = name or call.name or DEFAULT_NAME
    if check_name(call.name) != DEFAULT_NAME:
        typer.echo(f"Whatever --name says, compose starts the lab {DEFAULT_NAME}.", err=True)
    path = compose_file()
    typer.echo(str(path.parent) if directory else path.read_text(), nl=directory)


def _show_plan(session: Session, plan: Plan) -> None:
    """A plan as it is, one line for each thing to do; as one document for programs."""
    if session.json:
        session.answer({**_identity(session), **plan.document()})
    else:
        typer.echo("\n".join(plan.lines()))


def _identity(session: Session) -> dict[str, str]:
    lab = session.lab
    return {"name": lab.name, "runtime": lab.kind, "reason": lab.reason}


def describe(observed: Mapping[str, Observed]) -> dict[str, dict[str, Any]]:
    """Services as JSON documents show them."""
    return {name: _service(seen) for name, seen in observed.items()}


def _service(seen: Observed) -> dict[str, Any]:
    """A healthy service is a running one: scripts ask for `state`, and more exactly for `healthy`."""
    healthy = seen.state == "healthy"
    return {
        "state": "running" if healthy else seen.state,
        "healthy": healthy,
        "pid": seen.pid,
        "port": seen.port,
        "started_at": seen.started_at,
        "detail": seen.detail,
    }


def _table(session: Session, observed: Mapping[str, Observed]) -> Event:

    now = time.time()
    rows = tuple(
        (
            name,
            seen.state,
            str(seen.pid or "-"),
            str(seen.port or "-"),
            duration(max(0.0, now - seen.started_at)) if seen.started_at else "-",
            seen.detail,
        )
        for name, seen in observed.items()
    )
    title = f"The lab {session.lab.name}, {session.lab.kind} runtime"
    return TableShown("status", title, ("service", "state", "pid", "port", "up for", ""), rows)


def _urls(session: Session) -> Event:
    rows = (*reached(session.lab).items(), ("the page", page_url(session)))
    return TableShown("urls", "", ("service", "URL"), rows)


def page_url(session: Session) -> str:
    """Where the lab's page is."""
    return f"{session.lab.urls()['api']}/"
