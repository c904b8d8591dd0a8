"""The lines of a journal that decide about one product: enough to judge its writes as the whole run's are."""

from collections.abc import Iterator

import msgspec

from scenarios.journal.lines import (
    AnyLine,
    FinalReadLine,
    MemoryLossLine,
    PollLine,
    StoredLine,
    WaitingLine,
    WriteLine,
)
from scenarios.journal.reader import Journal


class OneProduct:
    """A journal as if it held a single product. No check looks at two products at once."""

    def __init__(self, journal: Journal, product: str) -> None:
        self._journal = journal
        self._product = product

    @property
    def size(self) -> int:
        """Little: it is judged in one part."""
        return 0

    def lines(self) -> Iterator[AnyLine]:
        """The product's lines, and those that concern every product.

        Raises:
            StateUnusable: the file can't be read.
        """
        for line in self._journal.lines():
            if isinstance(line, PollLine):
                rows = [row for row in line.rows if row[0] == self._product]
                yield msgspec.structs.replace(line, rows=rows)
            elif isinstance(line, WriteLine):
                # A create without an answer may have made this product.
                if line.product in (self._product, None):
                    yield line
            elif isinstance(line, StoredLine | WaitingLine):
                if line.product == self._product:
                    yield line
            elif isinstance(line, FinalReadLine | MemoryLossLine):
                yield line
