"""A request to end a measurement early, and still to judge it: what the first Ctrl-C means to a load."""

from collections.abc import Iterator
from contextlib import contextmanager


class EarlyEnd:
    """Asked for by a signal handler, heeded by whatever can end early. Where nothing can, it is refused."""

    def __init__(self) -> None:
        self._heeded = 0
        self._shown = 0
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether to end early."""
        return self._requested

    @property
    def shown(self) -> bool:
        """Whether an event will soon say that it ends early. Not while a load is judged, for example: then
        there is nothing left to end."""
        return self._shown > 0

    @contextmanager
    def heeded(self, *, shown: bool = False) -> Iterator[None]:
        """Within it, a request is looked for.

        Args:
            shown: Whether an event soon says so.
        """
        self._heeded += 1
        self._shown += shown
        try:
            yield
        finally:
            self._heeded -= 1
            self._shown -= shown

    def request(self) -> bool:
        """Ask for an early end.

        Returns:
            Whether it will come; False: nothing looks for the request, or it was made before.
        """
        if self._requested or not self._heeded:
            return False
        self._requested = True
        return True
