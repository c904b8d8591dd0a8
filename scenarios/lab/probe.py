"""Reads behind the API: rows straight from PostgreSQL, keys straight from Redis."""

from collections.abc import Callable, Generator, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from scenarios.events import Event
from scenarios.judge import stored
from scenarios.judge.final_read import Findings, Part, StoredValue
from scenarios.judge.ledger import Ledger
from scenarios.settle import HINT, Depth, Settled, settle
from service.writebehind import keys
from service.writebehind.postgres_dsn import dsn
from stack.errors import NotRunning

T = TypeVar("T")

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
        #: By product, the highest version at which its row was read.
        self._versions: dict[str, int] = {}

    def __enter__(self) -> "Probe":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._redis.close()

    def begin(self) -> None:
        """The run begins: rows written from now on are its own, or unattributed."""
        seconds, micros = self._ask(self._redis.time)
        # Versions run ahead of a clock that was set back.
        clock = self.clock()
        self.since = max(seconds * 1_000_000 + micros, clock.moment if clock else 0)

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
            self._versions[product] = max(self._versions.get(product, 0), row.version)
        return rows

    def findings(self, ledger: Ledger) -> Findings:
        """The final read. A part that can't be read is empty, and `unread` says why."""
        named = ledger.products()
        products = sorted(named)
        unread: dict[Part, str] = {}

        def read(part: Part, look: Callable[[], T], nothing: T) -> T:
            try:
                return look()
            except NotRunning as error:
                unread[part] = error.message
                return nothing

        empty: dict[str, StoredValue] = {}
        versions = {product: version for product, version in self._versions.items() if product in named}
        rows, unattributed = read(
            "rows", lambda: (self.rows(products), self._unattributed(products)), (empty, empty)
        )
        return Findings(
            rows=rows,
            unattributed=unattributed,
            dead_letters=read("dead_letters", self._dead, {}),
            pending=read("pending", lambda: self.pending(products), {}),
            cached=read("cached", lambda: self._cached(products), empty),
            seen=versions,
            since=self.since,
            unread=unread,
        )

    def entries(self, products: Iterable[str]) -> dict[str, list[StoredValue]]:
        """What only Redis holds of these products: pending entries, and dead letters."""
        ids = set(products)
        entries = self.pending(sorted(ids))
        for product, letters in self._dead().items():
            if product in ids:
                entries.setdefault(product, []).extend(letters)
        return entries

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
        try:
            with psycopg.connect(self._connect) as connection:
                cursor = connection.execute(query.encode(), params)
                return tuple(column.name for column in cursor.description or ()), cursor.fetchall()
        except psycopg.Error as error:
            # Later lines only repeat where it could not connect.
            reason = str(error).strip().partition("\n")[0]
            what = "can't be read" if error.sqlstate else "does not answer"
            raise NotRunning(f"PostgreSQL {what}: {reason}", hint=HINT) from error

    def _select(self, query: str, params: Mapping[str, Any]) -> dict[str, StoredValue]:
        _, rows = self._fetch(query, params)
        return {
            product: StoredValue(
                version=version,
                value=None if deleted else {"name": name, "price": price, "quantity": quantity},
            )
            for product, version, name, price, quantity, deleted in rows
        }

    def _unattributed(self, products: list[str]) -> dict[str, StoredValue]:
        return self._select(
            """
            SELECT id, version, name, price::float8, quantity, false AS deleted
            FROM products WHERE version > %(since)s AND NOT id = ANY(%(ids)s)""",
            {"since": self.since, "ids": products},
        )

    def _dead(self) -> dict[str, list[StoredValue]]:
        letters: dict[str, list[StoredValue]] = {}
        for content in self.dead_letters():
            product, value = stored.letter(content)
            letters.setdefault(product, []).append(value)
        return letters

    def pending(self, products: list[str]) -> dict[str, list[StoredValue]]:
        """What is queued, in flight or waiting for a retry of these products; the older entries of any."""
        pending: dict[str, list[StoredValue]] = {}
        for chunk in _chunks(products):
            entries = self._ask(lambda ids=chunk: self._redis.hmget(keys.PENDING, ids))
            for product, entry in zip(chunk, entries, strict=True):
                if entry is not None:
                    pending.setdefault(product, []).append(stored.held(stored.decode(entry)))
        for member in self._ask(lambda: self._redis.zrange(keys.BACKLOG, 0, -1)):
            parsed = stored.backlog_member(member)
            if parsed is not None:
                pending.setdefault(parsed[0], []).append(parsed[1])
        return pending

    def _cached(self, products: list[str]) -> dict[str, StoredValue]:
        cached: dict[str, StoredValue] = {}
        for chunk in _chunks(products):
            names = [keys.cache(product) for product in chunk]
            for product, entry in zip(chunk, self._ask(lambda n=names: self._redis.mget(n)), strict=True):
                content = stored.decode(entry) if entry is not None else None
                if content is not None:
                    cached[product] = stored.held(content)
        return cached

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise NotRunning(f"Redis does not answer: {error}", hint=HINT) from error
        except redis.RedisError as error:
            raise NotRunning(f"Redis can't be read: {error}", hint=HINT) from error


def _chunks(products: list[str]) -> Iterable[list[str]]:
    return (products[n : n + _IDS_PER_LOOKUP] for n in range(0, len(products), _IDS_PER_LOOKUP))
