"""Who holds the lock that a flush waits for. It asks on a connection of its own."""

from collections.abc import Sequence
from typing import Any, Final

from service.writebehind.connections import BoundedConnection, Connections, Manners
from service.writebehind.workers import Blocker

_MANNERS: Final = Manners(application="write-behind watch", lock_ms=200, statement_ms=500)
_QUERY_CHARACTERS: Final = 200
_ASK: Final = b"""
    SELECT DISTINCT other.pid, coalesce(other.application_name, '') AS application,
           coalesce(other.query, '') AS query
    FROM unnest(%s::int[]) AS waiting (pid)
    CROSS JOIN unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
    JOIN pg_stat_activity AS other ON other.pid = blocking.pid
    ORDER BY other.pid"""


class Blockers:
    """Finds blocking sessions. Raises `StoreUnavailable` if PostgreSQL does not answer."""

    def __init__(self, database_url: str) -> None:
        self._connections = Connections(database_url, _MANNERS)

    def of(self, backend_pids: Sequence[int]) -> tuple[Blocker, ...]:
        """The sessions that these PostgreSQL processes wait for."""

        def work(connection: BoundedConnection) -> list[Any]:
            return connection.execute(_ASK, [list(backend_pids)]).fetchall()

        return tuple(
            Blocker(row.pid, row.application, " ".join(row.query.split())[:_QUERY_CHARACTERS])
            for row in self._connections.run(work)
        )

    def close(self) -> None:
        """Close the connection."""
        self._connections.close()
