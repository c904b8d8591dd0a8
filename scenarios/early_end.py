"""A request to end a measurement early, and still to judge it: what the first Ctrl-C means to a load."""

from collections.abc import Iterator
from contextlib import contextmanager


class EarlyEnd:
    """Asked for by a signal handler, heeded by whatever can end early. Where nothing can, it is refused."""

    def __init__(self) -> None:
        self._heeded = 0
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether to end early."""
        return self._requested

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Within it, a request is looked for."""
        self._heeded += 1
        try:
            yield
        finally:
            self._heeded -= 1

    def request(self) -> bool:
        """Ask for an early end.

        Returns:
            Whether it will come; False: nothing looks for the request, or it was made before.
        """
        if self._requested or not self._heeded:
            return False
        self._requested = True
        return True
