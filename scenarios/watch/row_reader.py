"""One connection to PostgreSQL that asks, poll after poll, which rows are newer than before."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg

from service.writebehind.postgres_dsn import dsn
from stack.errors import NotRunning

_CONNECT_TIMEOUT_S: Final = 2
#: Timeouts keep a poll from waiting for other sessions: a late answer would say nothing about when.
_SESSION: Final = "-c lock_timeout=500ms -c statement_timeout=2s"
_NEWER: Final = """
SELECT row.id, row.version
FROM unnest(%(ids)s::text[], %(seen)s::bigint[]) AS wanted (id, version)
JOIN products AS row ON row.id = wanted.id WHERE row.version > wanted.version
UNION ALL SELECT tomb.id, tomb.version
FROM unnest(%(ids)s::text[], %(seen)s::bigint[]) AS wanted (id, version)
JOIN product_tombstones AS tomb ON tomb.id = wanted.id WHERE tomb.version > wanted.version"""


class RowReader:
    """For one thread; only `cut` may be called from another."""

    def __init__(self, database_url: str) -> None:
        self._connect = dsn(
            database_url, application="labctl", connect_seconds=_CONNECT_TIMEOUT_S, options=_SESSION
        )
        self._connection: psycopg.Connection[Any] | None = None

    def newer(self, versions: Mapping[str, int]) -> dict[str, int]:
        """The products whose row or tombstone is newer than the version given, each with its newer version.

        Args:
            versions: By product, the version at which it was seen last.

        Raises:
            NotRunning: PostgreSQL does not answer; the next call tries a new connection.
        """
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._connect, autocommit=True, prepare_threshold=None)
            rows = self._connection.execute(_NEWER, {"ids": list(versions), "seen": list(versions.values())})
            newer: dict[str, int] = {}
            for product, version in rows:
                newer[product] = max(version, newer.get(product, 0))
        except psycopg.Error as error:
            self.close()
            raise NotRunning(f"PostgreSQL does not answer: {error}", hint="") from error
        return newer

    def cut(self) -> None:
        """End a call that is under way in another thread, in case PostgreSQL never answers."""
        connection = self._connection
        with suppress(OSError, psycopg.Error):
            if connection is not None:
                with socket.socket(fileno=os.dup(connection.fileno())) as beneath:
                    beneath.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
