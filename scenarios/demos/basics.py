"""Runbook part 3: one write, acknowledged from the cache and brought to PostgreSQL a little later."""

import time
from collections.abc import Generator
from typing import Any, Final

from scenarios.conclude import conclude, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, TableShown
from scenarios.judge.final_read import StoredValue
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.preconditions import (
    flush_delay,
    require_acknowledged,
    require_no_failures,
    require_settings,
)
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, psql
from stack.errors import DeadlinePassed, Inconclusive
from stack.spec.events import Advanced
from stack.spec.hints import labctl
from stack.wait import waiting

_VALUE: Final = {"name": "Demo Widget", "price": 29.99, "quantity": 100}
#: How long the row may take beyond the wait before a flush.
_PERSIST_TIMEOUT_S: Final = 10.0
#: With a shorter wait before the flush, the row may be there before anyone can look.
_SHORTEST_VISIBLE_DELAY_MS: Final = 100


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Follow one product from its acknowledgement to its row."""
    config = require_settings(run, "a write goes to PostgreSQL at once", write_policy="write_behind")
    delay_ms = flush_delay(require_no_failures(config))
    url = f"{run.api_url}/products"

    yield Step("Create a product", curl("POST", url, _VALUE))
    sent_at = time.monotonic()
    write = run.client.create(_VALUE)
    require_acknowledged([write])
    product, version = str(write.product), write.version or 0
    row = run.probe.rows([product]).get(product)
    document = run.client.read(product) or {}
    yield Measured("acknowledged_ms", "acknowledged after", round(write.latency_ms, 2), "ms")

    yield Step("Where it is now", curl("GET", f"{url}/{product}"))
    checks: list[Event] = list(_compare(document, row, version, delay_ms))
    yield from checks
    yield Narrated("A reader sees it at once: the answer comes from the cache, not from the database.")

    query = f"SELECT id, name, price, quantity FROM products WHERE id = '{product}';"
    yield Step("The worker brings it to PostgreSQL", psql(run.lab.urls()["postgres"], query))
    yield from _wait_for_row(run, product, delay_ms)
    persisted_ms = round(1000 * (time.monotonic() - sent_at))
    yield Measured("persisted_ms", "in PostgreSQL after", persisted_ms, "ms")
    columns, rows = run.probe.table(query)
    yield TableShown("row", "The row", columns, rows)

    yield Step("Was the acknowledgement kept?", curl("GET", f"{run.api_url}/admin/queue"))
    verdict = yield from reach_verdict(run)
    yield Narrated(
        f"The client waited {write.latency_ms:.1f} ms, for Redis only. The row followed {persisted_ms:,} ms "
        "after the request was sent. Until then, the acknowledgement was worth no more than Redis's memory.",
        "matters",
    )
    text = "Acknowledged from the cache, read back at once, and in PostgreSQL a little later."
    return conclude(verdict, checks, text)


def _compare(
    document: dict[str, Any], row: StoredValue | None, version: int, delay_ms: int
) -> Generator[Event, None, None]:
    """What a read showed beside what PostgreSQL held, right after the acknowledgement."""
    missing = ("-", "-")
    yield TableShown(
        "places",
        "Right after the acknowledgement",
        ("where", "name", "version"),
        (
            ("cache", str(document.get("name", "-")), str(document.get("version", "-"))),
            ("PostgreSQL", *((str(_VALUE["name"]), str(row.version)) if row else missing)),
        ),
    )
    source, version_read = document.get("source"), document.get("version")
    yield Checked(
        "a read finds it at once, in the cache",
        f"version {version} from cache",
        f"version {version_read} from {source}",
        passed=(version_read, source) == (version, "cache"),
    )
    if delay_ms < _SHORTEST_VISIBLE_DELAY_MS:
        yield Narrated(f"This lab flushes after {delay_ms} ms, too soon to see that the row is missing.")
        return
    yield Checked(
        "the acknowledgement did not wait for PostgreSQL",
        "no row yet",
        "a row" if row else "no row yet",
        passed=row is None,
    )


def _wait_for_row(run: Run, product: str, delay_ms: int) -> Play[None]:
    """Raises Inconclusive if the row does not come."""
    label = "waiting for the row"
    try:
        for _ in waiting(
            lambda: bool(run.probe.rows([product])),
            seconds=delay_ms / 1000 + _PERSIST_TIMEOUT_S,
            reason="the row is in PostgreSQL",
            hint=f"is the worker running? see {labctl('status')} and {labctl('logs worker')}",
        ):
            yield Advanced(label, 0, 1)
    except DeadlinePassed as error:
        raise Inconclusive(error.message, hint=error.hint) from error
    yield Advanced(label, 1, 1)


SCENARIO: Final = Scenario(
    name="basics",
    title="Write-behind basics",
    summary="One product is created. The client has its answer as soon as Redis has the product; the worker "
    "brings it to PostgreSQL a little later.",
    steps=4,
    play=play,
)
