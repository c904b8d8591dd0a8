"""The broken parts that mutants are made of. Each changes no more than its defect requires."""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from typing import Any, Final

import psycopg

from service.writebehind import keys
from service.writebehind.buffer import Buffer
from service.writebehind.entry import DeadLetter, Product
from service.writebehind.errors import CacheUnavailable, RowsRefused, StoreUnavailable
from service.writebehind.scripts.flushing import Claim, Claimed
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.script import Script
from service.writebehind.settings import Settings
from service.writebehind.store import Store, StoredProduct, Tombstone
from service.writebehind.writes import Writes, Written
from tests.rigged import RiggedScripts, RiggedStore
from tests.write_path import as_bytes
from worker.flush import Flusher
from worker.sorting import Refused


def rewritten(text: str, *changes: tuple[str, str]) -> str:
    for right, wrong in changes:
        assert text.count(right) == 1, f"the mutant does not fit any more: {right!r}"
        text = text.replace(right, wrong)
    return text


def with_lua(changes: dict[Script, Sequence[tuple[str, str]]]) -> Callable[[str], Scripts]:
    """The scripts, with some of their text replaced."""

    def make(redis_url: str) -> Scripts:
        scripts = RiggedScripts(redis_url)
        for name, edits in changes.items():
            body = rewritten(scripts._bodies[name].decode(), *edits).encode()
            scripts._bodies[name] = body
            scripts._shas[name] = hashlib.sha1(body, usedforsecurity=False).hexdigest()
        return scripts

    return make


def with_sql(right: str, wrong: str) -> Callable[[str], Store]:
    """A store with another SQL statement."""

    def make(database_url: str) -> Store:
        schema = (files("service.writebehind") / "schema.sql").read_text()
        begins = schema.index("CREATE OR REPLACE FUNCTION write_entries")
        function = schema[begins : schema.index("$$;", begins)] + "$$"
        function = rewritten(function, (right, wrong), ("FUNCTION write_entries", "FUNCTION wrong_entries"))
        with psycopg.connect(database_url) as connection:
            connection.execute(function.encode())
        store = RiggedStore(database_url)
        store.write_function = "wrong_entries"
        return store

    return make


class CachesApart(Writes):
    """Sets the cache entry in a separate command, so something may happen in between."""

    def update(
        self, product_id: str, product: Product, *, policy: str = "", traceparent: str = ""
    ) -> Written:
        written = super().update(product_id, product, policy=policy, traceparent=traceparent)
        assert isinstance(self._store, RiggedStore)
        while self._store.meanwhile:
            self._store.meanwhile.pop(0)()
        self._scripts.client.set(keys.cache(product_id), written.body)
        return written


class CachesFirst(Writes):
    """Caches what PostgreSQL is about to be asked to commit."""

    def __init__(self, scripts: Scripts, store: Store, settings: Settings, **rest: Any) -> None:
        class CachingStore(Store):
            def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
                for entry in entries:
                    scripts.client.set(keys.cache(json.loads(entry)["id"]), entry)
                return store.write(entries, lock_ms=lock_ms)

            def get(self, product_id: str) -> StoredProduct | None:
                return store.get(product_id)

            def look(self, product_id: str) -> StoredProduct | Tombstone | None:
                return store.look(product_id)

        super().__init__(scripts, CachingStore(settings.database_url), settings, **rest)


class PopsFirst(Buffer):
    """Takes claimed rows off the queue before they are written."""

    def claim(self, settings: Settings) -> Claim:
        claim = super().claim(settings)
        if claim.rows:
            super().ack(claim, claim.rows, rows_written=0)
        return claim


class DropsUnpushed(Buffer):
    """Takes rows off the queue, whether or not the dead letter queue took them."""

    def dead_letter(self, claim: Claim, letters: Sequence[DeadLetter]) -> int:
        rows = [Claimed(letter.id, letter.version, b"") for letter in letters]
        try:
            return super().dead_letter(claim, letters)
        except CacheUnavailable:
            return self.ack(claim, rows, rows_written=0)


class MangledLetters(Buffer):
    """Writes dead letters that hold something else than what was given up."""

    def dead_letter(self, claim: Claim, letters: Sequence[DeadLetter]) -> int:
        wrong = [replace(letter, entry={"id": letter.id, "version": letter.version}) for letter in letters]
        return super().dead_letter(claim, wrong)


class VersionsGoBack(Writes):
    """Gives updates their versions by a clock that was set back by an hour."""

    def update(
        self, product_id: str, product: Product, *, policy: str = "", traceparent: str = ""
    ) -> Written:
        written = super().update(product_id, product, policy=policy, traceparent=traceparent)
        version = int(json.loads(written.body)["version"])
        right, wrong = (b'"version":%d' % number for number in (version, version - 3_600_000_000))
        client = self._scripts.client
        entry = as_bytes(client.hget(keys.PENDING, product_id))
        client.hset(keys.PENDING, product_id, entry.replace(right, wrong))
        client.set(keys.cache(product_id), written.body.replace(right, wrong))
        return replace(written, body=written.body.replace(right, wrong))


class DropsTheBatch(Flusher):
    """Lets one bad row take its whole batch down."""

    def _write(self, claim: Claim, rows: Sequence[Claimed]) -> list[Refused]:
        with suppress(RowsRefused):
            self._store.write([row.entry for row in rows])
        self._claims.ack(claim, rows, rows_written=0)
        return []


class GivesUpInAnOutage(Flusher):
    """Mistakes an unreachable database for one that refuses rows."""

    def _write(self, claim: Claim, rows: Sequence[Claimed]) -> list[Refused]:
        try:
            return super()._write(claim, rows)
        except StoreUnavailable as error:
            return [Refused(row, RowsRefused(str(error)), certain=True) for row in rows]


def parse_anything(body: bytes) -> Product:
    return Product(**json.loads(body))


class EvictsAnyKey(RiggedScripts):
    """While this is open, Redis may evict any key, as if it were a cache entry."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self._before: Any = self.client.config_get("maxmemory-policy")
        self.client.config_set("maxmemory-policy", "allkeys-lru")

    def close(self) -> None:
        self.client.config_set("maxmemory-policy", self._before["maxmemory-policy"])
        super().close()


#: A write that replaces no pending entry.
KEEPS_THE_FIRST: Final = (
    "redis.call('HSET', pending_key, id, document",
    "redis.call('HSETNX', pending_key, id, document",
)
#: A write that restarts the window.
SLIDES: Final = ("since = digits(before)", "since = since")
#: A read that ignores pending entries.
OVERLOOKS_PENDING: Final = ("elseif pending then", "elseif false then")
#: A fill that ignores writes made since PostgreSQL was read.
FILLS_ALWAYS: Final = (
    ("if text('GET', fill_key) ~= token then", "if false then"),
    ("if redis.call('EXISTS', cache_key) == 1 or entry_at('HGET', pending_key, id)", "if false"),
)
