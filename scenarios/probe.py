"""The look behind the API: rows straight from PostgreSQL, keys straight from Redis."""

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import psycopg
import redis

from scenarios.events import Event
from scenarios.findings import Findings, Held
from scenarios.ledger import Ledger
from service.writebehind import keys
from service.writebehind.postgres_parameters import parameters
from stack.errors import DeadlinePassed, NotRunning
from stack.events import Advanced
from stack.wait import waiting

_TIMEOUT: Final = 5.0
#: Ids in one look-up of the cache or of the pending entries.
_CHUNK: Final = 1000
#: All at one moment, and not as a transaction: a Redis whose memory is full takes none.
_DEPTH: Final = """
local depth = {}
for n, key in ipairs(KEYS) do
  depth[n] = redis.call('TYPE', key).ok == 'list' and redis.call('LLEN', key) or redis.call('ZCARD', key)
end
return depth"""
_HINT: Final = "`labctl status` says what runs; `labctl up` repairs it"


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is not in PostgreSQL yet."""

    queue: int
    inflight: int
    retrying: int
    dead_letters: int
    backlog: int

    @property
    def unsettled(self) -> int:
        return self.queue + self.inflight + self.retrying


class Probe:
    """Reads one lab's databases. Every method raises `NotRunning` where one can't be reached."""

    def __init__(self, redis_url: str, database_url: str) -> None:
        self._connect = parameters(database_url, application="labctl", connect_seconds=int(_TIMEOUT))
        self._redis: Any = redis.Redis.from_url(
            redis_url,
            decode_responses=True,
            # What is no text is no letter of ours either, but must not end the look.
            encoding_errors="replace",
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
        )
        #: Versions beyond this one are of this run.
        self.since = 0
        self._seen: dict[str, int] = {}

    def __enter__(self) -> "Probe":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._redis.close()

    def begin(self) -> None:
        """The run begins: rows written from now on are its own, or strangers."""
        seconds, micros = self._ask(self._redis.time)
        # Versions run ahead of a clock that was set back.
        clock = keys.parse_clock(self._ask(lambda: self._redis.get(keys.CLOCK)))
        self.since = max(seconds * 1_000_000 + micros, clock.moment if clock else 0)

    def depth(self) -> Depth:
        names = (keys.QUEUE, keys.INFLIGHT, keys.RETRY, keys.DLQ, keys.BACKLOG)
        return Depth(*self._ask(lambda: self._redis.eval(_DEPTH, len(names), *names)))

    def totals(self) -> dict[str, int]:
        """Running totals since Redis was last empty; one that never moved is missing."""
        found: dict[str, str] = self._ask(lambda: self._redis.hgetall(keys.TOTALS))
        return {name: int(value) for name, value in found.items()}

    def settle(self, seconds: float) -> Generator[Event, None, bool]:
        """Wait until nothing is queued, in flight or waiting for a retry; return whether that came true."""
        label, most = "waiting until everything is flushed", self.depth().unsettled
        try:
            for _ in waiting(
                lambda: self.depth().unsettled == 0, seconds=seconds, reason="the queue is empty", hint=_HINT
            ):
                left = self.depth().unsettled
                most = max(most, left)
                yield Advanced(label, most - left, most)
        except DeadlinePassed:
            return False
        if most:
            yield Advanced(label, most, most)
        return True

    def flush_all(self) -> None:
        """FLUSHALL: take Redis' memory away."""
        self._ask(self._redis.flushall)

    def delete(self, key: str) -> None:
        """Take one key away: a fault for tests and demos."""
        self._ask(lambda: self._redis.delete(key))

    def live_settings(self) -> dict[str, str]:
        """The settings that were changed live; they override those of the environment."""
        found: dict[str, str] = self._ask(lambda: self._redis.hgetall(keys.CONFIG))
        return found

    def put_back(self, before: Mapping[str, str], names: Iterable[str]) -> None:
        """Make the live settings of these names what they were. One that was not set is taken away, which
        the API can't do: set to its old value, it would override the environment from then on."""
        wanted = list(names)
        earlier = {name: before[name] for name in wanted if name in before}
        self._ask(lambda: self._redis.hdel(keys.CONFIG, *wanted))
        if earlier:
            self._ask(lambda: self._redis.hset(keys.CONFIG, mapping=earlier))

    def rows(self, products: Iterable[str]) -> dict[str, Held]:
        """The rows of these products, or the tombstones of those that have none. A row beside a newer
        tombstone is a deleted product that came back: the row is what there is. What is seen here is
        remembered: a row that is older later has regressed."""
        wanted = list(products)
        rows = self._select(
            """
            SELECT id, version, name, price::float8, quantity, false AS deleted
            FROM products WHERE id = ANY(%(ids)s)
            UNION ALL SELECT id, version, NULL, NULL, NULL, true
            FROM product_tombstones WHERE id = ANY(%(ids)s) ORDER BY deleted DESC""",
            {"ids": wanted},
        )
        for product, held in rows.items():
            self._seen[product] = max(self._seen.get(product, 0), held.version)
        return rows

    def findings(self, ledger: Ledger) -> Findings:
        """The final read."""
        known = ledger.products()
        products = sorted(known)
        seen = {product: version for product, version in self._seen.items() if product in known}
        rows = self.rows(products)
        strangers = self._select(
            """
            SELECT id, version, name, price::float8, quantity, false AS deleted
            FROM products WHERE version > %(since)s AND NOT id = ANY(%(ids)s)""",
            {"since": self.since, "ids": products},
        )
        return Findings(
            rows=rows,
            strangers=strangers,
            dead_letters=self._dead(),
            pending=self._pending(products),
            cached=self._cached(products),
            seen=seen,
            since=self.since,
        )

    def table(self, query: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Columns and rows of a query as text, NULL as nothing: what psql would show."""
        names, rows = self._fetch(query, {})
        return names, tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows)

    def dead_letters(self) -> list[dict[str, Any]]:
        """The dead letters, oldest first, but for what is no letter."""
        letters = self._ask(lambda: self._redis.lrange(keys.DLQ, 0, -1))
        return [content for letter in letters if (content := _decode(letter)) is not None]

    def _fetch(self, query: str, params: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        try:
            with psycopg.connect(**self._connect) as connection:
                found = connection.execute(query.encode(), params)
                return tuple(column.name for column in found.description or ()), found.fetchall()
        except psycopg.Error as error:
            raise NotRunning(f"PostgreSQL can't be read: {str(error).strip()}", hint=_HINT) from error

    def _select(self, query: str, params: Mapping[str, Any]) -> dict[str, Held]:
        _, rows = self._fetch(query, params)
        return {
            product: Held(
                version=version,
                value=None if deleted else {"name": name, "price": price, "quantity": quantity},
            )
            for product, version, name, price, quantity, deleted in rows
        }

    def _dead(self) -> dict[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        for letter in self.dead_letters():
            found.setdefault(str(letter.get("id")), set()).add(_version_in(letter))
        return {product: frozenset(versions) for product, versions in found.items()}

    def _pending(self, products: list[str]) -> dict[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        for chunk in _chunks(products):
            entries = self._ask(lambda ids=chunk: self._redis.hmget(keys.PENDING, ids))
            for product, entry in zip(chunk, entries, strict=True):
                if entry is not None:
                    found.setdefault(product, set()).add(_version(entry))
        for member in self._ask(lambda: self._redis.zrange(keys.BACKLOG, 0, -1)):
            product, version, _ = member.split(":", 2)
            found.setdefault(product, set()).add(int(version))
        return {product: frozenset(versions) for product, versions in found.items()}

    def _cached(self, products: list[str]) -> dict[str, Held]:
        found: dict[str, Held] = {}
        for chunk in _chunks(products):
            names = [keys.cache(product) for product in chunk]
            for product, entry in zip(chunk, self._ask(lambda n=names: self._redis.mget(n)), strict=True):
                content = _decode(entry) if entry is not None else None
                if content is not None:
                    value = None if content.get("deleted") else content
                    found[product] = Held(version=_version_in(content), value=value)
        return found

    def _ask(self, question: Any) -> Any:
        try:
            return question()
        except redis.RedisError as error:
            raise NotRunning(f"Redis can't be read: {error}", hint=_HINT) from error


def _chunks(products: list[str]) -> Iterable[list[str]]:
    return (products[n : n + _CHUNK] for n in range(0, len(products), _CHUNK))


def _decode(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _version(entry: str) -> int:
    return _version_in(_decode(entry) or {})


def _version_in(content: Mapping[str, Any]) -> int:
    """0, which no write has, for what is no document of ours."""
    version = content.get("version")
    return version if isinstance(version, int) else 0
