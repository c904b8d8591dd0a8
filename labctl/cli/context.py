"""One call of labctl: what main() hands to the commands, and how it becomes a session on a lab."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

import typer

from labctl.cli.options import RuntimeChoice
from labctl.cli.session import Session

if TYPE_CHECKING:
    from labctl.render.renderer import Renderer
    from stack.lab import Lab


class StackOpener(Protocol):
    """`stack.factory.open_lab`, or what a test puts in its place."""

    def __call__(self, name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> "Lab": ...


def _open_lab(name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> "Lab":
    # Imported here: `labctl --help` must not wait for what only a running lab needs.
    from stack.factory import open_lab

    return open_lab(name, runtime, ports=ports)


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One call of labctl: typer's `ctx.obj`. main() makes it, the commands fill it in."""

    open_lab: StackOpener = _open_lab
    #: Options given before the command; those after it win. Of a command at work, its lab's name.
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
    call.name = name or call.name or "lab42"
    lab = call.open_lab(call.name, runtime or call.runtime or "auto", ports=ports)
    return Session(lab=lab, renderer=renderer, json=json, quiet=quiet, live=not json and _is_terminal())


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
    from labctl.cli.settings import CliSettings

    return sys.stdout.isatty() and not CliSettings.from_env().dumb
