"""Runbook part 9: what PostgreSQL holds, and whether that is all there is."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from scenarios.conclude import contradictions
from scenarios.events import Checked, Event, Measured, Narrated, StepStarted, TableShown
from scenarios.lab.context import Run
from scenarios.scenario import Conclusion, Options, refuse_load_options
from scenarios.shell_commands import curl, psql

_COUNT: Final = "SELECT COUNT(*) AS total_products FROM products;"
_RECENT: Final = (
    "SELECT id, name, price, quantity, created_at::time(0) AS created FROM products "
    "ORDER BY created_at DESC LIMIT 10;"
)
_STATS: Final = (
    "SELECT total_products, total_inventory, avg_price, last_update::timestamptz(0) FROM product_stats;"
)


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """Counts, recent rows and statistics, once nothing is on its way any more."""

    name: str = "database-state"
    title: str = "The database's state"
    summary: str = (
        "What PostgreSQL holds once the queue is empty. Rows are read straight from the database: a read "
        "through the cache would also show what was never persisted."
    )
    steps: int = 4

    def check(self, options: Options) -> None:
        refuse_load_options(self.name, options)

    def play(self, run: Run, options: Options) -> Generator[Event, None, Conclusion]:
        url = run.lab.urls()["postgres"]
        yield StepStarted(1, "Is anything still on its way?", curl("GET", f"{run.api_url}/admin/queue"))
        depth = run.probe.depth()
        yield Measured("queue_size", "products in the queue", depth.queue)
        yield Measured("dead_letters", "dead letters", depth.dead_letters)
        quiet = Checked(
            "every acknowledged write has arrived",
            "0 on their way, 0 dead letters",
            f"{depth.unsettled} on their way, {depth.dead_letters} dead letters",
            passed=depth.unsettled == depth.dead_letters == 0,
        )
        yield quiet

        yield StepStarted(2, "How many products?", psql(url, _COUNT))
        _, ((count,),) = run.probe.table(_COUNT)
        yield Measured("total_products", "products in PostgreSQL", int(count), "products")

        yield StepStarted(3, "The most recent", psql(url, _RECENT))
        yield TableShown("recent", "Created last", *run.probe.table(_RECENT))

        yield StepStarted(4, "Statistics", psql(url, _STATS))
        columns, rows = run.probe.table(_STATS)
        yield TableShown("stats", "product_stats", columns, rows)
        agree = Checked("the view counts what the table holds", count, rows[0][0], passed=rows[0][0] == count)
        yield agree
        yield Narrated(
            "Only what stands here survives the loss of Redis. An API that reads through its cache can't "
            "tell you that.",
            "matters",
        )
        return _conclude(quiet, agree, int(count))


DATABASE_STATE: Final = DatabaseState()


def _conclude(quiet: Checked, agree: Checked, count: int) -> Conclusion:
    contradicted = contradictions((quiet, agree))
    if contradicted:
        return Conclusion("unexpected", ". ".join(contradicted))
    noun = "product is" if count == 1 else "products are"
    return Conclusion("expected", f"{count} {noun} in PostgreSQL, and nothing is on its way.")
