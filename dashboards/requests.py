"""Panels of the API's requests."""

from typing import Final

from dashboards.panels import About, Panel, Query, lines, percentiles

_DURATION: Final = "write_behind_http_request_duration_seconds"

REQUESTS: Final[tuple[Panel, ...]] = (
    lines(
        About(
            title="API Request Rate",
            description="Requests by method and route. Prometheus' own are left out.",
            queries=(
                Query(
                    "sum by (method, route) "
                    '(rate(write_behind_http_requests_total{route!="/metrics"}[$__rate_interval]))',
                    "{{method}} {{route}}",
                ),
            ),
            unit="reqps",
        )
    ),
    lines(
        About(
            title="Requests by Outcome",
            description=(
                "How requests were answered: ok; not_found (404); invalid (another 4xx); refused (503: "
                "certainly not done); unknown (504: perhaps done); error (another 5xx)."
            ),
            queries=(
                Query(
                    "sum by (outcome) "
                    '(rate(write_behind_http_requests_total{route!="/metrics"}[$__rate_interval]))',
                    "{{outcome}}",
                ),
            ),
            unit="reqps",
        ),
        colours={"ok": "green", "refused": "orange", "unknown": "purple", "error": "red"},
        stacked=True,
    ),
    lines(
        About(
            title="Refused Writes",
            description=(
                "Writes that were refused, so they are not lost: because of MAX_PENDING (overflow), "
                "because Redis or PostgreSQL is down, or because all threads of the service were busy."
            ),
            queries=(
                Query("sum by (reason) (rate(write_behind_refused_total[$__rate_interval]))", "{{reason}}"),
            ),
            unit="wps",
        )
    ),
    lines(
        About(
            title="Write Latency",
            description=(
                "From the arrival of a write to its acknowledgement, by what acknowledges it: Redis "
                "(write_behind) or PostgreSQL (write_through)."
            ),
            queries=percentiles(_DURATION, "policy", 'policy=~"write_behind|write_through"'),
            unit="s",
        )
    ),
    lines(
        About(
            title="Read Latency",
            description="From the arrival of a read of one product to its answer.",
            queries=percentiles(_DURATION, where='method="GET", route="/products/{id}"'),
            unit="s",
        )
    ),
    lines(
        About(
            title="Cache Hit Rate",
            description=(
                "Where reads found their product: in the cache (hit), not in the cache, but among the "
                "writes that are not flushed yet (pending), or only in PostgreSQL, if at all (miss)."
            ),
            queries=(
                Query(
                    "sum by (result) (rate(write_behind_cache_reads_total[$__rate_interval])) "
                    "/ on () group_left () (sum(rate(write_behind_cache_reads_total[$__rate_interval])) > 0)",
                    "{{result}}",
                ),
            ),
            unit="percentunit",
        ),
        colours={"hit": "green", "pending": "yellow", "miss": "blue"},
        stacked=True,
    ),
)
