"""What a flusher tells of its work while it does it."""

from collections.abc import Sequence
from typing import Protocol

from service.writebehind.scripts.flushing import Claim, Claimed


class FlushObserver(Protocol):
    """Called in the thread that flushes, so it must be quick and raise nothing."""

    def committed(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        """These rows of the claim have just been written."""

    def flushed(self, claim: Claim, seconds: float) -> None:
        """A claim is done with, whatever became of its rows; its acknowledgement may still be under way."""


class Unobserved:
    """Ignores everything."""

    def committed(self, claim: Claim, rows: Sequence[Claimed]) -> None:
        """Do nothing."""

    def flushed(self, claim: Claim, seconds: float) -> None:
        """Do nothing."""
