"""Panels of the workers, each of which answers for itself."""

from typing import Final

from dashboards.panels import About, Panel, Query, lines, percentiles, timeline

#: The states of a worker, and the colour of each.
STATES: Final = (
    ("idle", "blue"),
    ("flushing", "green"),
    ("paused", "orange"),
    ("blocked", "red"),
    ("suspended", "purple"),
    ("stopping", "yellow"),
)
#: For the timeline a state is a number.
_STATE: Final = " or ".join(
    f'{number} * write_behind_worker_state{{state="{state}"}}' for number, (state, _) in enumerate(STATES, 1)
)

WORKER: Final[tuple[Panel, ...]] = (
    timeline(
        About(
            title="Worker State",
            description="What each worker does. One that is gone shows nothing.",
            queries=(Query(f"sum by (instance) ({_STATE})", "{{instance}}"),),
            unit="short",
        ),
        [(number, state, colour) for number, (state, colour) in enumerate(STATES, 1)],
    ),
    timeline(
        About(
            title="Worker Trouble",
            description=(
                "What hinders the workers. outage: PostgreSQL can't be reached; silent: it does not "
                "answer; refused: it refuses everything; locked: someone holds a lock; redis_full, "
                "redis_away; rq: RQ can't work; suspended: RQ was told to. simulated: the worker fails "
                "rows on purpose."
            ),
            queries=(
                Query("max by (class) (write_behind_worker_trouble)", "{{class}}"),
                Query("max(write_behind_failure_simulation)", "simulated"),
            ),
            unit="short",
        ),
        [(0, "no", "green"), (1, "yes", "red")],
    ),
    timeline(
        About(
            title="Alerts",
            description="The alerts of Prometheus that are firing.",
            queries=(Query('max by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"),),
            unit="short",
        ),
        [(1, "firing", "red")],
    ),
    lines(
        About(
            title="Worker Rate by Operation",
            description=(
                "What became of the entries that workers claimed: persisted, retried, dead_lettered, or "
                "released (given back untried, because PostgreSQL took nothing)."
            ),
            queries=(
                Query(
                    "sum by (operation) (rate(write_behind_worker_operations_total[$__rate_interval]))",
                    "{{operation}}",
                ),
            ),
            unit="ops",
        ),
        colours={
            "persisted": "green",
            "retried": "orange",
            "dead_lettered": "red",
            "released": "purple",
        },
    ),
    lines(
        About(
            title="Persist Lag",
            description=(
                "From the acknowledgement of a write to its commit in PostgreSQL. Mostly it is the "
                "coalescing window."
            ),
            queries=percentiles("write_behind_persist_lag_seconds"),
            unit="s",
        )
    ),
    lines(
        About(
            title="Batch Size",
            description="Entries in one claim; at most BATCH_SIZE.",
            queries=percentiles("write_behind_batch_size"),
            unit="short",
        )
    ),
    lines(
        About(
            title="Flush Duration",
            description="95th percentiles of a whole flush of one batch, and of its parts.",
            queries=tuple(
                Query(
                    "histogram_quantile(0.95, "
                    f"sum by (le) (rate(write_behind_{part}_duration_seconds_bucket[$__rate_interval])))",
                    part,
                )
                for part in ("flush", "claim", "sql", "ack")
            ),
            unit="s",
            width=12,
        )
    ),
    lines(
        About(
            title="Rows and Statements",
            description="Rows that SQL changed, and the statements that it took.",
            queries=(
                Query("sum(rate(write_behind_rows_written_total[$__rate_interval]))", "rows"),
                Query("sum(rate(write_behind_batches_total[$__rate_interval]))", "statements"),
            ),
            unit="ops",
            width=12,
        )
    ),
)
