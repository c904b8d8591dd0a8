"""The last 15 minutes of the lab, its marks and its runs, in SQLite: all server processes share them, and
they survive a FLUSHALL and a restart of the API."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from service.live.errors import HistoryUnavailable
from service.live.marks import PAGE_RUN, KnownRun, Mark, begin_run, end_run

T = TypeVar("T")

FILE: Final = "live.sqlite"
#: How far back the page can look.
KEPT_S: Final = 900
#: Samples that are younger are all kept; of older ones, one a second.
DENSE_S: Final = 60
_KEPT_MARKS: Final = 2_000
_KEPT_RUNS: Final = 100
LISTED_RUNS: Final = 20
#: How long samples are taken after a run's end, and after the last mark of one that does not end.
_AFTER_END_S: Final = 10.0
_SILENT_RUN_S: Final = 1_800.0
_PRUNED_EVERY: Final = 20
#: A sample that is further ahead is from before the clock stepped back.
_AHEAD_S: Final = 2.0
_LOCK_TIMEOUT_S: Final = 1.0

_PRUNE: Final = (
    "DELETE FROM samples WHERE half_second < :oldest OR half_second > :newest"
    " OR (half_second < :dense AND half_second % 2 = 1)",
    "DELETE FROM marks WHERE seq <= (SELECT max(seq) FROM marks) - :marks",
    "DELETE FROM runs WHERE run NOT IN (SELECT run FROM runs ORDER BY started_at DESC LIMIT :runs)",
)


class History:
    """Samples, marks and runs. Threads may share it. Every method raises `HistoryUnavailable`.

    The file is opened when first needed. It holds at most 15 minutes of samples, 2,000 marks and 100 runs:
    about 2 MB.
    """

    def __init__(self, directory: str, clock: Callable[[], float] = time.time) -> None:
        """
        Args:
            directory: Where the file is; '' keeps everything in this process's memory.
            clock: Unix time, in s.
        """
        self._directory = directory
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._recorded = 0

    def record(self, at: float, document: bytes) -> None:
        """Keep a sample (JSON), unless another process has kept one of the same half second; `at` in s."""
        with self._open() as connection:
            connection.execute("INSERT OR IGNORE INTO samples VALUES (?, ?)", (int(2 * at), document))
            if self._recorded % _PRUNED_EVERY == 0:
                self._prune(connection)
            self._recorded += 1

    def samples(self) -> list[bytes]:
        """The kept samples of the last 15 minutes, oldest first."""
        oldest = int(2 * (self._clock() - KEPT_S))
        newest = int(2 * (self._clock() + _AHEAD_S))
        query = "SELECT document FROM samples WHERE half_second BETWEEN ? AND ? ORDER BY half_second"
        return self._column(query, oldest, newest)

    def sampled_at(self) -> float:
        """When the newest kept sample was taken: Unix time, in s, to the half second; 0 if there is none."""
        with self._open() as connection:
            newest = connection.execute("SELECT coalesce(max(half_second), 0) FROM samples").fetchone()[0]
        return float(newest) / 2

    def mark(self, mark: Mark) -> None:
        """Keep a mark, and what it says of its run."""
        document = msgspec.json.encode(mark)
        with self._open() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO marks (at, document) VALUES (?, ?)", (mark.at, document))
            if mark.run == PAGE_RUN:
                return
            held = connection.execute("SELECT document FROM runs WHERE run = ?", (mark.run,)).fetchone()
            run = begin_run(mark) if held is None else msgspec.json.decode(held[0], type=KnownRun)
            if held is not None and mark.kind == "end":
                run = end_run(run, mark)
            connection.execute(
                "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
                (run.run, run.started_at, self._clock(), run.ended_at is not None, msgspec.json.encode(run)),
            )

    def marks(self) -> tuple[int, list[bytes]]:
        """The number of the last mark, and the marks of the last 15 minutes (JSON), oldest first."""
        with self._open() as connection:
            last = connection.execute("SELECT coalesce(max(seq), 0) FROM marks").fetchone()[0]
            query = "SELECT document FROM marks WHERE seq <= ? AND at >= ? ORDER BY seq"
            found = connection.execute(query, (last, self._clock() - KEPT_S))
            return last, [document for (document,) in found]

    def marks_after(self, seq: int) -> list[tuple[int, bytes]]:
        """Number and document of each mark that came after the one of this number."""
        with self._open() as connection:
            query = "SELECT seq, document FROM marks WHERE seq > ? ORDER BY seq"
            return list(connection.execute(query, (seq,)))

    def runs(self) -> list[bytes]:
        """The newest 20 runs (JSON), newest first."""
        return self._column("SELECT document FROM runs ORDER BY started_at DESC LIMIT ?", LISTED_RUNS)

    def wanted_until(self) -> float:
        """Until when a run that is under way wants samples, in Unix time; 0 if there is none."""
        query = "SELECT max(heard_at + CASE ended WHEN 1 THEN ? ELSE ? END) FROM runs"
        with self._open() as connection:
            until = connection.execute(query, (_AFTER_END_S, _SILENT_RUN_S)).fetchone()[0]
        return float(until or 0.0)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _prune(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        bounds = {
            "oldest": int(2 * (now - KEPT_S)),
            "newest": int(2 * (now + _AHEAD_S)),
            "dense": int(2 * (now - DENSE_S)),
            "marks": _KEPT_MARKS,
            "runs": _KEPT_RUNS,
        }
        for statement in _PRUNE:
            connection.execute(statement, bounds)

    def _column(self, query: str, *args: Any) -> list[bytes]:
        with self._open() as connection:
            return [value for (value,) in connection.execute(query, args)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock, _map_errors():
            if self._connection is None:
                self._connection = self._connect()
            try:
                yield self._connection
            except sqlite3.DatabaseError:
                # The file may have been damaged or replaced: begin anew next time.
                self._connection.close()
                self._connection = None
                raise

    def _connect(self) -> sqlite3.Connection:
        if not self._directory:
            return _prepared(":memory:")
        path = Path(self._directory) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(str(path))
        except sqlite3.OperationalError:
            # Locked, or no room: it is not the file.
            raise
        except sqlite3.DatabaseError:
            # Not a database, or damaged. Nothing in it is worth mending.
            for each in path.parent.glob(f"{FILE}*"):
                each.unlink(missing_ok=True)
            return _prepared(str(path))


def _prepared(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        with closing(connection.execute("PRAGMA journal_mode = WAL")) as cursor:
            cursor.fetchone()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript((files("service.live") / "schema.sql").read_text())
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _map_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise HistoryUnavailable(f"the page's history can't be used: {error}") from error
