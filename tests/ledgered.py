"""A write path whose writes go into a ledger: what the verdict of a test judges."""

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from scenarios.judge.history import History
from scenarios.judge.ledger import Answer, Ledger, Operation, Write
from scenarios.judge.verdict import Verdict, judge
from scenarios.lab.probe import Probe
from scenarios.watch.watcher import Watcher
from service.telemetry.tracing import Tracing
from service.writebehind.entry import Product, parse_product
from service.writebehind.errors import OutcomeUnknown, WriteBehindError
from service.writebehind.writes import Written
from stack.wait import wait_until
from tests.final_findings import read_findings
from tests.write_path import Parts, WritePath
from worker.traces import FlushTraces

Value = Mapping[str, Any]


def widget(name: str, quantity: int = 1) -> Value:
    return {"name": name, "price": 29.99, "quantity": quantity}


class LedgeredPath:
    """A client and a worker in one. Refusals go into the ledger too, and are not raised."""

    def __init__(
        self, path: WritePath, parts: Parts, parse: Callable[[bytes], Product] = parse_product
    ) -> None:
        self.path = path
        self.ledger = Ledger()
        self.probe = Probe(path.settings.redis_url, path.settings.database_url)
        self._parts = parts
        self._parse = parse
        self._flusher = path.flusher
        self._watcher = Watcher(path.settings.redis_url, path.settings.database_url, self.ledger)

    def __enter__(self) -> "LedgeredPath":
        self.probe.begin()
        self._watcher.look_at_memory()
        return self

    def __exit__(self, *error: object) -> None:
        self._flusher.close()
        self._watcher.close()
        self.probe.close()

    def create(self, value: Value) -> str:
        """The id that the product was given; '' if the write was refused."""
        write = self._record("create", None, value, lambda: self.path.writes.create(self._parsed(value)))
        return write.product or ""

    def update(self, product: str, value: Value, *, policy: str = "") -> Write:
        def write() -> Written:
            return self.path.writes.update(product, self._parsed(value), policy=policy)

        return self._record("update", product, value, write)

    def delete(self, product: str) -> Write:
        return self._record("delete", product, None, lambda: self.path.writes.delete(product))

    def flush(self) -> None:
        """Drain the queue, as one flush job does."""
        self._flusher.run()

    def replace_worker(self) -> None:
        """Start a new worker, which knows nothing of what the last one had in hand."""
        self._flusher.close()
        own = self.path
        self._flusher = self._parts.flusher(
            own.buffer,
            own.store,
            own.settings,
            own.stop,
            signal_flush=_no_signal,
            chance=random.Random(2),
            condition=own.condition,
            conditions=own.conditions,
            traces=FlushTraces(Tracing(own.settings), "replaced"),
        )

    def drain(self) -> None:
        """Flush until nothing is left, waiting for leases to end."""

        def is_drained() -> bool:
            self.flush()
            return self.probe.depth().unsettled == 0

        wait_until(is_drained, seconds=20, reason="the queue is empty", hint=str(self.probe.depth()))

    def look(self) -> None:
        """Check whether Redis kept its memory, and which rows have arrived."""
        self._watcher.look_at_memory()
        self._watcher.look_at_rows()

    @property
    def history(self) -> History:
        return History(
            writes=self.ledger.writes,
            sightings=self._watcher.rows.sightings,
            losses=self._watcher.memory.losses,
        )

    def judge(self) -> Verdict:
        return judge(self.history, read_findings(self.probe, self.ledger))

    def assert_nothing_lost(self) -> Verdict:
        """Something was acknowledged, and every such write is persisted or superseded."""
        verdict = self.judge()
        assert verdict.acknowledged > 0
        assert verdict.validity == "valid", verdict.reasons
        fates = verdict.fates
        assert (fates["lost"], fates["pending"], fates["dead_lettered"]) == (0, 0, 0)
        return verdict

    def _parsed(self, value: Value) -> Product:
        return self._parse(json.dumps(value).encode())

    def _record(
        self, operation: Operation, product: str | None, value: Value | None, write: Callable[[], Written]
    ) -> Write:
        taken: dict[str, Any] = {}
        answer: Answer = "acknowledged"
        detail = ""
        sent_at = time.monotonic()
        try:
            taken = json.loads(write().body)
        except OutcomeUnknown as error:
            answer, detail = "unknown", str(error)
        except WriteBehindError as error:
            answer, detail = "refused", str(error)
        entry = Write(
            product=taken.get("id", product),
            operation=operation,
            value=value,
            answer=answer,
            version=taken.get("version"),
            sent_at=sent_at,
            finished_at=time.monotonic(),
            detail=detail,
        )
        self.ledger.record(entry)
        return entry


def _no_signal() -> None:
    """These tests flush by hand."""
