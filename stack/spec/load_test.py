"""A load test: k6 with one of the lab's scripts. One protocol, an implementation for each runtime."""

import shlex
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final, Literal, Protocol

from stack.errors import EnvironmentFault
from stack.hints import labctl
from stack.spec.events import StackEvents

#: The scripts below assets/k6, by name.
Script = Literal["basic", "coalescing-test"]

#: Exit codes of k6: all went well; it did, but a threshold was missed. That is for the caller to judge.
#: https://github.com/grafana/k6/blob/master/errext/exitcodes/codes.go
_RAN: Final = frozenset({0, 99})
#: Last lines of a failed test, which are kept for its error.
TAIL: Final = 4


class LoadTest(Protocol):
    """One run of k6. `lines` in one thread; `stop` from any other."""

    @property
    def command(self) -> str:
        """The command that a person could have typed."""
        ...

    def prepare(self) -> StackEvents:
        """Provide k6 itself.

        Raises:
            EnvironmentFault: k6 is not available.
        """
        ...

    def lines(self) -> Generator[str, None, None]:
        """Start it, and yield what it prints until it ends. Closed early, it is over at once.

        Raises:
            EnvironmentFault: it can't be started, or did not come to its end by itself.
        """
        ...

    def stop(self) -> None:
        """End the test; `lines` ends then."""
        ...


def k6_arguments(script: str) -> tuple[str, ...]:
    """Arguments of k6 for a run that a program reads: messages as they are, no progress bars, and its own
    control port wherever there is room."""
    return ("run", "--quiet", "--no-color", "--log-format", "raw", "--address", "127.0.0.1:0", script)


def shown_command(program: str, script: str, settings: Mapping[str, str]) -> str:
    """What a person types to see the same test with k6's own display."""
    options = [word for name, value in settings.items() for word in ("-e", f"{name}={value}")]
    return f"{program} {shlex.join(['run', *options, script])}"


def split_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Whole lines, however the stream was cut; the last one may lack its end."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
    if rest:
        yield rest.decode(errors="replace")


def require_success(exit_code: int, printed: Iterable[str]) -> None:
    """Raises EnvironmentFault, with what k6 `printed` last, unless it came to its end."""
    if exit_code in _RAN:
        return
    tail = "\n".join(f"  {line}" for line in printed)
    raise EnvironmentFault(
        f"k6 ended with exit code {exit_code}" + (f"; it said:\n{tail}" if tail else ""),
        hint=f"{labctl('status')} says whether the API runs; without --engine k6, labctl makes the load "
        "itself",
    )
