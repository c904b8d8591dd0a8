"""Runbook part 9: what PostgreSQL holds, and whether that is all there is."""

from typing import Final

from scenarios.conclude import contradictions
from scenarios.events import Checked, Measured, Narrated, TableShown
from scenarios.lab.context import Run
from scenarios.options import Options
from scenarios.scenario import Conclusion, Play, Scenario, Step
from scenarios.shell_commands import curl, psql

_COUNT: Final = "SELECT COUNT(*) AS total_products FROM products;"
_RECENT: Final = (
    "SELECT id, name, price, quantity, created_at::time(0) AS created FROM products "
    "ORDER BY created_at DESC LIMIT 10;"
)
_STATS: Final = (
    "SELECT total_products, total_inventory, avg_price, last_update::timestamptz(0) FROM product_stats;"
)


def play(run: Run, options: Options) -> Play[Conclusion]:
    """Show counts, recent rows and statistics, once everything has arrived."""
    url = run.lab.urls()["postgres"]
    yield Step("Is anything still on its way?", curl("GET", f"{run.api_url}/admin/queue"))
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

    yield Step("How many products?", psql(url, _COUNT))
    _, ((count,),) = run.probe.table(_COUNT)
    yield Measured("total_products", "products in PostgreSQL", int(count), "products")

    yield Step("The most recent", psql(url, _RECENT))
    yield TableShown("recent", "Created last", *run.probe.table(_RECENT))

    yield Step("Statistics", psql(url, _STATS))
    columns, rows = run.probe.table(_STATS)
    yield TableShown("stats", "product_stats", columns, rows)
    agree = Checked("the view counts what the table holds", count, rows[0][0], passed=rows[0][0] == count)
    yield agree
    yield Narrated(
        "Only what is in PostgreSQL survives when Redis loses its memory. An API that reads through its "
        "cache can't tell you what that is.",
        "matters",
    )
    return _conclude(quiet, agree, int(count))


def _conclude(quiet: Checked, agree: Checked, count: int) -> Conclusion:
    contradicted = contradictions((quiet, agree))
    if contradicted:
        return Conclusion("unexpected", ". ".join(contradicted))
    noun = "product is" if count == 1 else "products are"
    return Conclusion("expected", f"{count} {noun} in PostgreSQL, and nothing is on its way.")


SCENARIO: Final = Scenario(
    name="database-state",
    title="The state of the database",
    summary="What PostgreSQL holds once the queue is empty. Rows are read straight from the database: a read "
    "through the cache would also show what was never persisted.",
    steps=4,
    play=play,
)
