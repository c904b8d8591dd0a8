"""Connections to PostgreSQL: one per thread, opened when needed, replaced when broken, and never waited for
longer than a few seconds, whatever PostgreSQL does.

This is not psycopg_pool. A pool costs two to four times as much per statement (lock, hand-over, check), and
it does not tell its caller whether a broken statement was sent, which is the difference between 503 and 504.
"""

import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import namedtuple_row

from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable
from service.writebehind.postgres_dsn import dsn

T = TypeVar("T")

_CONNECT_TIMEOUT_S: Final = 2
#: How long a thread waits for a slot.
_SLOT_TIMEOUT_S: Final = 0.25
#: How long PostgreSQL may take to accept a cancel request, and then again to end the statement.
_CANCEL_TIMEOUT_S: Final = 0.3
#: How long a statement may still run once its caller was asked to stop.
_GRACE_S: Final = 0.5
#: How long after `statement_ms` PostgreSQL itself counts as not answering.
_SILENCE_S: Final = 1.0
_EVENTS: Final = {1: select.POLLIN, 2: select.POLLOUT, 3: select.POLLIN | select.POLLOUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a program behaves towards PostgreSQL."""

    #: Its name in pg_stat_activity.
    application: str
    #: Longest wait for a lock, and longest statement, in ms.
    lock_ms: int
    statement_ms: int

    def conninfo(self, url: str) -> str:
        """The URL with these settings. They override those of the role: a batch relies on them."""
        options = (
            f"-c lock_timeout={self.lock_ms} -c statement_timeout={self.statement_ms}"
            " -c idle_in_transaction_session_timeout=5000"
            r" -c default_transaction_isolation=read\ committed"
        )
        return dsn(url, application=self.application, connect_seconds=_CONNECT_TIMEOUT_S, options=options)


API: Final = Manners(application="write-behind api", lock_ms=2_000, statement_ms=3_000)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait ends: by the answer, by a deadline, or soon after a stop is asked for.

    A statement that takes too long is cancelled. If even that has no answer, for example because PostgreSQL
    is frozen, the connection is closed, and it is unknown what became of the statement.
    """

    answers_within: float = 5.0
    #: Readable once the caller should stop; None if it never should.
    stop_fd: int | None = None
    #: The current lock_timeout, in ms.
    lock_ms: int = 0
    #: Whether it was closed because no answer came.
    abandoned: bool = False

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        """psycopg's hook: run one exchange with PostgreSQL."""
        poll, deadline = select.poll(), time.monotonic() + self.answers_within
        if self.stop_fd is not None:
            poll.register(self.stop_fd, select.POLLIN)
        try:
            poll.register(self.pgconn.socket, _EVENTS[next(gen)])
            if not self._exchange(gen, poll, deadline):
                self._cancel()
                self._exchange(gen, poll, time.monotonic() + _CANCEL_TIMEOUT_S)
        except StopIteration as end:
            answer: T = end.value
            return answer
        self.abandoned = True
        self.pgconn.finish()
        raise psycopg.OperationalError("PostgreSQL does not answer")

    def _exchange(self, gen: PQGen[T], poll: select.poll, deadline: float) -> bool:
        """Drive `gen` until it ends, which is a StopIteration, or return False at the deadline."""
        fd = self.pgconn.socket
        while True:
            # Poll after reading the clock: a process that was suspended for long may find the answer waiting.
            late = time.monotonic() >= deadline
            events = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if self.stop_fd in events:
                poll.unregister(self.stop_fd)
                deadline = min(deadline, time.monotonic() + _GRACE_S)
            if fd in events:
                poll.modify(fd, _EVENTS[gen.send(_ready(events[fd]))])
            elif late:
                return False

    def _cancel(self) -> None:
        try:
            self.cancel_safe(timeout=_CANCEL_TIMEOUT_S)
        except psycopg.Error:
            # PostgreSQL does not accept it. The only hope left is that the answer still comes.
            return

    @property
    def silent(self) -> bool:
        """Whether nothing has arrived since the last answer. Anything unasked means that the session ends."""
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def bear_locks(self, lock_ms: int) -> None:
        """From now on, wait this long for a lock."""
        if lock_ms != self.lock_ms:
            self.execute(f"SET lock_timeout = {lock_ms:d}".encode())
            self.lock_ms = lock_ms


def _ready(events: int) -> int:
    """What psycopg's generators call readable (1) and writable (2). Reading reveals an error."""
    read = events & (select.POLLIN | select.POLLERR | select.POLLHUP | select.POLLNVAL)
    return (1 if read else 0) | (2 if events & select.POLLOUT else 0)


class Connections:
    """Runs work on this thread's connection, and says for certain what became of it, if that is known.

    All work can be repeated without harm, since versions guard every write. So a connection that turns out to
    be dead is silently replaced once.
    """

    def __init__(
        self, database_url: str, manners: Manners, *, slots: int | None = None, stop_fd: int | None = None
    ) -> None:
        """
        Args:
            slots: How many threads may wait for PostgreSQL at once; for others it is not available. A frozen
                PostgreSQL must not block every thread of a server that has other work.
            stop_fd: Readable once the caller should stop; then no statement runs much longer.
        """
        self._conninfo = manners.conninfo(database_url)
        self._manners = manners
        self.slots = threading.BoundedSemaphore(slots) if slots else None
        self._stop_fd = stop_fd
        self._local = threading.local()
        self._opened: list[BoundedConnection] = []
        self._lock = threading.Lock()

    def run(self, work: Callable[[BoundedConnection], T], *, writes: bool = False) -> T:
        """Run `work` and return what it returns.

        Raises:
            RowsRefused: PostgreSQL answered a write with an error.
            OutcomeUnknown: the connection broke during a write, and it could not be repeated.
            StoreUnavailable: a write was never sent, or a read has no answer.
        """
        if self.slots is None:
            return self._run(work, writes=writes)
        if not self.slots.acquire(timeout=_SLOT_TIMEOUT_S):
            raise StoreUnavailable("PostgreSQL can't keep up: too many requests wait for it already")
        try:
            return self._run(work, writes=writes)
        finally:
            self.slots.release()

    def backend_pids(self) -> list[int]:
        """The process ids of PostgreSQL's side of the open connections."""
        with self._lock:
            return [connection.info.backend_pid for connection in self._opened if not connection.closed]

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._opened:
                connection.close()

    def _run(self, work: Callable[[BoundedConnection], T], *, writes: bool) -> T:
        try:
            return work(self._connection())
        except psycopg.Error as error:
            lost = self._lost
            if not lost and not _is_outdated(error):
                raise _refusal(error, writes=writes) from error
            if lost and self._abandoned:
                raise _unanswered(error, writes=writes) from error
        # It is unknown what became of the work on a dead connection; repeating it makes that certain.
        return self._repeat(work, unsure=lost and writes, writes=writes)

    def _repeat(self, work: Callable[[BoundedConnection], T], *, unsure: bool, writes: bool) -> T:
        self._discard()
        try:
            return work(self._connection())
        except StoreUnavailable as error:
            if unsure:
                raise OutcomeUnknown(f"PostgreSQL broke off: {error}") from error
            raise
        except psycopg.Error as error:
            # A refusal of the repetition says nothing about the first attempt.
            if self._lost or unsure:
                raise _unanswered(error, writes=writes) from error
            raise _refusal(error, writes=writes) from error

    @property
    def _lost(self) -> bool:
        return bool(self._local.connection.closed)

    @property
    def _abandoned(self) -> bool:
        return bool(self._local.connection.abandoned)

    def _discard(self) -> None:
        connection: BoundedConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()

    def _connection(self) -> BoundedConnection:
        """This thread's connection, known to be open: what is sent into a dead one has an unknown outcome."""
        connection: BoundedConnection | None = getattr(self._local, "connection", None)
        if connection is not None and not connection.closed:
            if connection.silent:
                return connection
            connection.close()
        return self._open()

    def _open(self) -> BoundedConnection:
        try:
            connection = BoundedConnection.connect(
                self._conninfo, autocommit=True, row_factory=namedtuple_row
            )
        except psycopg.Error as error:
            raise StoreUnavailable(f"PostgreSQL can't be reached: {say(error)}") from error
        connection.answers_within = self._manners.statement_ms / 1000 + _SILENCE_S
        connection.stop_fd = self._stop_fd
        connection.lock_ms = self._manners.lock_ms
        self._local.connection = connection
        with self._lock:
            self._opened = [*(c for c in self._opened if not c.closed), connection]
        return connection


def say(error: psycopg.Error) -> str:
    """The first line of PostgreSQL's message; later ones repeat the statement."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _is_outdated(error: psycopg.Error) -> bool:
    """Whether a column changed its type under a prepared statement. Preparing it again fixes that."""
    return error.sqlstate == "0A000" and "cached plan" in str(error)


def _refusal(error: psycopg.Error, *, writes: bool) -> RowsRefused | StoreUnavailable:
    if writes:
        return RowsRefused(say(error), error.sqlstate or "22000")
    return StoreUnavailable(f"PostgreSQL can't work: {say(error)}")


def _unanswered(error: psycopg.Error, *, writes: bool) -> OutcomeUnknown | StoreUnavailable:
    return (OutcomeUnknown if writes else StoreUnavailable)(f"PostgreSQL broke off: {say(error)}")
