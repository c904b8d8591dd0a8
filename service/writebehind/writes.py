"""Writes: the promise of the write path, under either policy."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from service.writebehind.buffer import Accepted, Buffer, KnownRow, NotAccepted, Operation
from service.writebehind.cache import Cache
from service.writebehind.entry import Product, product_head, timestamp, tombstone_head, with_source
from service.writebehind.errors import NoSuchProduct
from service.writebehind.scripts import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store
from service.writebehind.write_through import WriteThrough, look_up


@dataclass(frozen=True, slots=True)
class Written:
    """An acknowledged write."""

    id: str
    #: The document with its `source`: `cache` under write-behind, `database` under write-through.
    body: bytes


class Writes:
    """Creates, updates and deletes products. What it returns is acknowledged; what it raises is not.

    Raises, from every method: `CacheUnavailable`, `StoreUnavailable` or `QueueFull`, the write was not
    taken; `RowsRefused`, nor will it ever be; `OutcomeUnknown`, nobody can say. `policy` is the one that the
    request asked for, '' for none.
    """

    def __init__(
        self,
        scripts: Scripts,
        store: Store,
        settings: Settings,
        *,
        signal_flush: Callable[[], None],
    ) -> None:
        self._scripts = scripts
        self._buffer = Buffer(scripts)
        self._store = store
        self._settings = settings
        self._through = WriteThrough(Cache(scripts, ttl=settings.cache_ttl_seconds), store)
        self._signal_flush = signal_flush

    def create(self, product: Product, *, policy: str = "") -> Written:
        product_id = str(uuid.uuid4())
        return self._write("create", product_id, product_head(product_id, product), policy)

    def update(self, product_id: str, product: Product, *, policy: str = "") -> Written:
        """Raises NoSuchProduct if the product is nowhere."""
        return self._write("update", product_id, product_head(product_id, product), policy)

    def delete(self, product_id: str, *, policy: str = "") -> Written:
        """Raises NoSuchProduct if the product is nowhere."""
        return self._write("delete", product_id, tombstone_head(product_id), policy)

    def _write(self, operation: Operation, product_id: str, head: bytes, policy: str) -> Written:
        now, known = timestamp(), KnownRow()
        answer: Accepted | NotAccepted = "write_through"
        if policy != "write_through":
            answer, known = self._write_behind(operation, product_id, head, now=now, policy=policy)
        if answer == "write_through":
            document = self._through.write(operation, product_id, head, now=now, known=known)
            return Written(product_id, with_source(document, "database"))
        if not isinstance(answer, Accepted):
            raise NoSuchProduct(product_id)
        if answer.signal:
            self._signal_flush()
        return Written(product_id, with_source(answer.document, "cache"))

    def _write_behind(
        self, operation: Operation, product_id: str, head: bytes, *, now: str, policy: str
    ) -> tuple[Accepted | NotAccepted, KnownRow]:
        """Returns also what was found in PostgreSQL, where Redis did not know enough."""

        def attempt(known: KnownRow) -> Accepted | NotAccepted:
            return self._buffer.write(
                operation, product_id, head, now=now, known=known, policy=policy, settings=self._settings
            )

        answer = attempt(KnownRow())
        if answer != "missing":
            return answer, KnownRow()
        known = look_up(self._store, product_id)
        return attempt(known), known
