"""Reads a journal again: line by line, in little memory, and never further than it can be trusted."""

import gzip
import math
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from scenarios import events
from scenarios.events import Event, VerdictReached
from scenarios.journal import chain, files
from scenarios.journal.lines import (
    VERSION,
    AnyLine,
    EndLine,
    Environment,
    EventLine,
    VerdictLine,
    WriteLine,
)
from scenarios.judge.verdict import Verdict
from stack.errors import StateUnusable
from stack.local.process import ProcessId, is_alive
from stack.spec.hints import labctl

#: complete: the run came to its end. cut off: it was interrupted or killed. running: it still goes on.
State = Literal["complete", "cut off", "running"]

_GZIP_TRAILER: Final = 18
_decoder: Final = msgspec.json.Decoder(AnyLine)
#: The events by name, as `EventLine` has it.
_EVENTS: Final[dict[str, Any]] = {kind.__name__: kind for kind in events.Event.__args__}
#: The longest line that is read, in bytes: a verdict that lists a hundred thousand writes takes 30 MB.
_LONGEST_LINE: Final = 1 << 28
#: Likewise the first one, before it is known whether this is a journal at all.
_LONGEST_FIRST_LINE: Final = 1 << 20


class Journal:
    """One run's journal. What is known of its end is known after the first pass through its lines."""

    def __init__(self, path: Path, unwritten: Sequence[bytes] = ()) -> None:
        """
        Args:
            unwritten: Sealed lines that follow those in the file.

        Raises:
            StateUnusable: it can't be read, or does not begin like a journal.
        """
        self.path: Final = path
        #: What is wrong with the file: the first line that does not fit, or how it ends. Empty until a pass
        #: through the lines has found it.
        self.damage: tuple[str, ...] = ()
        self._unwritten = unwritten
        #: Whether a pass went through all lines.
        self._passed = False
        self._ended = False
        self._finished = False
        self.environment: Final = self._first()

    def _first(self) -> Environment:
        first = next(self.lines(), None)
        if isinstance(first, Environment):
            return first
        why = next(iter(self.damage), "it does not begin with the run's environment")
        raise StateUnusable(f"{self.path} is not a run's journal: {why}", hint=_hint())

    @property
    def run(self) -> str:
        """The run's name."""
        return self.environment.run

    @property
    def size(self) -> int:
        """How many bytes its lines take, roughly if they are compressed. 0 if the file is gone."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, 2)
                if end < _GZIP_TRAILER or not _is_packed(self.path):
                    return end + sum(map(len, self._unwritten))
                # The trailer has the size modulo 2^32. Journals are compressed to a half at least.
                file.seek(-4, 2)
                return max(2 * end, int.from_bytes(file.read(4), "little"))
        except OSError:
            return sum(map(len, self._unwritten))

    @property
    def state(self) -> State:
        """How far the run got. Goes through the whole journal unless that was done before."""
        if not self._passed:
            deque(self.lines(), maxlen=0)
        if self._ended and self._finished:
            return "complete"
        return "running" if self.is_owned and not self._ended else "cut off"

    @property
    def is_owned(self) -> bool:
        """Whether the process that writes it lives."""
        owner = ProcessId(self.environment.pid, self.environment.process_started)
        return self.path.name.endswith(files.OPEN) and is_alive(owner)

    def events(self) -> Iterator[tuple[float, Event]]:
        """When each event happened, s since the run began, and the event. One that this labctl does not know
        is left out."""
        for line in self.lines():
            if isinstance(line, VerdictLine):
                if (reached := decode_verdict(line)) is not None:
                    yield line.at, reached
            elif isinstance(line, EventLine) and (event := decode_event(line)) is not None:
                yield line.at, event

    def writes(self) -> Iterator[WriteLine]:
        """Every write, in the order of the answers."""
        return (line for line in self.lines() if isinstance(line, WriteLine))

    def mentions(self, product: str) -> bool:
        """Whether a write names this product. Much quicker than to read the lines, and trusts them."""
        named = b'"product":' + msgspec.json.encode(product)
        return any(named in raw and b'"type":"write"' in raw for raw in self._raw())

    def named(self, name: str) -> set[str]:
        """The products that a write gave this name."""
        return {
            write.product
            for write in self.writes()
            if write.product is not None and write.value is not None and write.value.get("name") == name
        }

    def lines(self) -> Iterator[AnyLine]:
        """Every line up to the first that does not fit.

        Raises:
            StateUnusable: the file is gone, or may not be read.
        """
        previous, number, damage = chain.START, 0, ""
        self._ended = self._passed = False
        for raw in self._raw():
            if self._ended:
                damage = f"line {number + 1} follows the last one"
                break
            line, damage = _checked(raw, previous, number)
            if line is None:
                break
            previous, number = line.sum, number + 1
            self._notice(line, number)
            yield line
        else:
            if self._broken:
                damage = self._broken
        self.damage = (damage,) if damage else ()
        self._passed = True

    def _notice(self, line: AnyLine, number: int) -> None:
        if isinstance(line, EventLine) and line.name == "ScenarioFinished":
            self._finished = True
        if isinstance(line, EndLine) and line.lines == number:
            self._ended = True

    def _raw(self) -> Iterator[bytes]:
        """The lines of the file. A last one without its end is not whole, and left out."""
        self._broken = ""
        try:
            with _open(self.path) as file:
                longest = _LONGEST_FIRST_LINE
                while raw := file.readline(longest):
                    if not raw.endswith(b"\n"):
                        self._broken = "" if len(raw) < longest else "a line has no end"
                        return
                    yield raw[:-1]
                    longest = _LONGEST_LINE
        except FileNotFoundError as error:
            # The disk may have been too full for its first line.
            if not self._unwritten:
                raise StateUnusable(f"{self.path} is gone", hint=_hint()) from error
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            self._broken = f"the file is damaged ({error})"
            return
        except OSError as error:
            raise StateUnusable(f"{self.path} can't be read: {error}", hint=_hint()) from error
        for sealed in self._unwritten:
            yield sealed[:-1]


def open_journal(path: Path) -> Journal:
    """The journal in a file.

    Raises:
        StateUnusable: it can't be read, or does not begin like a journal.
    """
    return Journal(path)


def is_known(line: EventLine) -> bool:
    """Whether this labctl has an event of that name."""
    return line.name in _EVENTS


def decode_event(line: EventLine) -> Event | None:
    """The event; None if it is not one that this labctl knows."""
    kind = _EVENTS.get(line.name)
    if kind is None:
        return None
    try:
        event: Event = msgspec.convert(_with_numbers(line), kind)
    except msgspec.ValidationError:
        return None
    return event


def _with_numbers(line: EventLine) -> dict[str, Any]:
    """A figure that JSON lacks was written as null."""
    if line.name == "Measured" and line.event.get("value") is None:
        return {**line.event, "value": math.nan}
    return line.event


def decode_verdict(line: VerdictLine) -> VerdictReached | None:
    """The event of the verdict; None if it is not one that this labctl knows."""
    try:
        return VerdictReached(msgspec.convert(line.verdict, Verdict))
    except msgspec.ValidationError:
        return None


def _checked(raw: bytes, previous: str, number: int) -> tuple[AnyLine | None, str]:
    """The line; None, and why not, if it does not fit."""
    where = f"line {number + 1}"
    if chain.sum_of(raw, previous) is None:
        return None, f"{where} was changed, or something before it was added or taken away"
    try:
        line: AnyLine = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"{where} is not a line of a journal: {error}"
    if line.v != VERSION:
        return None, f"{where} was written with version {line.v}, and this labctl reads version {VERSION}"
    return line, ""


def _open(path: Path) -> Any:
    return gzip.open(path, "rb") if _is_packed(path) else path.open("rb")


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _hint() -> str:
    return f"{labctl('runs')} lists the journals"
