"""Runbook part 5: many updates of one product, few database writes, and the last value wins."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from scenarios.conclude import conclude, established, reach_verdict
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.judge.ledger import Write
from scenarios.judge.verdict import Verdict
from scenarios.lab.context import Run
from scenarios.preconditions import flush_delay, reason_of, require_no_failures, require_settings
from scenarios.scenario import Conclusion, Options, refuse_load_options
from scenarios.shell_commands import curl, psql
from stack.errors import Inconclusive

_PRODUCT: Final = "seed-001"
_UPDATES: Final = 20
#: s until all of them have started; they wait for one another.
_START_SECONDS: Final = 10.0
#: Database writes at most. Twenty concurrent updates fall into one window, or into two where a flush
#: comes between them; slow machines get some room.
_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Coalescing:
    """20 concurrent updates of `seed-001`."""

    name: str = "coalescing"
    title: str = "Write coalescing"
    summary: str = (
        "20 clients update the same product at the same moment. All are acknowledged at once; the worker "
        "writes only the last value to PostgreSQL."
    )
    steps: int = 4

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        config = require_settings(
            run, "nothing can be coalesced", write_policy="write_behind", write_coalescing_enabled=True
        )
        window = flush_delay(require_no_failures(config))
        _require_product(run)
        before = run.probe.totals()
        url = f"{run.api_url}/products/{_PRODUCT}"
        yield StepStarted(1, f"{_UPDATES} concurrent updates of {_PRODUCT}", curl("PUT", url, _value(1)))
        writes = _update_at_once(run)
        depth = run.probe.depth().queue
        acknowledged = [w for w in writes if w.answer == "acknowledged"]
        if not acknowledged:
            raise Inconclusive("no update was acknowledged", hint=reason_of(writes[0]))
        slowest = max(w.latency_ms for w in acknowledged)
        yield Narrated(
            f"{len(acknowledged)} of {_UPDATES} were acknowledged, the slowest after {slowest:.0f} ms."
        )

        yield StepStarted(2, "The queue right after", curl("GET", f"{run.api_url}/admin/queue"))
        yield Measured("accepted", "updates acknowledged", len(acknowledged), "writes")
        yield Measured("queue_size", "products in the queue", depth)
        yield Narrated(f"One product is dirty, so one entry waits: for {window} ms from the first update.")

        query = f"SELECT name, quantity, version FROM products WHERE id = '{_PRODUCT}';"
        yield StepStarted(3, "What reached PostgreSQL", psql(run.lab.urls()["postgres"], query))
        verdict = yield from reach_verdict(run)
        after = run.probe.totals()
        coalesced = after.get("coalesced", 0) - before.get("coalesced", 0)
        rows_written = after.get("rows_written", 0) - before.get("rows_written", 0)
        yield Measured("coalesced", "coalesced", coalesced, "writes")
        yield Measured("rows_written", "database writes", rows_written, "writes")

        last = max(acknowledged, key=lambda w: w.version or 0)
        yield StepStarted(4, "The last accepted value is the row", curl("GET", url))
        checks = [*_compare(run, last), *_count(verdict, len(acknowledged), coalesced, rows_written)]
        yield from checks
        yield Narrated(
            "The database is spared nearly all of the work; the price is that the last value stands in "
            "Redis alone until the window ends.",
            "matters",
        )
        noun = "write" if rows_written == 1 else "writes"
        text = f"{len(acknowledged)} updates became {rows_written} database {noun}, and the last one won."
        return conclude(verdict, checks, text)


COALESCING: Final = Coalescing()


def _require_product(run: Run) -> None:
    """Raises Inconclusive if somebody deleted it: a deleted product can't be updated."""
    if run.client.read(_PRODUCT) is None:
        raise Inconclusive(
            f"{_PRODUCT} was deleted, and this demo updates it",
            hint="a new lab has it again: `labctl down`, then `labctl up`",
        )


def _value(number: int) -> dict[str, Any]:
    return {"name": f"Coalesced-Update-{number}", "price": round(10 + number * 0.99, 2), "quantity": number}


def _update_at_once(run: Run) -> list[Write]:
    """All updates wait for one another, so that they are truly concurrent."""
    together = threading.Barrier(_UPDATES)

    def update(number: int) -> Write:
        together.wait(_START_SECONDS)
        return run.client.update(_PRODUCT, _value(number))

    try:
        with ThreadPoolExecutor(_UPDATES) as pool:
            return list(pool.map(update, range(1, _UPDATES + 1)))
    except threading.BrokenBarrierError as error:
        raise Inconclusive(
            f"{_UPDATES} clients could not start together within {_START_SECONDS:g} s",
            hint="is the machine out of threads, or very busy? `labctl doctor` looks at it",
        ) from error


def _compare(run: Run, last: Write) -> Generator[Event, None, None]:
    row = run.probe.rows([_PRODUCT]).get(_PRODUCT)
    cached = run.client.read(_PRODUCT) or {}
    held = row.value if row and row.value else {}
    wanted = last.value or {}
    yield TableShown(
        "last_value",
        f"{_PRODUCT}: last accepted, cache and row",
        ("where", "name", "quantity", "version"),
        (
            ("last accepted", str(wanted["name"]), str(wanted["quantity"]), str(last.version)),
            ("cache", str(cached.get("name")), str(cached.get("quantity")), str(cached.get("version"))),
            ("row", str(held.get("name")), str(held.get("quantity")), str(row.version if row else None)),
        ),
    )
    same = row is not None and row.version == last.version and held.get("name") == wanted["name"]
    yield Checked(
        "the row holds the last accepted value", str(wanted["name"]), str(held.get("name")), passed=same
    )


def _count(
    verdict: Verdict, acknowledged: int, coalesced: int, rows_written: int
) -> Generator[Event, None, None]:
    yield Checked(
        "few database writes for many updates",
        f"1 to {_FEW} for {acknowledged}",
        f"{rows_written} for {acknowledged}",
        passed=1 <= rows_written <= _FEW < acknowledged,
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
