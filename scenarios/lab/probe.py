"""Reads behind the API: rows straight from PostgreSQL, keys straight from Redis."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scenarios.events import Event
from scenarios.judge import stored
from scenarios.judge.final_read import StoredValue
from scenarios.settle import HINT, Depth, Settled, settle
from service.writebehind import keys
from service.writebehind.postgres_dsn import dsn
from stack.errors import NotRunning

_TIMEOUT_S: Final = 3.0
#: A read waits neither for another session's lock nor for a statement that does not end.
_SESSION: Final = "-c lock_timeout=3s -c statement_timeout=30s"
_IDS_PER_LOOKUP: Final = 1000
#: Reads all lengths at one moment. Not a transaction: a Redis whose memory is full refuses those.
_DEPTH: Final = """
local depth = {}
for n, key in ipairs(KEYS) do
  depth[n] = redis.call('TYPE', key).ok == 'list' and redis.call('LLEN', key) or redis.call('ZCARD', key)
end
return depth"""
#: Rows from before the run, and tombstones where there is no row.
_OLDER: Final = """
SELECT id, version, name, price::float8, quantity, false
FROM products WHERE id = ANY(%(ids)s) AND version <= %(since)s
UNION ALL SELECT id, version, NULL, NULL, NULL, true
FROM product_tombstones AS tomb WHERE id = ANY(%(ids)s)
AND NOT EXISTS (SELECT FROM products AS row WHERE row.id = tomb.id)"""


class Probe:
    """Reads one lab's databases. Every method raises `NotRunning` if one can't be reached."""

    def __init__(self, redis_url: str, database_url: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._connect = dsn(
            database_url, application="labctl", connect_seconds=max(1, int(timeout_s)), options=_SESSION
        )
        self._redis: Any = redis.Redis.from_url(
            redis_url,
            decode_responses=True,
            # Invalid UTF-8 is not ours, but must not end the read.
            encoding_errors="replace",
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            # One retry, at once and on a new connection. No more: callers have deadlines.
            retry=Retry(NoBackoff(), 1),
        )
        #: Versions above this one were assigned during this run.
        self.since = 0
        #: By product, the highest version at which its row was read before the final read.
        self.versions: dict[str, int] = {}

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._redis.close()

    def begin(self) -> None:
        """The run begins: rows written from now on are its own, or unattributed."""
        seconds, micros = self._ask(self._redis.time)
        # Versions run ahead of a clock that was set back.
        clock = self.clock()
        self.since = max(seconds * 1_000_000 + micros, clock.moment if clock else 0)

    def time(self) -> float:
        """The clock of Redis, as Unix time in s."""
        seconds, micros = self._ask(self._redis.time)
        return float(seconds + micros / 1_000_000)

    def redis_version(self) -> str:
        """Name and version of the server: "valkey 9.0.1"."""
        info = self._ask(lambda: self._redis.info("server"))
        name = info.get("server_name", "redis")
        return f"{name} {info.get(f'{name}_version', info.get('redis_version', ''))}".strip()

    def postgres_version(self) -> str:
        """ "PostgreSQL 18.1"."""
        _, rows = self._fetch("SHOW server_version", {})
        return f"PostgreSQL {rows[0][0]}"

    def depth(self) -> Depth:
        """How many writes are not in PostgreSQL yet, by where they wait."""
        names = (keys.QUEUE, keys.INFLIGHT, keys.RETRY, keys.DLQ, keys.BACKLOG)
        return Depth(*self._ask(lambda: self._redis.eval(_DEPTH, len(names), *names)))

    def totals(self) -> dict[str, int]:
        """Running totals since Redis was last empty; one that never moved is missing."""
        totals: dict[str, str] = self._ask(lambda: self._redis.hgetall(keys.TOTALS))
        return {name: int(value) for name, value in totals.items()}

    def settle(self, seconds: float) -> Generator[Event, None, Settled]:
        """Wait until nothing is queued, in flight or waiting for a retry, for `seconds` s at most. Ends early
        if that can't happen."""
        return (yield from settle(self, seconds))

    def ping_database(self) -> None:
        """Raises NotRunning unless PostgreSQL answers."""
        self._fetch("SELECT 1", {})

    def flush_all(self) -> None:
        """FLUSHALL: empty Redis."""
        self._ask(self._redis.flushall)

    def delete(self, key: str) -> None:
        """Delete one key: a fault for tests and demos."""
        self._ask(lambda: self._redis.delete(key))

    def live_settings(self) -> dict[str, str]:
        """The settings that were changed live; they override those of the environment."""
        settings: dict[str, str] = self._ask(lambda: self._redis.hgetall(keys.CONFIG))
        return settings

    def put_back(self, before: Mapping[str, str], names: Iterable[str]) -> None:
        """Restore the live settings of these names.

        A setting that was not set before is deleted, which the API can't do: set to its old value, it would
        override the environment from then on.

        Args:
            before: The live settings as they were.
        """
        changed = list(names)
        earlier = {name: before[name] for name in changed if name in before}
        self._ask(lambda: self._redis.hdel(keys.CONFIG, *changed))
        if earlier:
            self._ask(lambda: self._redis.hset(keys.CONFIG, mapping=earlier))

    def rows(self, products: Iterable[str]) -> dict[str, StoredValue]:
        """The rows of these products, or their tombstones where there is no row.

        A row beside a newer tombstone is a deleted product that was created again: the row counts. The
        versions are remembered: a row that is older later has regressed.
        """
        ids = list(products)
        rows = self._select(
            """
            SELECT id, version, name, price::float8, quantity, false AS deleted
            FROM products WHERE id = ANY(%(ids)s)
            UNION ALL SELECT id, version, NULL, NULL, NULL, true
            FROM product_tombstones WHERE id = ANY(%(ids)s) ORDER BY deleted DESC""",
            {"ids": ids},
        )
        for product, row in rows.items():
            self.versions[product] = max(self.versions.get(product, 0), row.version)
        return rows

    def all_rows(self, products: Iterable[Sequence[str]]) -> Iterator[tuple[str, StoredValue]]:
        """Every row of this run, and the older rows or tombstones of these products: all at one moment.

        Args:
            products: In portions of any size.
        """
        with map_postgres_errors(), psycopg.connect(self._connect) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with connection.cursor("rows_of_the_run") as cursor:
                cursor.execute(
                    """
                    SELECT id, version, name, price::float8, quantity, false
                    FROM products WHERE version > %(since)s""",
                    {"since": self.since},
                )
                yield from map(_stored, cursor)
            for portion in products:
                for ids in _chunks(portion):
                    older = connection.execute(_OLDER, {"ids": ids, "since": self.since})
                    yield from map(_stored, older.fetchall())

    def survivors(self) -> dict[str, list[StoredValue]]:
        """What only Redis holds now, of any product: pending entries, and dead letters."""
        held: dict[str, list[StoredValue]] = {}
        for product, value in chain(self._all_pending(), self.backlog(), self.dead()):
            held.setdefault(product, []).append(value)
        return held

    def clock(self) -> keys.Clock | None:
        """The lab's clock; None if no script has run since Redis was last empty."""
        return keys.parse_clock(self._ask(lambda: self._redis.get(keys.CLOCK)))

    def table(self, query: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Columns and rows of a query as text, as psql would show them; NULL is empty."""
        names, rows = self._fetch(query, {})
        return names, tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows)

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters, oldest first. Entries that are not JSON objects are left out."""
        letters = self._ask(lambda: self._redis.lrange(keys.DLQ, 0, -1))
        return [content for letter in letters if (content := stored.decode(letter)) is not None]

    def _fetch(self, query: str, params: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        with map_postgres_errors(), psycopg.connect(self._connect) as connection:
            cursor = connection.execute(query.encode(), params)
            return tuple(column.name for column in cursor.description or ()), cursor.fetchall()

    def _select(self, query: str, params: Mapping[str, Any]) -> dict[str, StoredValue]:
        _, rows = self._fetch(query, params)
        return dict(map(_stored, rows))

    def dead(self) -> Iterator[tuple[str, StoredValue]]:
        """The dead letters of all products."""
        return map(stored.letter, self.dead_letters())

    def entries_of(self, products: Sequence[str]) -> Iterator[tuple[str, StoredValue]]:
        """What is queued, in flight or waiting for a retry of these products."""
        for ids in _chunks(products):
            entries = self._ask(lambda ids=ids: self._redis.hmget(keys.PENDING, ids))
            for product, entry in zip(ids, entries, strict=True):
                if entry is not None:
                    yield product, stored.held(stored.decode(entry))

    def backlog(self) -> Iterator[tuple[str, StoredValue]]:
        """The older entries of all products, which a newer one did not replace."""
        for member in self._ask(lambda: self._redis.zrange(keys.BACKLOG, 0, -1)):
            parsed = stored.backlog_member(member)
            if parsed is not None:
                yield parsed

    def cached(self, products: Sequence[str]) -> Iterator[tuple[str, StoredValue]]:
        """The cache entries of these products."""
        for ids in _chunks(products):
            names = [keys.cache(product) for product in ids]
            for product, entry in zip(ids, self._ask(lambda n=names: self._redis.mget(n)), strict=True):
                content = stored.decode(entry) if entry is not None else None
                if content is not None:
                    yield product, stored.held(content)

    def _all_pending(self) -> Iterator[tuple[str, StoredValue]]:
        cursor = None
        while cursor != 0:
            cursor, entries = self._ask(
                lambda at=cursor: self._redis.hscan(keys.PENDING, at or 0, count=_IDS_PER_LOOKUP)
            )
            for product, entry in entries.items():
                yield product, stored.held(stored.decode(entry))

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise NotRunning(f"Redis does not answer: {error}", hint=HINT) from error
        except redis.RedisError as error:
            raise NotRunning(f"Redis can't be read: {error}", hint=HINT) from error


def _chunks(products: Sequence[str]) -> Iterator[list[str]]:
    return (list(products[n : n + _IDS_PER_LOOKUP]) for n in range(0, len(products), _IDS_PER_LOOKUP))


def _stored(row: Sequence[Any]) -> tuple[str, StoredValue]:
    product, version, name, price, quantity, deleted = row
    value = None if deleted else {"name": name, "price": price, "quantity": quantity}
    return product, StoredValue(version=version, value=value)


@contextmanager
def map_postgres_errors() -> Iterator[None]:
    """Raises NotRunning for what psycopg raises."""
    try:
        yield
    except psycopg.Error as error:
        # Later lines only repeat where it could not connect.
        reason = str(error).strip().partition("\n")[0]
        what = "can't be read" if error.sqlstate else "does not answer"
        raise NotRunning(f"PostgreSQL {what}: {reason}", hint=HINT) from error
