"""The trace store: the newest spans in an SQLite file that all server processes share.

It must never cost more than spans: it is bounded in size and age, it waits for a lock for at most a second,
and a file that SQLite can't read is replaced.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from service.lasting import Conditions
from service.traces.spans import (
    PRODUCT,
    SUPERSEDED_TRACEPARENT,
    TRACEPARENT,
    Span,
    newest_first,
    trace_id_of,
)

_log: Final = logging.getLogger(__name__)
T = TypeVar("T")

#: What the store keeps at most: spans in all, with their indices, and for how long after their arrival.
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_AGE_S: Final = 3600.0
#: The most that one answer of the API holds: spans of a trace, or of a product.
MAX_ANSWERED: Final = 1_000

_FILE: Final = "traces.sqlite3"
_PAGE_BYTES: Final = 4096
#: The file may outgrow its limit by this factor before SQLite itself refuses to write.
_HEADROOM: Final = 1.25
#: How many of the oldest spans make room at once.
_DROPPED_AT_ONCE: Final = 4_000
_LOCK_TIMEOUT_S: Final = 1.0
_OUTDATED_EVERY_S: Final = 10.0
#: Spans keep their order of arrival. A reference leads from a trace or product to the spans of *other* traces
#: that concern it: a flush to the traces of the writes that it persisted.
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS spans (
        seq INTEGER PRIMARY KEY, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT,
        received_us INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (trace_id, span_id));
    CREATE TABLE IF NOT EXISTS refs (
        key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS refs_by_seq ON refs (seq);"""

_decode: Final = msgspec.json.Decoder(Span).decode
_encode: Final = msgspec.json.Encoder().encode


class TraceStore:
    """Keeps spans. Threads may share it.

    A method that reads raises `sqlite3.Error` if the file can't be read.
    """

    def __init__(
        self, directory: Path | None, *, max_bytes: int = MAX_BYTES, max_age_s: float = MAX_AGE_S
    ) -> None:
        """
        Args:
            directory: Where the file is; None to keep spans in memory, as long as this process lives.
        """
        self._path = directory / _FILE if directory else None
        self._max_pages = max_bytes // _PAGE_BYTES
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        #: The open file's inode: another process may replace the file.
        self._inode = 0
        self._looked_at = float("-inf")
        self._conditions = Conditions(_log)

    def add(self, spans: Sequence[Span]) -> None:
        """Keep these spans. If they can't be kept, they are dropped, and that is logged."""
        if not spans:
            return
        try:
            self._run(lambda connection: self._add(connection, spans))
        except sqlite3.Error as error:
            self._conditions.met("store", f"traces can't be kept, and are dropped: {error}", len(spans))
        else:
            self._conditions.over("store", "traces are kept again")

    def trace(self, trace_id: str) -> tuple[list[Span], list[Span]]:
        """The spans of a trace, and those of the flushes that concern it, each in the order of their start.

        Of a flush's trace, it is the spans that mention this trace, and all above and below them.
        """

        def look(connection: sqlite3.Connection) -> tuple[list[Span], list[Span]]:
            own = connection.execute(
                f"SELECT body FROM spans WHERE trace_id = ? ORDER BY seq LIMIT {MAX_ANSWERED}", [trace_id]
            )
            linked = _load(connection, _families(connection, f"trace:{trace_id}"))
            return _in_order(_decode(body) for (body,) in own), linked

        return self._run(look)

    def about(self, product_id: str) -> list[Span]:
        """Spans that mention a product, with all of their traces above and below, in the order of their
        start; the newest if there are too many."""
        return self._run(lambda connection: _load(connection, _families(connection, f"product:{product_id}")))

    def newest(self, limit: int, product_id: str = "") -> list[Span]:
        """The newest spans of writes, of one product if it is named, newest first.

        Spans arrive in no order: among the last thousand or so that arrived, they are ordered by time, and
        those of one product by version.
        """
        key = f"product:{product_id}" if product_id else "write"

        def look(connection: sqlite3.Connection) -> list[Span]:
            found = connection.execute(
                "SELECT body FROM refs JOIN spans USING (seq) WHERE key = ? ORDER BY seq DESC", [key]
            )
            spans = (_decode(body) for (body,) in found)
            arrived = islice(filter(_is_write, spans), max(limit, MAX_ANSWERED))
            return newest_first(arrived)[:limit]

        return self._run(look)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._close()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            try:
                try:
                    return work(self._open())
                except sqlite3.DatabaseError as error:
                    if not _is_corrupt(error):
                        raise
                    self._replace(error)
                    return work(self._open())
            except OSError as error:
                # The directory can't be made or entered.
                raise sqlite3.OperationalError(str(error)) from error

    def _add(self, connection: sqlite3.Connection, spans: Sequence[Span]) -> None:
        now = time.time()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            self._make_room(connection, now)
            for span in spans:
                cursor = connection.execute(
                    "INSERT OR IGNORE INTO spans (trace_id, span_id, parent_id, received_us, body) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [span.trace_id, span.span_id, span.parent_id, int(now * 1e6), _encode(span)],
                )
                if cursor.rowcount == 1:
                    keys = [(key, cursor.lastrowid) for key in _keys(span)]
                    connection.executemany("INSERT OR IGNORE INTO refs VALUES (?, ?)", keys)

    def _make_room(self, connection: sqlite3.Connection, now: float) -> None:
        (pages,), (free,) = (
            connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count")
        )
        if pages - free >= self._max_pages:
            _drop_oldest(connection)
        if time.monotonic() - self._looked_at >= _OUTDATED_EVERY_S:
            self._looked_at = time.monotonic()
            outdated = int((now - self._max_age_s) * 1e6)
            while _drop_oldest(connection, outdated):
                pass

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_current():
            return self._connection
        self._close()
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path or ":memory:",
            timeout=_LOCK_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # Traces need not survive a power cut. The cache is 2 MB for each process.
            for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -2000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute(f"PRAGMA journal_size_limit = {4 * 1024 * 1024}")
            connection.execute(f"PRAGMA max_page_count = {int(self._max_pages * _HEADROOM)}")
            connection.executescript(_SCHEMA)
            self._inode = self._path.stat().st_ino if self._path else 0
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _is_current(self) -> bool:
        try:
            return self._path is None or self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _replace(self, error: sqlite3.Error) -> None:
        """Begin with an empty file. Other processes notice that theirs is gone."""
        _log.warning("the trace store is replaced, since it can't be read: %s", error)
        self._close()
        if self._path is not None:
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _drop_oldest(connection: sqlite3.Connection, received_before_us: int | None = None) -> int:
    """Drop some of the oldest spans, and return how many. With a limit, only those that arrived before it."""
    oldest = connection.execute(
        f"SELECT max(seq) FROM (SELECT seq, received_us FROM spans ORDER BY seq LIMIT {_DROPPED_AT_ONCE}) "
        "WHERE received_us < ? OR ? IS NULL",
        [received_before_us, received_before_us],
    )
    (last,) = oldest.fetchone()
    if last is None:
        return 0
    connection.execute("DELETE FROM refs WHERE seq <= ?", [last])
    return connection.execute("DELETE FROM spans WHERE seq <= ?", [last]).rowcount


def _keys(span: Span) -> set[str]:
    """What this span is found by, beside its own trace."""
    traces = {link.trace_id for link in span.links}
    mentions = [span.attributes, *(link.attributes for link in span.links)]
    for event in span.events:
        mentions.append(event.attributes)
        traces |= {trace_id_of(event.attributes.get(each)) for each in (TRACEPARENT, SUPERSEDED_TRACEPARENT)}
    keys = {f"trace:{trace_id}" for trace_id in traces if trace_id}
    products = (attributes.get(PRODUCT) for attributes in mentions)
    keys |= {f"product:{product}" for product in products if isinstance(product, str)}
    return keys | {"write"} if _is_write(span) else keys


def _is_write(span: Span) -> bool:
    return span.kind == "server" and PRODUCT in span.attributes and "lab.write.operation" in span.attributes


def _families(connection: sqlite3.Connection, key: str) -> list[int]:
    """The newest spans that this key leads to, each with all above and below it in its trace."""
    seqs = [seq for (seq,) in connection.execute(
        f"SELECT seq FROM refs WHERE key = ? ORDER BY seq DESC LIMIT {MAX_ANSWERED}", [key]
    )]  # fmt: skip
    family: dict[int, None] = {}
    for seq in seqs:
        if seq not in family:
            family.update(dict.fromkeys(_family(connection, seq)))
        if len(family) >= MAX_ANSWERED:
            break
    return list(family)[:MAX_ANSWERED]


def _family(connection: sqlite3.Connection, seq: int) -> Iterator[int]:
    # UNION drops what was found before, so it also ends where parents go round in a circle.
    rows = connection.execute(
        """
        WITH RECURSIVE
        above (trace_id, span_id, parent_id, seq) AS (
            SELECT trace_id, span_id, parent_id, seq FROM spans WHERE seq = :seq
            UNION SELECT s.trace_id, s.span_id, s.parent_id, s.seq FROM above AS a
            JOIN spans AS s ON s.trace_id = a.trace_id AND s.span_id = a.parent_id),
        below (trace_id, span_id, seq) AS (
            SELECT trace_id, span_id, seq FROM spans WHERE seq = :seq
            UNION SELECT s.trace_id, s.span_id, s.seq FROM below AS b
            JOIN spans AS s ON s.trace_id = b.trace_id AND s.parent_id = b.span_id)
        SELECT seq FROM above UNION SELECT seq FROM below""",
        {"seq": seq},
    )
    return (found for (found,) in rows)


def _load(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[Span]:
    bodies = (connection.execute("SELECT body FROM spans WHERE seq = ?", [seq]).fetchone() for seq in seqs)
    return _in_order(_decode(row[0]) for row in bodies if row)


def _in_order(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start_us, -span.end_us))
