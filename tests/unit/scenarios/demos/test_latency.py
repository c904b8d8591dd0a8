"""What `demo latency` says of gain and risk is what it measured."""

import pytest

from scenarios.demos.latency import trade
from scenarios.judge.persist_lag import PersistLag

LAG = PersistLag(count=100, p50_ms=548.4, p95_ms=1040, p99_ms=1090, max_ms=1100, resolution_ms=100, worst=())


def test_what_is_saved_and_what_is_risked_are_told_apart() -> None:
    assert trade(2.04, LAG) == (
        "Write-behind saves a client about 2.0 ms a write. What it risks: for about 548 ms after its "
        "acknowledgement a write is only in Redis, and a crash of Redis in that time loses it."
    )


@pytest.mark.parametrize("saved_ms", [-3.0, 0.0, 0.04])
def test_a_gain_that_was_not_measured_is_not_claimed(saved_ms: float) -> None:
    text = trade(saved_ms, LAG)
    assert text.startswith("Write-behind saved the clients nothing in this run. What it risks: ")
    assert "548 ms" in text
