"""A load test: k6 with one of the lab's scripts. Each runtime implements the protocol."""

import shlex
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final, Literal, Protocol

from stack.errors import EnvironmentFault
from stack.spec.events import StackEvents
from stack.spec.hints import labctl

#: The scripts in assets/k6, by name.
Script = Literal["basic", "coalescing-test"]

#: Exit codes of k6: it succeeded; it ran, but missed a threshold, which is for the caller to judge.
#: https://github.com/grafana/k6/blob/master/errext/exitcodes/codes.go
_RAN: Final = frozenset({0, 99})
#: Number of last lines that the error of a failed test shows.
TAIL: Final = 4


class LoadTest(Protocol):
    """One run of k6. Call `lines` in one thread; `stop` may be called from any other."""

    @property
    def command(self) -> str:
        """A command that a person could type for the same test."""
        ...

    def prepare(self) -> StackEvents:
        """Make k6 available.

        Raises:
            EnvironmentFault: k6 is not available.
        """
        ...

    def lines(self) -> Generator[str, None, None]:
        """Start k6, and yield the lines that it prints until it ends. Closing the generator ends k6.

        Raises:
            EnvironmentFault: k6 can't be started, or failed.
        """
        ...

    def stop(self) -> None:
        """End the test, and with it `lines`."""
        ...


def k6_arguments(script: str) -> tuple[str, ...]:
    """Arguments of k6 for a run whose output a program reads: plain messages, no progress bars, and any free
    port for its own control interface."""
    return ("run", "--quiet", "--no-color", "--log-format", "raw", "--address", "127.0.0.1:0", script)


def shown_command(program: str, script: str, settings: Mapping[str, str]) -> str:
    """The command that runs the same test with k6's own display."""
    options = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
    return f"{program} {shlex.join(['run', *options, script])}"


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a stream, however it was cut into chunks. The last one need not end in a newline."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")


def require_success(exit_code: int, printed: Iterable[str]) -> None:
    """Check that k6 ran to its end.

    Args:
        exit_code: What k6 exited with.
        printed: Its last lines, for the error.

    Raises:
        EnvironmentFault: it did not.
    """
    if exit_code in _RAN:
        return
    tail = "\n".join(f"  {line}" for line in printed)
    raise EnvironmentFault(
        f"k6 ended with exit code {exit_code}" + (f"; its output ends with:\n{tail}" if tail else ""),
        hint=f"{labctl('status')} shows whether the API runs; without --engine k6, labctl makes the load "
        "itself",
    )
