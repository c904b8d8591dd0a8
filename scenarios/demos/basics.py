"""Runbook part 3: one write, acknowledged from the cache and brought to PostgreSQL a little later."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from scenarios.conclude import conclude, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.judge.final_read import StoredValue
from scenarios.lab.context import Run
from scenarios.preconditions import (
    flush_delay,
    require_acknowledged,
    require_no_failures,
    require_settings,
)
from scenarios.scenario import Conclusion, Options, refuse_load_options
from scenarios.shell_commands import curl, psql
from stack.errors import DeadlinePassed, Inconclusive
from stack.spec.events import Advanced
from stack.wait import waiting

_VALUE: Final = {"name": "Demo Widget", "price": 29.99, "quantity": 100}
#: s beyond the wait before a flush until the row has to be there.
_PERSIST_SECONDS: Final = 10.0
#: ms; with a shorter wait before the flush the row may be there before anybody can look.
_VISIBLE_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Basics:
    """One product, followed from its acknowledgement to its row."""

    name: str = "basics"
    title: str = "Write-behind basics"
    summary: str = (
        "One product is created. The client is answered as soon as Redis has it; PostgreSQL gets it a "
        "little later, from the worker."
    )
    steps: int = 4

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        config = require_settings(run, "a write goes to PostgreSQL at once", write_policy="write_behind")
        delay = flush_delay(require_no_failures(config))
        url = f"{run.api_url}/products"
        yield StepStarted(1, "Create a product", curl("POST", url, _VALUE))
        sent = time.monotonic()
        write = run.client.create(_VALUE)
        require_acknowledged([write])
        product, version = str(write.product), write.version or 0
        right_after = run.probe.rows([product]).get(product)
        shown = run.client.read(product) or {}
        yield Measured("acknowledged_ms", "acknowledged after", round(write.latency_ms, 2), "ms")

        yield StepStarted(2, "Where it is now", curl("GET", f"{url}/{product}"))
        checks: list[Event] = list(_look(shown, right_after, version, delay))
        yield from checks
        yield Narrated("A reader sees it at once: the cache answers, not the database.")

        query = f"SELECT id, name, price, quantity FROM products WHERE id = '{product}';"
        yield StepStarted(3, "The worker brings it to PostgreSQL", psql(run.lab.urls()["postgres"], query))
        yield from _wait_for_row(run, product, delay)
        yield Measured("persisted_ms", "in PostgreSQL after", round(1000 * (time.monotonic() - sent)), "ms")
        columns, rows = run.probe.table(query)
        yield TableShown("row", "The row", columns, rows)

        yield StepStarted(4, "Was the acknowledgement kept?", curl("GET", f"{run.api_url}/admin/queue"))
        verdict = yield from reach_verdict(run)
        yield Narrated(
            "The client waited for Redis alone. Until the worker had written the row, the acknowledgement "
            "was worth as much as Redis' memory.",
            "matters",
        )
        text = "Acknowledged from the cache, read back at once, and in PostgreSQL a little later."
        return conclude(verdict, checks, text)


BASICS: Final = Basics()


def _look(
    shown: dict[str, Any], row: StoredValue | None, version: int, delay: int
) -> Generator[Event, None, None]:
    missing = ("-", "-")
    yield TableShown(
        "places",
        "Right after the acknowledgement",
        ("where", "name", "version"),
        (
            ("cache", str(shown.get("name", "-")), str(shown.get("version", "-"))),
            ("PostgreSQL", *((str(_VALUE["name"]), str(row.version)) if row else missing)),
        ),
    )
    source, seen = shown.get("source"), shown.get("version")
    yield Checked(
        "a read finds it at once, in the cache",
        f"version {version} from cache",
        f"version {seen} from {source}",
        passed=(seen, source) == (version, "cache"),
    )
    if delay < _VISIBLE_MS:
        yield Narrated(f"This lab flushes after {delay} ms: too soon to see the row missing.")
        return
    yield Checked(
        "the acknowledgement did not wait for PostgreSQL",
        "no row yet",
        "a row" if row else "no row yet",
        passed=row is None,
    )


def _wait_for_row(run: Run, product: str, delay: int) -> Generator[Event, None, None]:
    """Raises Inconclusive where the row does not come."""
    label = "waiting for the row"
    try:
        for _ in waiting(
            lambda: bool(run.probe.rows([product])),
            seconds=delay / 1000 + _PERSIST_SECONDS,
            reason="the row is in PostgreSQL",
            hint="is the worker running? see `labctl status` and `labctl logs worker`",
        ):
            yield Advanced(label, 0, 1)
    except DeadlinePassed as error:
        raise Inconclusive(error.message, hint=error.hint) from error
    yield Advanced(label, 1, 1)
