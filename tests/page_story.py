"""What a lab might tell its page: 15 minutes of a load, and a demo that loses writes at the end of them."""

import math
from typing import Any, Final

RUN: Final = "20260131T180000Z-data-loss"
WINDOW_MS: Final = 500
STATES: Final = ("queued", "queued", "in flight", "persisted", "coalesced", "retry", "dead letter", "lost")


def greeting(now: float, *, seconds: int = 900, control: bool = False) -> dict[str, Any]:
    """The first event: the last `seconds` before `now`, one sample a second up to the last minute."""
    dense = min(seconds, 60)
    moments = [now - seconds + each for each in range(seconds - dense)]
    moments += [now - dense + each / 2 for each in range(2 * dense + 1)]
    return {
        "lab": "lab42",
        "runtime": "local",
        "control": control,
        "settings": {
            "write_policy": "write_behind",
            "write_coalescing_enabled": True,
            "coalescing_window_ms": WINDOW_MS,
            "flush_interval_ms": 1000,
            "batch_size": 500,
            "max_retries": 3,
            "retry_delay_ms": 500,
            "simulate_db_failure": False,
            "failure_rate": 0.3,
            "max_pending": 100_000,
            "overflow_policy": "reject",
            "cache_ttl_seconds": 3600,
        },
        "max_pending": 100_000,
        "window_ms": WINDOW_MS,
        "history": [sample(at, at - now + 900) for at in moments],
        "marks": marks(now - 45),
        "runs": [ended_run(now - 45), *earlier_runs(now)],
    }


def sample(at: float, second: float, **changes: Any) -> dict[str, Any]:
    """The lab at one moment, `second` seconds after its load began."""
    wave = 1 + 0.35 * math.sin(second / 17) + 0.12 * math.sin(second / 2.3)
    queue = int(90 * wave)
    document = {
        "at": at,
        "redis": True,
        "postgres": True,
        "queue": queue,
        "inflight": int(8 * wave),
        "retrying": 0,
        "dead_letters": 1,
        "accepted": int(820 * second + 2400 * math.sin(second / 17)),
        "coalesced": int(310 * second),
        "persisted": int(505 * second + 1500 * math.sin(second / 17)),
        "written_through": 0,
        "ack_ms": {"p50": 0.8 * wave, "p95": 1.7 * wave, "p99": 3.1 * wave},
        "persist_lag_ms": {"p50": 420 * wave, "p99": 560 * wave, "max": 610 * wave},
        "exposed": {"writes": queue + int(40 * wave), "products": queue, "seconds": 0.45 * wave},
        "trouble": "",
        "workers": [worker()],
        "products": [],
    }
    return document | changes


def worker(state: str = "flushing", reason: str = "") -> dict[str, Any]:
    """A worker, as it reports itself."""
    return {"name": "lab42-worker-1", "state": state, "reason": reason, "for_ms": 1_200}


def writes(now: float) -> list[dict[str, Any]]:
    """One write or two in each state."""
    return [
        {"id": f"product-{number}", "version": int(now * 1e6) + number, "state": state, "since": now - 1}
        for number, state in enumerate(STATES)
    ]


def many_writes(now: float) -> list[dict[str, Any]]:
    """As many as a lab follows, in a good mood: most of them queued or persisted."""
    states = ("queued",) * 9 + ("in flight",) * 2 + ("persisted",) * 5 + ("coalesced",) * 2
    return [
        {"id": f"product-{number}", "version": int(now * 1e6) + number, "state": state, "since": now - 1}
        for number, state in enumerate((*states, "retry", "dead letter"))
    ]


def marks(start: float) -> list[dict[str, Any]]:
    """Those of a demo that took 30 s."""
    common = {"run": RUN, "scenario": "data-loss", "detail": ""}
    told = ((0, "Write through"), (8, "Write behind"), (15, "Crash Redis"), (23, "Verdict"))
    steps = [
        {**common, "kind": "step", "at": start + after, "label": text, "number": number}
        for number, (after, text) in enumerate(told, 1)
    ]
    return [
        {**common, "kind": "run", "at": start, "label": "Data loss"},
        *steps[:3],
        {**common, "kind": "fault", "at": start + 18, "label": "redis: FLUSHALL"},
        *steps[3:],
        end_mark(start + 30),
    ]


def end_mark(at: float) -> dict[str, Any]:
    """The end of the demo."""
    figures = {
        "acknowledged": 140,
        "persisted": 100,
        "superseded": 9,
        "dead_lettered": 0,
        "pending": 0,
        "lost": 31,
    }
    return {
        "run": RUN,
        "scenario": "data-loss",
        "kind": "end",
        "at": at,
        "label": "expected",
        "detail": "Exactly the 31 queued writes are lost, and none of the 100 persisted ones.",
        "outcome": "expected",
        "figures": figures,
    }


def ended_run(start: float) -> dict[str, Any]:
    """The demo, as the list of runs has it."""
    end = end_mark(start + 30)
    return {
        "run": RUN,
        "scenario": "data-loss",
        "started_at": start,
        "ended_at": end["at"],
        **{name: end[name] for name in ("outcome", "label", "detail", "figures")},
    }


def earlier_runs(now: float) -> list[dict[str, Any]]:
    """Two more."""
    return [
        {
            "run": f"20260131T17{number}000Z-{scenario}",
            "scenario": scenario,
            "started_at": now - ago,
            "ended_at": now - ago + 21.5,
            "outcome": outcome,
            "label": scenario,
            "detail": "",
            "figures": {"acknowledged": 1_200, "lost": 0},
        }
        for number, (scenario, ago, outcome) in enumerate(
            (("coalescing", 480, "expected"), ("retries", 700, "unexpected"))
        )
    ]


def life(product_id: str, now: float) -> dict[str, Any]:
    """The life of a product: two writes, of which the first was replaced."""
    start = int((now - 2) * 1e6)
    blank = {"policy": "write_behind", "status": 200, "worker": None, "attempts": 1, "error": ""}
    first = {
        **blank,
        "version": start,
        "operation": "create",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "sent_at_us": start - 2_400,
        "received_at_us": start - 1_500,
        "acknowledged_at_us": start + 900,
        "outcome": "superseded",
        "superseded_by": start + 80_000,
        "claimed_at_us": None,
        "committed_at_us": None,
    }
    second = {
        **first,
        "version": start + 80_000,
        "operation": "update",
        "trace_id": "1af7651916cd43dd8448eb211c80319d",
        "sent_at_us": start + 77_000,
        "received_at_us": start + 78_500,
        "acknowledged_at_us": start + 80_700,
        "outcome": "persisted",
        "superseded_by": None,
        "claimed_at_us": start + 503_000,
        "committed_at_us": start + 509_000,
        "worker": "lab42-worker-1",
    }
    return {
        "product_id": product_id,
        "writes": [first, second],
        "now": {"queued": False, "row_version": start + 80_000},
        "unread": [],
    }


def trace(now: float) -> dict[str, Any]:
    """The spans of the second write."""
    start = int((now - 2) * 1e6) + 77_000
    spans = (
        ("labctl", "PUT /products", 0, 4_100, None),
        ("api", "PUT /products/{id}", 1_500, 3_700, "a1"),
        ("api", "EVALSHA write", 1_900, 3_000, "a2"),
    )
    flush = (
        ("worker", "flush", 425_000, 433_500, None),
        ("worker", "upsert products", 427_000, 432_000, "b1"),
    )

    def span(
        number: int, service: str, name: str, begin: int, end: int, parent: str | None
    ) -> dict[str, Any]:
        return {
            "trace_id": "1af7651916cd43dd8448eb211c80319d",
            "span_id": f"{number:016x}",
            "parent_id": parent,
            "name": name,
            "kind": "internal",
            "service": service,
            "start_us": start + begin,
            "end_us": start + end,
            "status": "unset",
            "message": "",
            "attributes": {},
            "events": [],
            "links": [],
        }

    return {
        "trace_id": "1af7651916cd43dd8448eb211c80319d",
        "spans": [span(number, *each) for number, each in enumerate(spans)],
        "linked": [span(10 + number, *each) for number, each in enumerate(flush)],
    }
