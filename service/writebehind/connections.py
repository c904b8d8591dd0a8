"""Connections to PostgreSQL: one a thread, opened when needed, replaced when it broke, and never waited for
longer than a few seconds, whatever PostgreSQL does."""

import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.rows import namedtuple_row

from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable

T = TypeVar("T")

_CONNECT_SECONDS: Final = 2
#: s that a thread waits for a slot.
_SLOT_SECONDS: Final = 0.25
#: s for PostgreSQL to take a request to cancel, and again for the statement to end by it.
_CANCEL_SECONDS: Final = 0.3
#: s that a statement still gets once its caller was asked to stop.
_GRACE_SECONDS: Final = 0.5
#: s beyond `statement_ms` after which PostgreSQL itself is given up.
_SILENCE_SECONDS: Final = 1.0
_EVENTS: Final = {1: select.POLLIN, 2: select.POLLOUT, 3: select.POLLIN | select.POLLOUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a program behaves towards PostgreSQL."""

    #: What pg_stat_activity calls it.
    application: str
    #: ms that a statement waits for a lock, and lasts, at most.
    lock_ms: int
    statement_ms: int

    def conninfo(self, url: str) -> str:
        """The URL with these, whatever the role's own settings say: a batch relies on them."""
        options = (
            f"-c lock_timeout={self.lock_ms} -c statement_timeout={self.statement_ms}"
            " -c idle_in_transaction_session_timeout=5000"
            r" -c default_transaction_isolation=read\ committed"
        )
        return make_conninfo(url, application_name=self.application, options=options)


API: Final = Manners(application="write-behind api", lock_ms=2_000, statement_ms=3_000)


class BoundedConnection(psycopg.Connection[Any]):
    """A connection whose every wait ends: by the answer, by a deadline, or soon after a stop is asked for.

    A statement that is out of time is cancelled; where even that has no answer (PostgreSQL is frozen, say)
    the connection is closed, and what became of the statement is unknown.
    """

    answers_within: float = 5.0
    #: Readable once the caller shall stop; None where there is no such thing.
    stop_fd: int | None = None
    #: lock_timeout as it is set now, ms.
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
                self._exchange(gen, poll, time.monotonic() + _CANCEL_SECONDS)
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
            # The look comes last: a process that was stopped for long may find the answer waiting.
            late = time.monotonic() >= deadline
            events = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if self.stop_fd in events:
                poll.unregister(self.stop_fd)
                deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
            if fd in events:
                poll.modify(fd, _EVENTS[gen.send(_ready(events[fd]))])
            elif late:
                return False

    def _cancel(self) -> None:
        try:
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        except psycopg.Error:
            # It does not listen. Then its answer, if there is one yet, is all that can be had.
            return

    @property
    def silent(self) -> bool:
        """Whether nothing has come in since the last answer: what comes unasked says that it ends."""
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def bear_locks(self, lock_ms: int) -> None:
        """Wait for a lock as long as this, from now on."""
        if lock_ms != self.lock_ms:
            self.execute(f"SET lock_timeout = {lock_ms:d}".encode())
            self.lock_ms = lock_ms


def _ready(events: int) -> int:
    """What psycopg's generators call readable (1) and writable (2). An error shows when it is read."""
    read = events & (select.POLLIN | select.POLLERR | select.POLLHUP | select.POLLNVAL)
    return (1 if read else 0) | (2 if events & select.POLLOUT else 0)


class Connections:
    """Runs work on this thread's connection, and says for certain what became of it, if that can be said.

    All work may be repeated without harm: versions guard every write. So a connection that turns out to be
    dead is replaced once, silently.
    """

    def __init__(
        self, database_url: str, manners: Manners, *, slots: int | None = None, stop_fd: int | None = None
    ) -> None:
        """
        Args:
            slots: How many threads may wait for PostgreSQL at once; further ones are told that it is not
                available. One that is frozen must not take every thread of a server that has other work.
            stop_fd: Readable once the caller shall stop: then no statement lasts much longer.
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
            RowsRefused: a write that PostgreSQL answered with an error.
            OutcomeUnknown: a write whose connection broke, and could not be repeated.
            StoreUnavailable: a write that was never sent, or a read that has no answer.
        """
        if self.slots is None:
            return self._run(work, writes=writes)
        if not self.slots.acquire(timeout=_SLOT_SECONDS):
            raise StoreUnavailable("PostgreSQL can't keep up: too many requests wait for it already")
        try:
            return self._run(work, writes=writes)
        finally:
            self.slots.release()

    def backend_pids(self) -> list[int]:
        """PostgreSQL's processes behind the open connections."""
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
        # Nobody knows what became of what a dead connection was sent; doing it again makes that certain.
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
            # A refusal now says nothing about the first time.
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
        """This thread's connection, known to be open: what is sent into a dead one leaves doubts."""
        connection: BoundedConnection | None = getattr(self._local, "connection", None)
        if connection is not None and not connection.closed:
            if connection.silent:
                return connection
            connection.close()
        return self._open()

    def _open(self) -> BoundedConnection:
        try:
            connection = BoundedConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=_CONNECT_SECONDS, row_factory=namedtuple_row
            )
        except psycopg.Error as error:
            raise StoreUnavailable(f"PostgreSQL can't be reached: {say(error)}") from error
        connection.answers_within = self._manners.statement_ms / 1000 + _SILENCE_SECONDS
        connection.stop_fd = self._stop_fd
        connection.lock_ms = self._manners.lock_ms
        self._local.connection = connection
        with self._lock:
            self._opened = [*(c for c in self._opened if not c.closed), connection]
        return connection


def say(error: psycopg.Error) -> str:
    """The first line of what PostgreSQL said: later ones repeat the statement."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _is_outdated(error: psycopg.Error) -> bool:
    """Whether a column changed its type under a prepared statement: preparing it anew mends that."""
    return error.sqlstate == "0A000" and "cached plan" in str(error)


def _refusal(error: psycopg.Error, *, writes: bool) -> RowsRefused | StoreUnavailable:
    if writes:
        return RowsRefused(say(error), error.sqlstate or "22000")
    return StoreUnavailable(f"PostgreSQL can't work: {say(error)}")


def _unanswered(error: psycopg.Error, *, writes: bool) -> OutcomeUnknown | StoreUnavailable:
    return (OutcomeUnknown if writes else StoreUnavailable)(f"PostgreSQL broke off: {say(error)}")
