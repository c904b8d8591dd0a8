"""Panels of the write path: from the acknowledgement in Redis to the commit in PostgreSQL."""

from typing import Final

from dashboards.panels import About, Panel, Query, lines, number

AT_A_GLANCE: Final[tuple[Panel, ...]] = (
    number(
        About(
            title="At Stake Now",
            description="Acknowledged writes that only Redis has. They would be lost if Redis died now.",
            queries=(Query("max(write_behind_exposed_writes)", "writes"),),
            unit="short",
            width=4,
            height=4,
            thresholds=((1, "yellow"), (1000, "orange")),
        )
    ),
    number(
        About(
            title="Writes per Second",
            description="Writes acknowledged from Redis, over the last 30 seconds.",
            queries=(Query("write_behind:accepted:rate30s", "accepted"),),
            unit="wps",
            width=4,
            height=4,
        )
    ),
    number(
        About(
            title="Coalesced",
            description="Share of the acknowledged writes that a later write replaced before it was flushed.",
            queries=(Query("write_behind:coalesced:ratio_rate30s", "coalesced"),),
            unit="percentunit",
            width=4,
            height=4,
        )
    ),
    number(
        About(
            title="Read from Redis",
            description="Share of the reads that needed no PostgreSQL.",
            queries=(Query("write_behind:cache_hits:ratio_rate30s", "hits"),),
            unit="percentunit",
            width=4,
            height=4,
        )
    ),
    number(
        About(
            title="Dead Letters",
            description="Acknowledged writes that PostgreSQL refused, or that used up their retries.",
            queries=(Query("max(write_behind_dlq_size)", "letters"),),
            unit="short",
            width=4,
            height=4,
            thresholds=((1, "red"),),
        )
    ),
    number(
        About(
            title="Workers",
            description="Workers that answer Prometheus.",
            queries=(Query('sum(up{job="write-behind-worker"}) or vector(0)', "workers"),),
            unit="short",
            width=4,
            height=4,
        )
    ),
)

WRITE_PATH: Final[tuple[Panel, ...]] = (
    lines(
        About(
            title="Write Queue Size",
            description=(
                "Products that wait for a flush; beside them those that a worker has claimed, those that "
                "wait for another attempt, and older writes that are kept while coalescing is off. With "
                "coalescing, a product waits in the queue once, however often it is written. The dashed "
                "line is where the alert QueueGrows begins."
            ),
            queries=(
                Query("max(write_behind_queue_size)", "queued"),
                Query("max(write_behind_inflight)", "in flight"),
                Query("max(write_behind_retrying)", "retrying"),
                Query("max(write_behind_backlog)", "backlog"),
            ),
            unit="short",
            thresholds=((1000, "orange"),),
        ),
        colours={"queued": "blue", "in flight": "purple", "retrying": "orange", "backlog": "yellow"},
    ),
    lines(
        About(
            title="Writes Coalesced",
            description=(
                "Writes that a later write of the same product replaced before the flush: PostgreSQL never "
                "sees them, and never has to. What remains of the accepted ones is persisted."
            ),
            queries=(
                Query("sum(rate(write_behind_accepted_total[$__rate_interval]))", "accepted"),
                Query("sum(rate(write_behind_coalesced_total[$__rate_interval]))", "coalesced"),
                Query("sum(rate(write_behind_persisted_total[$__rate_interval]))", "persisted"),
                Query("sum(rate(write_behind_written_through_total[$__rate_interval]))", "written through"),
            ),
            unit="wps",
        ),
        colours={
            "accepted": "blue",
            "coalesced": "yellow",
            "persisted": "green",
            "written through": "purple",
        },
    ),
    lines(
        About(
            title="Failed Writes (Data Loss)",
            description=(
                "Acknowledged writes that did not reach PostgreSQL. Dead letters can be put back. Lost ones "
                "were in Redis when it lost its memory: accepted, but neither persisted, replaced, pending, "
                "nor given up. That figure is an estimate, which one scrape may get wrong by a batch; "
                "`labctl demo data-loss` counts exactly."
            ),
            queries=(
                Query("write_behind:unaccounted_writes", "lost"),
                Query(
                    "sum(write_behind_given_up_total) - sum(write_behind_requeued_total)",
                    "given up, not put back",
                ),
                Query("max(write_behind_dlq_size)", "dead letters"),
            ),
            unit="short",
            thresholds=((1, "red"),),
        ),
        colours={"lost": "red", "given up, not put back": "purple", "dead letters": "orange"},
    ),
    lines(
        About(
            title="Exposure",
            description="What only Redis has: acknowledged writes, and the products that they belong to.",
            queries=(
                Query("max(write_behind_exposed_writes)", "writes"),
                Query("max(write_behind_exposed_products)", "products"),
            ),
            unit="short",
        ),
        colours={"writes": "red", "products": "orange"},
    ),
    lines(
        About(
            title="Exposure in Time",
            description=(
                "How long the oldest acknowledged write has been in Redis alone, and how long the oldest one "
                "that is due has been due. The dashed line is where the alert ExposedForLong begins."
            ),
            queries=(
                Query("max(write_behind_exposed_seconds)", "exposed"),
                Query("max(write_behind_oldest_due_age_seconds)", "overdue"),
            ),
            unit="s",
            thresholds=((10, "red"),),
        ),
        colours={"exposed": "orange", "overdue": "red"},
    ),
    lines(
        About(
            title="Retries",
            description=(
                "Attempts to persist an entry that failed and are tried again, and entries that were given "
                "up and became dead letters."
            ),
            queries=(
                Query("sum(rate(write_behind_retried_total[$__rate_interval]))", "retried"),
                Query("sum(rate(write_behind_given_up_total[$__rate_interval]))", "given up"),
            ),
            unit="ops",
        ),
        colours={"retried": "orange", "given up": "red"},
    ),
)
