"""The named figures of a run: what each is called, counts, and is better when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

#: time: kept in ms. count: of `unit`. rate: a second.
Kind = Literal["time", "count", "rate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One figure's name in words, and how it is read."""

    label: str
    kind: Kind
    unit: str
    #: Which of two values is better; None: neither.
    better: Literal["lower", "higher"] | None = None
    #: What it is a share of: "writes"; empty if it is not one.
    whole: str = ""


def _times(prefix: str, label: str) -> dict[str, About]:
    return {
        f"{prefix}{which}": About(label=f"{label}, {which}", kind="time", unit="ms", better="lower")
        for which in ("p50", "p95", "p99", "max")
    }


def _count(label: str, unit: str, better: Literal["lower", "higher"] | None = None, whole: str = "") -> About:
    return About(label=label, kind="count", unit=unit, better=better, whole=whole)


#: In the order in which people look at them.
FIGURES: Final[Mapping[str, About]] = {
    **_times("", "latency of writes"),
    **_times("read_", "latency of reads"),
    **_times("persist_lag_", "in PostgreSQL after"),
    "throughput": About(label="throughput", kind="rate", unit="requests/s", better="higher"),
    "writes_per_second": About(label="writes a second", kind="rate", unit="writes/s", better="higher"),
    "lost": _count("writes lost", "writes", "lower", "acknowledged writes"),
    "lost_products": _count("products that lost their last value", "products", "lower"),
    "undetermined": _count("writes undetermined", "writes", "lower", "acknowledged writes"),
    "dead_lettered": _count("writes dead-lettered", "writes", "lower", "acknowledged writes"),
    "pending": _count("writes pending", "writes", "lower", "acknowledged writes"),
    "acknowledged": _count("writes acknowledged", "writes", "higher", "writes"),
    "refused": _count("writes refused", "writes", "lower", "writes"),
    "unknown": _count("writes without an answer", "writes", "lower", "writes"),
    "errors": _count("errors", "requests", "lower", "requests"),
    "unsent": _count("requests never sent", "requests", "lower", "requests that were due"),
    "stale_reads": _count("stale reads", "reads", "lower", "reads"),
    "queue_max": _count("longest queue", "products", "lower"),
    "coalesced": _count("writes coalesced", "writes", None, "acknowledged writes"),
    "persisted": _count("rows written", "rows", None),
}
