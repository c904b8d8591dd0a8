"""What every command is given: the lab, and the one renderer to show things with."""

import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import typer

from labctl.options import RuntimeChoice

if TYPE_CHECKING:
    from labctl.render.renderer import Renderer
    from scenarios.events import Event
    from stack.stack import Stack

#: Version of the JSON documents' shape.
SCHEMA: Final = 1


class StackOpener(Protocol):
    """`stack.stack.open_stack`, or what a test puts in its place."""

    def __call__(self, name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> "Stack": ...


def _open_stack(name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> "Stack":
    # Imported here: `labctl --help` must not wait for what only a running lab needs.
    from stack.stack import open_stack

    return open_stack(name, runtime, ports=ports)


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One call of labctl: typer's `ctx.obj`. main() makes it, the commands fill it in."""

    open_stack: StackOpener = _open_stack
    #: Options given before the command; those after it win.
    name: str | None = None
    runtime: RuntimeChoice | None = None
    #: Whether this call has promised one JSON document, of which an error is one.
    json: bool = False
    #: What to tell a person who interrupts.
    when_interrupted: str = ""
    cleanups: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """End every live display; main() calls this however the command ended."""
        while self.cleanups:
            # Flushing fails where the terminal or the pipe is gone: then nothing is owed any more.
            with suppress(OSError):
                self.cleanups.pop()()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A command at work on one lab."""

    stack: "Stack"
    renderer: "Renderer"
    json: bool
    quiet: bool
    #: Whether results go to a terminal, where a live display makes sense.
    live: bool

    def show(self, *events: "Event") -> None:
        """Render these events."""
        for event in events:
            self.renderer.on(event)

    def follow(self, events: "Iterator[Event]") -> None:
        """Render events as they come. However this ends, their clean-up runs before it returns."""
        # Every source of events is a generator; typed as what it yields.
        with closing(cast("Generator[Event, None, None]", events)) as open_events:
            for event in open_events:
                self.renderer.on(event)

    def answer(self, document: Mapping[str, Any], *events: "Event") -> None:
        """The command's result: the document for programs, the events for people."""
        if self.json:
            write_json(document)
        else:
            self.show(*events)

    def request(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The answer of the lab's API, after showing the equivalent `curl`. Raises as `Api.call`."""
        from labctl.api import Api, curl

        url = self.stack.urls()["api"]
        self.command(curl(method, url + path, body, headers or {}))
        return Api(url).call(method, path, body, headers or {})

    def execute(self, service: str, argv: Sequence[str], *, refusal: int | None = None) -> str:
        """What the command printed, after showing it. It runs where the service runs.

        Raises:
            UsageError: it ended with the exit code `refusal`: what was asked of it makes no sense.
            EnvironmentFault: it failed in another way. Its own words are the message.
        """
        from shlex import join

        from stack.errors import EnvironmentFault, UsageError

        self.command(join(argv))
        done = self.stack.exec(service, argv)
        if done.exit_code:
            told = (done.stderr or done.stdout).strip() or f"exit code {done.exit_code}"
            if done.exit_code == refusal:
                raise UsageError(f"{argv[0]}: {told}", hint="correct the command and try again")
            raise EnvironmentFault(f"{argv[0]}: {told}", hint="look at `labctl status`")
        return done.stdout

    def answer_fields(self, document: Mapping[str, Any]) -> None:
        """A document as it came, or its fields one below the other."""
        from scenarios.events import TableShown

        rows = tuple((key, _cell(value)) for key, value in document.items() if not isinstance(value, list))
        self.answer(document, TableShown("answer", "", ("field", "value"), rows))

    def answer_text(self, key: str, text: str) -> None:
        """What another program printed, as it is."""
        if self.json:
            write_json({key: text.splitlines()})
        else:
            sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")

    def command(self, text: str) -> None:
        """Show the command that a person could have typed instead."""
        from scenarios.events import StepStarted

        if not self.json and not self.quiet:
            self.show(StepStarted(0, "", text))

    def require_started(self) -> None:
        """Raises NotRunning unless at least one service of the lab exists."""
        from stack.errors import NotRunning

        if all(seen.state == "missing" for seen in self.stack.status().values()):
            raise NotRunning(f"the lab {self.stack.name} is not running", hint="start it with `labctl up`")


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell(inner)}" for key, inner in value.items())
    # As JSON spells it: what is shown can be typed back.
    return str(value).lower() if isinstance(value, bool) else "-" if value is None else str(value)


def invocation(context: typer.Context) -> Invocation:
    """The invocation that main() made."""
    if not isinstance(context.obj, Invocation):
        context.obj = Invocation()
    return cast(Invocation, context.obj)


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
    call = invocation(context)
    call.json = json
    renderer = _renderer(json=json, quiet=quiet)
    call.cleanups.append(renderer.close)
    stack = call.open_stack(name or call.name or "lab42", runtime or call.runtime or "auto", ports=ports)
    return Session(stack=stack, renderer=renderer, json=json, quiet=quiet, live=not json and _is_terminal())


def _renderer(*, json: bool, quiet: bool) -> "Renderer":
    if json:
        from labctl.render.json import JsonRenderer

        return JsonRenderer(sys.stdout)
    if _is_terminal() and not quiet:
        from rich.console import Console

        from labctl.render.rich import RichRenderer

        return RichRenderer(Console(highlight=False, markup=False, emoji=False))
    from labctl.render.plain import PlainRenderer

    narration = sys.stdout if _is_terminal() else sys.stderr
    return PlainRenderer(sys.stdout, narration, quiet=quiet)


def _is_terminal() -> bool:
    from labctl.settings import CliSettings

    return sys.stdout.isatty() and not CliSettings.from_env().dumb


def write_json(document: Mapping[str, Any]) -> None:
    """One document on stdout, with the schema's version first."""
    from labctl.render.json import write_document

    write_document(sys.stdout, {"schema": SCHEMA, **document})
