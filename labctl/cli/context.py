"""One call of labctl: what main() hands to the commands. Light, because `labctl --help` waits for it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

import typer

from labctl.cli.options import RuntimeChoice
from scenarios.early_end import EarlyEnd

if TYPE_CHECKING:
    from stack.lab import Lab


class LabOpener(Protocol):
    """`stack.factory.open_lab`, or what a test puts in its place."""

    def __call__(self, name: str, runtime: RuntimeChoice, *, ports: Mapping[str, int] | None) -> "Lab": ...


@dataclass(slots=True, kw_only=True)
class Invocation:
    """One call of labctl: typer's `ctx.obj`. main() makes it, the commands fill it in."""

    #: None for `stack.factory.open_lab`.
    open_lab: LabOpener | None = None
    #: Options given before the command; those after it win. While a command runs, its lab's name.
    name: str | None = None
    runtime: RuntimeChoice | None = None
    #: Whether this call has promised one JSON document, which an error is, too.
    json: bool = False
    #: What to tell a person who interrupts.
    when_interrupted: str = ""
    #: What the first Ctrl-C asks to end early, where something can.
    early_end: EarlyEnd = field(default_factory=EarlyEnd)
    cleanups: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """End every live display; main() calls this however the command ended."""
        while self.cleanups:
            # Flushing fails where the terminal or the pipe is gone; then there is nothing left to show.
            with suppress(OSError):
                self.cleanups.pop()()


def invocation(context: typer.Context) -> Invocation:
    """The invocation that main() made."""
    if not isinstance(context.obj, Invocation):
        context.obj = Invocation()
    return cast(Invocation, context.obj)
