"""Parts of the write path that fail, or run something else in between, exactly when a test says so."""

from collections.abc import Callable, Sequence
from typing import Any

import redis

from service.writebehind import keys
from service.writebehind.errors import OutcomeUnknown
from service.writebehind.scripts.runner import Scripts
from service.writebehind.scripts.script import Script
from service.writebehind.store import Store, StoredProduct, Tombstone


class Killed(BaseException):
    """Stands for a SIGKILL at this point: nothing after it runs."""


class RiggedStore(Store):
    """Raises the next fault instead of writing; runs hooks between a read and its answer."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url)
        self.faults: list[BaseException] = []
        #: Called before the next write reaches PostgreSQL.
        self.delays: list[Callable[[], object]] = []
        #: Called after the next read, before its answer is returned.
        self.meanwhile: list[Callable[[], object]] = []

    def write(self, entries: Sequence[bytes], *, lock_ms: int | None = None) -> int:
        if self.faults:
            raise self.faults.pop(0)
        while self.delays:
            self.delays.pop(0)()
        return super().write(entries, lock_ms=lock_ms)

    def get(self, product_id: str) -> StoredProduct | None:
        row = super().get(product_id)
        self._let_happen()
        return row

    def look(self, product_id: str) -> StoredProduct | Tombstone | None:
        held = super().look(product_id)
        self._let_happen()
        return held

    def _let_happen(self) -> None:
        while self.meanwhile:
            self.meanwhile.pop(0)()


class RiggedScripts(Scripts):
    """Raises the next fault of a script instead of running it, or loses its answer."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(redis_url)
        self.faults: dict[Script, list[BaseException]] = {}
        self.loses_answers_of: list[Script] = []

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        if self.faults.get(script):
            raise self.faults[script].pop(0)
        answer = super().run(script, keys, args)
        if script in self.loses_answers_of:
            self.loses_answers_of.remove(script)
            raise OutcomeUnknown("Redis broke off")
        return answer


def press_memory(client: redis.Redis) -> None:
    """Fill the cache far beyond what fits, then restore the memory limit."""
    allowed = str(client.config_get("maxmemory")["maxmemory"])
    client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + 1_000_000)
    try:
        # In portions: commands that Redis has received but not run yet count as used memory.
        for first in range(0, 2000, 20):
            pipe = client.pipeline(transaction=False)
            for n in range(first, first + 20):
                pipe.set(keys.cache(f"filler-{n}"), b"x" * 10_000, ex=3600)
            pipe.execute()
    finally:
        client.config_set("maxmemory", allowed)
