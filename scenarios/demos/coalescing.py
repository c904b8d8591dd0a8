"""Runbook part 5: many updates of one product, few database writes, and the last value wins."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from scenarios.conclude import conclude, established, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, TableShown
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.preconditions import flush_delay, reason_of, require_no_failures, require_settings
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, psql
from stack.errors import Inconclusive
from stack.spec.hints import labctl

_PRODUCT: Final = "seed-001"
_UPDATES: Final = 20
#: How long the clients may take to start; they wait for one another.
_START_TIMEOUT_S: Final = 10.0
#: Twenty concurrent updates fall into one window, or into two if a flush comes between them. Slow machines
#: get some room.
_MAX_DATABASE_WRITES: Final = 5


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Update one product twenty times at once."""
    config = require_settings(
        run, "nothing can be coalesced", write_policy="write_behind", write_coalescing_enabled=True
    )
    window_ms = flush_delay(require_no_failures(config))
    _require_product(run)
    before = run.probe.totals()
    url = f"{run.api_url}/products/{_PRODUCT}"

    yield Step(f"{_UPDATES} concurrent updates of {_PRODUCT}", curl("PUT", url, _value(1)))
    writes = _update_at_once(run)
    depth = run.probe.depth().queue
    acknowledged = [write for write in writes if write.answer == "acknowledged"]
    if not acknowledged:
        raise Inconclusive("no update was acknowledged", hint=reason_of(writes[0]))
    slowest_ms = max(write.latency_ms for write in acknowledged)
    yield Narrated(
        f"{len(acknowledged)} of {_UPDATES} were acknowledged, the slowest after {slowest_ms:.0f} ms."
    )

    yield Step("The queue right after", curl("GET", f"{run.api_url}/admin/queue"))
    yield Measured("accepted", "updates acknowledged", len(acknowledged), "writes")
    yield Measured("queue_size", "products in the queue", depth)
    yield Narrated(
        "Only one product has changed, so one entry is queued. It is flushed "
        f"{window_ms} ms after the first update."
    )

    query = f"SELECT name, quantity, version FROM products WHERE id = '{_PRODUCT}';"
    yield Step("What reached PostgreSQL", psql(run.lab.urls()["postgres"], query))
    verdict = yield from reach_verdict(run)
    after = run.probe.totals()
    coalesced = after.get("coalesced", 0) - before.get("coalesced", 0)
    rows_written = after.get("rows_written", 0) - before.get("rows_written", 0)
    yield Measured("coalesced", "coalesced", coalesced, "writes")
    yield Measured("rows_written", "database writes", rows_written, "writes")

    last = max(acknowledged, key=lambda write: write.version or 0)
    yield Step("The last accepted value is the row", curl("GET", url))
    checks = [*_compare(run, last), *_count(verdict, len(acknowledged), coalesced, rows_written)]
    yield from checks
    yield Narrated(
        "The database is spared nearly all of the work. The price: until the window ends, only Redis has "
        "the last value.",
        "matters",
    )
    noun = "write" if rows_written == 1 else "writes"
    text = f"{len(acknowledged)} updates became {rows_written} database {noun}, and the last one won."
    return conclude(verdict, checks, text)


def _require_product(run: Run) -> None:
    """Raises Inconclusive if the product was deleted: a deleted product can't be updated."""
    if run.client.read(_PRODUCT) is None:
        raise Inconclusive(
            f"{_PRODUCT} was deleted, and this demo updates it",
            hint=f"a new lab has it again: {labctl('down')}, then {labctl('up')}",
        )


def _value(number: int) -> dict[str, Any]:
    return {"name": f"Coalesced-Update-{number}", "price": round(10 + number * 0.99, 2), "quantity": number}


def _update_at_once(run: Run) -> list[Write]:
    """All updates wait for one another, so that they are truly concurrent."""
    together = threading.Barrier(_UPDATES)

    def update(number: int) -> Write:
        together.wait(_START_TIMEOUT_S)
        return run.client.update(_PRODUCT, _value(number))

    try:
        with ThreadPoolExecutor(_UPDATES) as pool:
            return list(pool.map(update, range(1, _UPDATES + 1)))
    except threading.BrokenBarrierError as error:
        raise Inconclusive(
            f"{_UPDATES} clients could not start together within {_START_TIMEOUT_S:g} s",
            hint=f"is the machine out of threads, or very busy? {labctl('doctor')} checks it",
        ) from error


def _compare(run: Run, last: Write) -> Generator[Event, None, None]:
    """The last accepted value beside what the cache and PostgreSQL hold."""
    row = run.probe.rows([_PRODUCT]).get(_PRODUCT)
    cached = run.client.read(_PRODUCT) or {}
    stored = row.value if row and row.value else {}
    accepted = last.value or {}
    yield TableShown(
        "last_value",
        f"{_PRODUCT}: last accepted, cache and row",
        ("where", "name", "quantity", "version"),
        (
            ("last accepted", str(accepted["name"]), str(accepted["quantity"]), str(last.version)),
            ("cache", str(cached.get("name")), str(cached.get("quantity")), str(cached.get("version"))),
            ("row", str(stored.get("name")), str(stored.get("quantity")), str(row.version if row else None)),
        ),
    )
    same = row is not None and row.version == last.version and stored.get("name") == accepted["name"]
    yield Checked(
        "the row holds the last accepted value", str(accepted["name"]), str(stored.get("name")), passed=same
    )


def _count(
    verdict: Verdict, acknowledged: int, coalesced: int, rows_written: int
) -> Generator[Event, None, None]:
    yield Checked(
        "few database writes for many updates",
        f"1 to {_MAX_DATABASE_WRITES} for {acknowledged}",
        f"{rows_written} for {acknowledged}",
        passed=1 <= rows_written <= _MAX_DATABASE_WRITES < acknowledged,
    )
    yield Checked(
        "each update was written, or coalesced into a newer one",
        f"{acknowledged} updates",
        f"{rows_written} written + {coalesced} coalesced = {rows_written + coalesced}",
        passed=coalesced == acknowledged - rows_written,
    )
    lost = verdict.fates["lost"]
    kept = established(verdict, passed=lost == 0)
    yield Checked("no acknowledged write is lost", "0 lost", f"{lost} lost", passed=kept)


SCENARIO: Final = Scenario(
    name="coalescing",
    title="Write coalescing",
    summary="20 clients update the same product at the same moment. Every update is acknowledged at once; "
    "the worker writes only the last value to PostgreSQL.",
    steps=4,
    play=play,
)
