"""Splits a journal by product, so that a history of any length can be judged in little memory."""

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final, Protocol

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

#: Lines of a part, about: some 50,000 writes, which take 40 MB of memory while they are judged.
PART_BYTES: Final = 12_000_000

_decoder: Final = msgspec.json.Decoder(AnyLine)


class History(Protocol):
    """A journal, or those of its lines that matter."""

    @property
    def size(self) -> int:
        """How many bytes its lines take, roughly."""

    def lines(self) -> Iterator[AnyLine]:
        """Its lines, in their order."""


class Partition:
    """The lines of one journal that the judge needs. A context manager: parts may be in temporary files."""

    def __init__(self, journal: History, *, part_bytes: int = PART_BYTES) -> None:
        """Goes through the whole journal."""
        self._open = ExitStack()
        count = 1 + journal.size // part_bytes
        self._parts: Final = [_Part(self._temporary() if count > 1 else None) for _ in range(count)]
        #: When each poll of PostgreSQL was sent, s since the run began.
        self.polls: Final[list[float]] = []
        self.losses: Final[list[MemoryLossLine]] = []
        #: What Redis held just after it had lost its memory.
        self.survivors: Final[list[StoredLine]] = []
        #: Writes that name no product, and were given none.
        self.nameless: Final[list[WriteLine]] = []
        self.final_read: FinalReadLine | None = None
        for line in journal.lines():
            self.add(line)

    def __enter__(self) -> "Partition":
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @property
    def count(self) -> int:
        """How many parts there are."""
        return len(self._parts)

    def lines(self, part: int) -> Iterator[AnyLine]:
        """The lines of the part: its products' writes, polls that showed them, and what was found of them."""
        return self._parts[part].lines()

    def products(self, part: int) -> set[str]:
        """The products that the part's writes name."""
        return {line.product for line in self.lines(part) if isinstance(line, WriteLine) and line.product}

    def add(self, line: AnyLine) -> None:
        """Take in one more line."""
        match line:
            case WriteLine(product=None):
                self.nameless.append(line)
            case StoredLine(part="survivor"):
                self.survivors.append(line)
            case (
                WriteLine(product=str() as product)
                | StoredLine(product=product)
                | WaitingLine(product=product)
            ):
                self._part_of(product).add(line)
            case PollLine():
                self._add_poll(line)
            case MemoryLossLine():
                self.losses.append(line)
            case FinalReadLine():
                self.final_read = line
            case _:
                pass

    def _temporary(self) -> IO[bytes]:
        file: IO[bytes] = tempfile.TemporaryFile(prefix="labctl-")  # noqa: SIM115 - closed with the others
        return self._open.enter_context(file)

    def _add_poll(self, poll: PollLine) -> None:
        self.polls.append(poll.sent)
        shown: dict[int, list[tuple[str, int, int]]] = {}
        for row in poll.rows:
            shown.setdefault(self._number_of(row[0]), []).append(row)
        for part, rows in shown.items():
            self._parts[part].add(msgspec.structs.replace(poll, rows=rows))

    def _part_of(self, product: str) -> "_Part":
        return self._parts[self._number_of(product)]

    def _number_of(self, product: str) -> int:
        return zlib.crc32(product.encode(errors="replace")) % len(self._parts)


class _Part:
    """In memory, or in a file."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self._lines: list[AnyLine] = []

    def add(self, line: AnyLine) -> None:
        if self._file is None:
            self._lines.append(line)
        else:
            self._file.write(msgspec.json.encode(line) + b"\n")

    def lines(self) -> Iterator[AnyLine]:
        if self._file is None:
            yield from self._lines
            return
        self._file.seek(0)
        for line in self._file:
            yield _decoder.decode(line)
        # To be added to again.
        self._file.seek(0, 2)
