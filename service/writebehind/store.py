"""PostgreSQL: reading and writing rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from service.writebehind.connections import API, BoundedConnection, Connections, Manners
from service.writebehind.entry import finish, is_tombstone, timestamp, tombstone_head
from service.writebehind.errors import RowsRefused

_COLUMNS: Final = "id, name, price, quantity, created_at, updated_at, version"
_LOOK: Final = f"""
    SELECT {", ".join(f"row.{column}" for column in _COLUMNS.split(", "))}, tomb.version AS deleted
    FROM (SELECT %s::text AS id) AS wanted
    LEFT JOIN products AS row ON row.id = wanted.id
    LEFT JOIN product_tombstones AS tomb ON tomb.id = wanted.id"""
_VERSIONS: Final = """
    SELECT id, max(version) AS version
    FROM (SELECT id, version FROM products
          UNION ALL SELECT id, version FROM product_tombstones) AS known
    WHERE id = ANY(%s) GROUP BY id"""


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A row of the table `products`."""

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


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The trace of a persisted delete."""

    id: str
    version: int

    def document(self) -> bytes:
        """As the write-through delete would have cached it."""
        now = timestamp()
        return finish(tombstone_head(self.id), created_at=now, updated_at=now, version=self.version)


class Store:
    """Reads and writes rows; may be shared by threads.

    Every method raises `StoreUnavailable` if nothing was changed and there is no answer.
    """

    #: The functions of schema.sql.
    write_function = "write_entries"
    rehearse_function = "rehearse_entries"

    def __init__(
        self,
        database_url: str,
        manners: Manners = API,
        *,
        slots: int | None = None,
        stop_fd: int | None = None,
    ) -> None:
        """`slots` and `stop_fd` as in Connections."""
        self.connections = Connections(database_url, manners, slots=slots, stop_fd=stop_fd)
        self._manners = manners

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        """Write a batch in one statement; return how many rows changed. (0 also where the connection broke
        and the repetition found everything written.)

        Args:
            lock_ms: How long to wait for another session's lock, in ms; None for the usual time.

        Raises:
            RowsRefused: PostgreSQL answered with an error; none was written.
            OutcomeUnknown: the connection broke during the write, and could not be replaced.
        """
        return int(self._call(self.write_function, entries, lock_ms))

    def rehearse(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> None:
        """Find out whether these could be written, without writing them. Raises what `write` raises."""
        self._call(self.rehearse_function, entries, lock_ms)

    def get(self, product_id: str) -> StoredProduct | None:
        """The row; None if there is none."""
        if not _is_text(product_id):
            return None
        return next(iter(self._select(f"SELECT {_COLUMNS} FROM products WHERE id = %s", product_id)), None)

    def look(self, product_id: str) -> StoredProduct | Tombstone | None:
        """What is persisted of a product: its row, the tombstone of its delete, or nothing."""
        if not _is_text(product_id):
            return None

        def work(connection: BoundedConnection) -> Any:
            return connection.execute(_LOOK, [product_id]).fetchone()

        *row, deleted = self.connections.run(work)
        if row[0] is not None and (deleted is None or row[-1] > deleted):
            return StoredProduct(*row)
        return None if deleted is None else Tombstone(product_id, deleted)

    def newest(self, limit: int) -> list[StoredProduct]:
        """The products that were created last, newest first."""
        return self._select(f"SELECT {_COLUMNS} FROM products ORDER BY created_at DESC LIMIT %s", limit)

    def versions(self, product_ids: Sequence[str]) -> dict[str, int]:
        """The newest persisted version of each product, tombstones included."""
        ids = [product_id for product_id in product_ids if _is_text(product_id)]

        def work(connection: BoundedConnection) -> dict[str, int]:
            return {row.id: row.version for row in connection.execute(_VERSIONS, [ids])}

        return self.connections.run(work)

    def ping(self) -> None:
        """Run an empty query."""
        self.connections.run(lambda connection: connection.execute("SELECT 1"))

    def close(self) -> None:
        """Close the connections of all threads."""
        self.connections.close()

    def _call(self, function: str, entries: Sequence[bytes], lock_ms: int | None) -> Any:
        try:
            payload = (b"[" + b",".join(entries) + b"]").decode()
        except UnicodeDecodeError as error:
            raise RowsRefused(f"an entry is not UTF-8: {error}") from error
        deletes = any(map(is_tombstone, entries))
        statement = f"SELECT {function}(%s::jsonb, %s)".encode()

        def work(connection: BoundedConnection) -> Any:
            connection.bear_locks(self._manners.lock_ms if lock_ms is None else lock_ms)
            row = connection.execute(statement, [payload, deletes]).fetchone()
            return row and row[0]

        return self.connections.run(work, writes=True)

    def _select(self, query: str, *params: object) -> list[StoredProduct]:
        def work(connection: BoundedConnection) -> list[StoredProduct]:
            return [StoredProduct(*row) for row in connection.execute(query.encode(), params)]

        return self.connections.run(work)


def _is_text(value: str) -> bool:
    """Whether PostgreSQL can store this text. What it can't store, it does not hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value
