"""What a command works with: one lab, and one renderer for everything that it shows."""

import sys
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from shlex import join
from typing import Any, Final, cast

import typer

from labctl.cli.context import invocation
from labctl.cli.options import RuntimeChoice
from labctl.render.choose import choose_renderer, is_terminal
from labctl.render.json_text import write_document
from labctl.render.renderer import Renderer
from scenarios.events import Event, StepStarted, TableShown
from scenarios.shell_commands import labctl_for
from stack.converge.restore import tend
from stack.errors import EnvironmentFault, NotRunning, UsageError
from stack.factory import open_lab
from stack.lab import Lab
from stack.spec.events import StackNoted
from stack.spec.hints import labctl
from stack.spec.names import DEFAULT_NAME
from stack.spec.runtime import Observed

#: Version of the JSON documents' shape.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a command shows, and how."""

    renderer: Renderer
    json: bool
    quiet: bool
    #: Whether results go to a terminal, where a live display makes sense.
    live: bool
    #: The lab and the runtime that were named; None: any.
    name: str | None = None
    runtime: RuntimeChoice | None = None

    def show(self, *events: Event) -> None:
        """Render these events."""
        for event in events:
            self.renderer.on(event)

    def follow(self, events: Iterator[Event], *, to_the_end: bool = False) -> None:
        """Render events as they come. However this ends, their clean-up runs before it returns.

        Args:
            to_the_end: Finish the work even if the reader of the output has gone.
        """
        # Every source of events is a generator; typed as what it yields.
        with closing(cast("Generator[Event, None, None]", events)) as open_events:
            for event in open_events:
                try:
                    self.renderer.on(event)
                except OSError:
                    if to_the_end:
                        deque(open_events, maxlen=0)
                    raise

    def answer(self, document: Mapping[str, Any], *events: Event) -> None:
        """The command's result: the document for programs, the events for people."""
        if self.json:
            write_json(document)
        else:
            self.show(*events)

    def answer_fields(self, document: Mapping[str, Any]) -> None:
        """The document itself as JSON, or its fields one below the other."""

        self.answer(document, TableShown("answer", "", ("field", "value"), tuple(_fields(document))))

    def answer_text(self, key: str, text: str) -> None:
        """The unchanged output of another program."""
        if self.json:
            write_json({key: text.splitlines()})
        else:
            sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Output):
    """A command at work on one lab."""

    lab: Lab

    def tend(self, services: Mapping[str, Observed] | None = None) -> None:
        """Repair what killed runs and a restarted Redis left behind, and say what was repaired.

        Args:
            services: What was just seen of its services; None: look.
        """
        for event in tend(self.lab, services):
            if self.json and isinstance(event, StackNoted):
                # It is not part of the document, but it has to be said.
                sys.stderr.write(f"{event.text}\n")
            else:
                self.renderer.on(event)

    def execute(self, service: str, argv: Sequence[str], *, refusal: int | None = None) -> str:
        """Show a command, run it where the service runs, and return what it printed.

        Raises:
            UsageError: it ended with the exit code `refusal`: the request makes no sense.
            EnvironmentFault: it failed in another way; the message is its own output.
        """

        self.command(self._typed(argv))
        done = self.lab.exec(service, argv)
        if done.exit_code:
            told = (done.stderr or done.stdout).strip() or f"exit code {done.exit_code}"
            if done.exit_code == refusal:
                raise UsageError(f"{argv[0]}: {told}", hint="correct the command and try again")
            raise EnvironmentFault(f"{argv[0]}: {told}", hint=f"look at {labctl('status')}")
        return done.stdout

    def _typed(self, argv: Sequence[str]) -> str:
        """The command with the lab's address, so that it works in any shell."""

        addressed = {"psql": ["psql", "postgres"], "redis-cli": ["redis-cli", "-u", "redis"]}
        if argv[0] not in addressed:
            return join(argv)
        *program, endpoint = addressed[argv[0]]
        return join([*program, self.lab.urls()[endpoint], *argv[1:]])

    def command(self, text: str) -> None:
        """Show the command that does the same without labctl."""

        if not self.json and not self.quiet:
            self.show(StepStarted(0, "", text))

    def hint(self, words: str) -> str:
        """The command of labctl for this lab, to be typed: `labctl up --name second`."""

        return f"`{labctl_for(self.lab.name, words)}`"

    def require_started(self) -> None:
        """Raises NotRunning unless at least one service of the lab exists."""

        # Their health is not checked: that takes long where one of them is frozen.
        if not self.lab.services():
            raise NotRunning(
                f"the lab {self.lab.name} is not running", hint=f"start it with {self.hint('up')}"
            )


def open_output(
    context: typer.Context,
    *,
    name: str | None = None,
    runtime: RuntimeChoice | None = None,
    json: bool = False,
    quiet: bool = False,
) -> Output:
    """The renderer that the streams call for."""
    call = invocation(context)
    call.json = json
    call.name, call.runtime = name or call.name, runtime or call.runtime
    renderer = choose_renderer(json=json, quiet=quiet)
    call.cleanups.append(renderer.close)
    return Output(
        renderer=renderer,
        json=json,
        quiet=quiet,
        live=not json and is_terminal(),
        name=call.name,
        runtime=call.runtime,
    )


def open_session(
    context: typer.Context,
    *,
    name: str | None,
    runtime: RuntimeChoice | None,
    json: bool = False,
    quiet: bool = False,
    ports: Mapping[str, int] | None = None,
) -> Session:
    """The lab that the options name, and the renderer that the streams call for."""
    output = open_output(context, name=name, runtime=runtime, json=json, quiet=quiet)
    call = invocation(context)
    call.name = call.name or DEFAULT_NAME
    lab = (call.open_lab or open_lab)(call.name, call.runtime or "auto", ports=ports)
    return Session(
        lab=lab,
        renderer=output.renderer,
        json=json,
        quiet=quiet,
        live=output.live,
        name=lab.name,
        runtime=call.runtime,
    )


def _fields(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name and value of every field, except lists, which their commands show as tables."""
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            # Spelt as in JSON, so that it can be typed back.
            shown = str(value).lower() if isinstance(value, bool) else "-" if value is None else str(value)
            yield prefix + key, shown


def write_json(document: Mapping[str, Any]) -> None:
    """One document on stdout, with the schema's version first."""

    write_document(sys.stdout, {"schema": SCHEMA, **document})
