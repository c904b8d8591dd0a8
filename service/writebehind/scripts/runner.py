"""The fastest way to run a script: one connection per thread, one round trip per call."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast, get_args

import hiredis
import redis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - the library's name for it
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from service.writebehind.errors import CacheUnavailable, OutcomeUnknown
from service.writebehind.keys import TYPES
from service.writebehind.scripts.script import Script, load

_log = logging.getLogger(__name__)

#: Redis answers in well under a millisecond, or is in trouble.
_CONNECT_TIMEOUT_S: Final = 1.0
_ANSWER_TIMEOUT_S: Final = 2.0
#: A connection that answered this recently is not checked before it is used again.
_TRUSTED_S: Final = 0.05


class _Failed(OutcomeUnknown):
    """The script failed, not Redis: for example, a key holds another type."""


class _Connection(Protocol):
    """The part of redis-py's connections that is used here; their own methods have no types."""

    def connect(self) -> None: ...
    def disconnect(self) -> None: ...
    def can_read(self, timeout: float) -> bool: ...
    def send_packed_command(self, command: Sequence[bytes], check_health: bool) -> None: ...
    def read_response(self) -> Any: ...


def _pack(command: Sequence[str | bytes | int]) -> bytes:
    """A command in the Redis protocol. An id that is not UTF-8 keeps its bytes."""
    # Its own annotations only admit tuples of one element.
    pack = cast("Callable[[tuple[str | bytes | int, ...]], bytes]", hiredis.pack_command)
    try:
        return pack(tuple(command))
    except UnicodeEncodeError:
        return pack(tuple(v.encode(errors="surrogateescape") if isinstance(v, str) else v for v in command))


class Scripts:
    """Runs scripts on a Redis; may be shared by threads.

    redis-py's own `evalsha` borrows a connection, checks its health and dispatches callbacks on every
    call; on the hot path that costs three times the CPU of a connection that stays with its thread.
    """

    def __init__(self, redis_url: str) -> None:
        #: For plain commands that are not on the hot path.
        self.client: redis.Redis = redis.Redis.from_url(
            redis_url, socket_connect_timeout=_CONNECT_TIMEOUT_S, socket_timeout=_ANSWER_TIMEOUT_S
        )
        self._bodies = {name: load(name) for name in get_args(Script)}
        self._shas = {
            name: hashlib.sha1(body, usedforsecurity=False).hexdigest() for name, body in self._bodies.items()
        }
        self._local = threading.local()
        self._opened: list[_Connection] = []

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run one script and return its reply, strings as bytes.

        Raises:
            CacheUnavailable: Redis can't be reached, or refused the script (it is out of memory, loading, or
                a replica). Nothing was changed.
            OutcomeUnknown: the connection broke, or Redis did not answer, after the script was sent.
        """
        try:
            return self._evaluate(script, keys, args)
        except _Failed as error:
            # If nothing was repaired, another thread may have repaired the key meanwhile.
            if script == "repair" or not (self.repair(keys) or "WRONGTYPE" in str(error)):
                raise
            _log.warning("a script failed and is run again: %s", error)
            return self._evaluate(script, keys, args)

    def repair(self, keys: Sequence[str]) -> list[str]:
        """Delete those of our keys that hold the wrong type, and return them.

        What they should hold is lost already. Scripts check types before they change anything, so the one
        that failed changed nothing.
        """
        types = [TYPES.get(key, "string") for key in keys]
        gone = [key.decode(errors="replace") for key in self.run("repair", keys, types)]
        if gone:
            _log.warning("deleted keys that held the wrong type: %s", ", ".join(gone))
        return gone

    def _evaluate(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        try:
            return self.ask("EVALSHA", self._shas[script], len(keys), *keys, *args)
        except NoScriptError:
            # Redis was restarted, or has never seen the script; EVAL loads it.
            return self.ask("EVAL", self._bodies[script], len(keys), *keys, *args)

    def ask(self, *command: str | bytes | int) -> Any:
        """Run one command on this thread's connection; raises what `run` raises."""
        connection = self._connection()
        try:
            connection.send_packed_command((_pack(command),), check_health=False)
            reply = connection.read_response()
        except OutOfMemoryError as error:
            raise CacheUnavailable("Redis is full: it takes no write until it has room again") from error
        except (BusyLoadingError, ReadOnlyError) as error:
            raise CacheUnavailable(f"Redis refused the write: {error}") from error
        except (ConnectionError, TimeoutError) as error:
            connection.disconnect()
            raise OutcomeUnknown(f"Redis broke off: {error}") from error
        except NoScriptError:
            raise
        except ResponseError as error:
            # For example, one of our keys holds another type.
            raise _Failed(f"Redis failed: {error}") from error
        self._local.used_at = time.monotonic()
        return reply

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._opened:
            connection.disconnect()
        self.client.close()

    def _connection(self) -> _Connection:
        """This thread's connection, known to be open. A write must not be sent into a dead one: it would be
        unknown whether it was taken."""
        connection: _Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
        elif time.monotonic() - self._local.used_at < _TRUSTED_S:
            return connection
        try:
            # A connection without an open request is readable only if the other side closed it.
            if connection.can_read(0):
                connection.disconnect()
                connection.connect()
        except (ConnectionError, TimeoutError):
            self._reconnect(connection)
        return connection

    def _open(self) -> _Connection:
        connection: Any = self.client.connection_pool.make_connection()
        self._local.connection = connection
        self._local.used_at = 0.0
        self._opened.append(connection)
        opened: _Connection = connection
        return opened

    @staticmethod
    def _reconnect(connection: _Connection) -> None:
        connection.disconnect()
        try:
            connection.connect()
        except RedisError as error:
            raise CacheUnavailable(f"Redis can't be reached: {error}") from error


@contextmanager
def map_redis_errors() -> Iterator[None]:
    """Translate redis-py's errors where a plain command is used.

    Raises:
        CacheUnavailable: Redis can't be reached or refused the command.
    """
    try:
        yield
    except RedisError as error:
        raise CacheUnavailable(f"Redis can't be reached: {error}") from error
