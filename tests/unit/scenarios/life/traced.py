"""Writes as the API tells of them."""

from typing import Any

from service.traces.life import TracedWrite

_MS = 1000


def traced(version: int | None, acknowledged_us: int, **known: Any) -> TracedWrite:
    """A write that no flush is known to have taken, unless something else is known of it."""
    content: dict[str, Any] = {
        "operation": "update",
        "policy": "write_behind",
        "trace_id": "a" * 32,
        "sent_at_us": acknowledged_us - 2 * _MS,
        "received_at_us": acknowledged_us - _MS,
        "acknowledged_at_us": acknowledged_us,
        "status": 200,
        "outcome": "persisted",
        "superseded_by": None,
        "claimed_at_us": None,
        "worker": None,
        "committed_at_us": None,
        "attempts": 0,
        "error": "",
    }
    return TracedWrite(version=version, **(content | known))
