"""PostgreSQL: the rows. A connection per thread, opened when needed and reopened when it broke."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final, TypeVar

import msgspec
import psycopg
from psycopg.rows import namedtuple_row

from service.writebehind.entry import finish, is_tombstone, timestamp
from service.writebehind.errors import OutcomeUnknown, RowsRefused, StoreUnavailable

T = TypeVar("T")

_CONNECT_SECONDS: Final = 2
#: Batches with a delete exclude all others: a delete that is not yet committed can't be seen by an
#: insert of an older version, which would bring the product back. Batches without share the lock.
_DELETES_LOCK: Final = 42_000_042
_COLUMNS: Final = "id, name, price, quantity, created_at, updated_at, version"


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A row."""

    id: str
    name: str
    price: Decimal
    quantity: int
    created_at: datetime
    updated_at: datetime
    version: int

    def document(self) -> bytes:
        head = b'{"id":%b,"name":%b,"price":%b,"quantity":%d' % (
            msgspec.json.encode(self.id),
            msgspec.json.encode(self.name),
            msgspec.json.encode(float(self.price)),
            self.quantity,
        )
        return finish(
            head,
            created_at=timestamp(self.created_at),
            updated_at=timestamp(self.updated_at),
            version=self.version,
        )


class Store:
    """Reads and writes rows; may be shared by threads.

    Every method raises `StoreUnavailable` in an outage. All that it does may be repeated without harm, so
    a connection that turns out to be dead is replaced once, silently.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        sql = files("service.writebehind")
        self._upsert = (sql / "upsert.sql").read_text()
        self._delete = (sql / "delete.sql").read_text()
        self._local = threading.local()
        self._opened: list[psycopg.Connection[Any]] = []

    def write(self, entries: Sequence[bytes]) -> int:
        """Write a batch in one transaction and one statement, two where it has deletes; return how many
        rows changed.

        Raises:
            RowsRefused: PostgreSQL refuses at least one of them; none was written.
            OutcomeUnknown: the connection broke while it worked, and could not be had again.
        """
        try:
            payload = {"entries": (b"[" + b",".join(entries) + b"]").decode()}
        except UnicodeDecodeError as error:
            raise RowsRefused(f"an entry is not UTF-8: {error}") from error
        deletes = any(map(is_tombstone, entries))
        lock = "pg_advisory_xact_lock" if deletes else "pg_advisory_xact_lock_shared"

        def work(connection: psycopg.Connection[Any]) -> int:
            # One round trip: the statements' snapshots are taken after the lock was had, not before.
            with connection.pipeline(), connection.transaction():
                connection.execute(f"SELECT {lock}({_DELETES_LOCK})")
                cursors = [connection.execute(self._upsert, payload)]
                if deletes:
                    cursors.append(connection.execute(self._delete, payload))
            return sum(cursor.rowcount for cursor in cursors)

        return self._run(work, writes=True)

    def get(self, product_id: str) -> StoredProduct | None:
        return next(iter(self._select(f"SELECT {_COLUMNS} FROM products WHERE id = %s", product_id)), None)

    def newest(self, limit: int) -> list[StoredProduct]:
        """The products that were created last, newest first."""
        return self._select(f"SELECT {_COLUMNS} FROM products ORDER BY created_at DESC LIMIT %s", limit)

    def versions(self, product_ids: Sequence[str]) -> dict[str, int]:
        """The newest persisted version of each product, tombstones included."""
        query = """
            SELECT id, max(version) AS version
            FROM (SELECT id, version FROM products
                  UNION ALL SELECT id, version FROM product_tombstones) AS known
            WHERE id = ANY(%s) GROUP BY id"""

        def work(connection: psycopg.Connection[Any]) -> dict[str, int]:
            return {row.id: row.version for row in connection.execute(query, [list(product_ids)])}

        return self._run(work)

    def ping(self) -> None:
        self._run(lambda connection: connection.execute("SELECT 1"))

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._opened:
            connection.close()

    def _select(self, query: str, *params: object) -> list[StoredProduct]:
        def work(connection: psycopg.Connection[Any]) -> list[StoredProduct]:
            return [StoredProduct(*row) for row in connection.execute(query, params)]

        return self._run(work)

    def _run(self, work: Callable[[psycopg.Connection[Any]], T], *, writes: bool = False) -> T:
        connection, fresh = self._connection()
        sent = False
        while True:
            try:
                return work(connection)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise RowsRefused(_say(error)) from error
            except psycopg.Error as error:
                if connection.broken and not fresh:
                    sent = True
                    connection, fresh = self._reconnect(unknown=writes)
                    continue
                if connection.broken and (writes or sent):
                    raise OutcomeUnknown(f"PostgreSQL broke off: {_say(error)}") from error
                raise StoreUnavailable(f"PostgreSQL can't work: {_say(error)}") from error

    def _reconnect(self, *, unknown: bool) -> tuple[psycopg.Connection[Any], bool]:
        try:
            return self._connection()
        except StoreUnavailable as error:
            if unknown:
                raise OutcomeUnknown(str(error)) from error
            raise

    def _connection(self) -> tuple[psycopg.Connection[Any], bool]:
        """This thread's connection, and whether it was opened just now."""
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is not None and not connection.closed:
            return connection, False
        try:
            connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=_CONNECT_SECONDS, row_factory=namedtuple_row
            )
        except psycopg.Error as error:
            raise StoreUnavailable(f"PostgreSQL can't be reached: {_say(error)}") from error
        self._local.connection = connection
        self._opened = [*(c for c in self._opened if not c.closed), connection]
        return connection, True


def _say(error: psycopg.Error) -> str:
    """The first line of what PostgreSQL said: later ones repeat the statement."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
