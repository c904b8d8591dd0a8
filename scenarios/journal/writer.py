"""Writes a journal as the run goes: what was noted is in the file a tenth of a second later."""

import gzip
import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scenarios.events import Event
from scenarios.journal import chain, files
from scenarios.journal.encode import Encoder
from scenarios.journal.lines import AnyLine, EndLine, Environment
from scenarios.judge.history import Poll
from scenarios.judge.ledger import Ledger

_WRITE_INTERVAL_S: Final = 0.1
#: The quickest level is twice as fast as the default, and its files are a tenth larger.
_COMPRESSION: Final = 3


class JournalWriter:
    """The journal of one run. Several threads may note things; one more writes them down.

    A disk that is full does not end the run: what no longer fits is kept in memory, so that the verdict is as
    exact as ever, and `problem` says that this run leaves no whole journal.
    """

    #: Known from the start on.
    path: Path

    def __init__(self, ledger: Ledger, began_at: float, *, others: Callable[[], int] | None = None) -> None:
        """
        Args:
            began_at: When the run began, s of labctl's monotonic clock.
            others: How many writes of the ledger other readers have taken. Those that all have are released.
        """
        self.encoder: Final = Encoder(began_at)
        #: Why it can't be written any more; empty if it can.
        self.problem = ""
        #: Sealed lines that are not in the file.
        self.unwritten: list[bytes] = []
        #: How many writes it holds.
        self.writes = 0
        self._ledger = ledger
        self._others = others
        self._noted: deque[AnyLine] = deque()
        self._number, self._sum, self._size = 0, chain.START, 0
        self._lock = threading.Lock()
        #: What ended the thread before its time.
        self._crash: Exception | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start_in(self, folder: Path, scenario: str, environment_of: Callable[[str], Environment]) -> str:
        """Start the journal of a new run there.

        Args:
            environment_of: Makes the first line from the run's name.

        Returns:
            The run's name.
        """
        for run in files.new_runs(folder, scenario):
            # Another labctl may have taken the name meanwhile.
            with suppress(FileExistsError):
                self.start(folder / f"{run}{files.OPEN}", environment_of(run))
                break
        return run

    def start(self, path: Path, environment: Environment) -> None:
        """Create the file, with its first line, and write from now on.

        Raises:
            FileExistsError: there is such a file. It is left alone.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb"):
                pass
        except FileExistsError as error:
            if path.is_file():
                raise
            self._fail(error)
        except OSError as error:
            self._fail(error)
        self._noted.appendleft(environment)
        self.flush()
        self._thread.start()

    def note(self, line: AnyLine) -> None:
        """Take in a line."""
        self._noted.append(line)

    def note_event(self, event: Event) -> None:
        """Take in an event that happens now."""
        self._noted.append(self.encoder.event(time.monotonic(), event))

    def note_poll(self, poll: Poll) -> None:
        """Take in a poll of PostgreSQL."""
        self._noted.append(self.encoder.poll(poll))

    def flush(self) -> None:
        """Write down all that was noted so far."""
        if self._crash is not None:
            raise self._crash
        with self._lock:
            lines = self._sealed()
            if lines:
                self._append(lines)
            if self._others is not None:
                self._ledger.release(min(self.writes, self._others()))

    def stop(self) -> None:
        """Write the rest; the journal stays open, as that of a run which was cut off."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.flush()

    def close(self) -> None:
        """Write the rest and the last line, and compress the file."""
        self.stop()
        self.note(EndLine(at=self.encoder.now(), lines=self._number + 1, writes=self.writes))
        self.flush()
        if not self.problem:
            try:
                compress(self.path)
            except OSError as error:
                self._fail(error)

    def _run(self) -> None:
        try:
            while not self._ended.wait(_WRITE_INTERVAL_S):
                self.flush()
        except Exception as error:  # noqa: BLE001 - raised where the run meets it: it has no whole journal
            self._crash = error

    def _sealed(self) -> list[bytes]:
        lines: list[AnyLine] = [self._noted.popleft() for _ in range(len(self._noted))]
        writes = self._ledger.since(self.writes)
        self.writes += len(writes)
        lines += map(self.encoder.write, writes)
        sealed = []
        for line in lines:
            content, self._sum = chain.seal(_encode(line), self._number, self._sum)
            self._number += 1
            sealed.append(content)
        return sealed

    def _append(self, lines: list[bytes]) -> None:
        if self.problem:
            self.unwritten += lines
            return
        block = b"".join(lines)
        try:
            # Opened each time, so that a journal that was deleted meanwhile is missed.
            with self.path.open("r+b", buffering=0) as file:
                file.seek(self._size)
                view = memoryview(block)
                while view:
                    view = view[file.write(view) :]
            self._size += len(block)
        except OSError as error:
            self._fail(error)
            self.unwritten += lines

    def _fail(self, error: OSError) -> None:
        self.problem = f"the run's journal can't be written: {error}"
        with suppress(OSError), self.path.open("r+b") as file:
            # The last block may have been written in part.
            file.truncate(self._size)


def compress(path: Path) -> Path:
    """Turn an open journal into a closed one.

    Raises:
        OSError: it can't be written; the open one is still there.
    """
    closed = path.with_name(path.name.removesuffix(files.OPEN) + files.CLOSED)
    partial = closed.with_suffix(".partial")
    try:
        with path.open("rb") as plain, gzip.open(partial, "wb", compresslevel=_COMPRESSION) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)
        partial.replace(closed)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    path.unlink()
    return closed


def _encode(line: AnyLine) -> bytes:
    try:
        return msgspec.json.encode(line)
    except UnicodeEncodeError:
        # Output of other programs that is not UTF-8 was decoded with `surrogateescape`; each such byte
        # becomes a `?`.
        text = json.dumps(msgspec.to_builtins(line), ensure_ascii=False)
        return msgspec.json.encode(json.loads(text.encode(errors="replace")))
