"""Says whether a load asked for more than the lab can do. A long wait must not pass without a word."""

from collections.abc import Generator, Iterator
from typing import Final

from scenarios.events import Event, Measured, Narrated
from scenarios.load.capacity import Flushing, Offered
from scenarios.load.run import Finished

#: A backlog is worth a word from this share of the time.
_WAITED_SHARE: Final = 0.02
#: So is a p99 of this or more, ms.
_SLOW_MS: Final = 1000.0


def report(finished: Finished) -> Generator[Event, None, None]:
    """How the lab kept up with what was asked for, and at which rate it would not have."""
    rate, offered, flushing = finished.plan.rate, finished.capacity.offered, finished.capacity.flushing
    if rate is not None:
        yield Measured("offered_per_second", "asked for", round(rate, 1), "requests/s")
    if offered.saturates_at is not None and offered.saturated:
        reached = round(offered.saturates_at, 1)
        yield Measured("saturates_at_per_second", "saturates at", reached, "requests/s")
    if flushing.saturates_at is not None:
        flushed = round(flushing.saturates_at, 1)
        yield Measured("flush_saturates_at_per_second", "the worker saturates at", flushed, "rows/s")
    for sentence in (*_about_schedule(finished, offered), *_about_worker(flushing)):
        yield Narrated(sentence, "matters")


def in_short(finished: Finished) -> str:
    """For the last line: the rate, and why no more was possible; empty if the lab kept up."""
    plan, counters, offered = finished.plan, finished.counters, finished.capacity.offered
    flushing = finished.capacity.flushing
    rate = f"{counters.rate:,.0f} requests/s"
    if offered.saturated and offered.saturates_at is not None:
        what = "the load generator" if counters.generator_limited else "the lab"
        reached = f"{offered.saturates_at:,.0f}"
        rate = f"Asked for {plan.rate:,.6g} requests/s, and {what} saturates at about {reached}"
    if flushing.saturates_at is not None:
        limit = f"the worker saturates at about {flushing.saturates_at:,.0f} rows/s"
        return f"{rate}, while the queue grew all the time ({limit})"
    return rate if offered.saturated else ""


def _about_schedule(finished: Finished, offered: Offered) -> Iterator[str]:
    plan, p99 = finished.plan, finished.latencies.percentiles("write", "hold").p99
    if offered.saturated and offered.saturates_at is not None:
        limit = (
            "labctl's own generator, not the lab, reaches its limit"
            if finished.counters.generator_limited
            else "the lab saturates"
        )
        yield (
            f"More was asked for than could be answered: of {plan.rate:,.6g} requests/s, about "
            f"{offered.saturates_at:,.0f}/s were. That is where {limit}, with {plan.clients} connections. "
            f"In the end {offered.backlog:,} requests were waiting. Waiting counts as latency."
        )
    elif offered.waited >= _WAITED_SHARE:
        yield (
            f"For {100 * offered.waited:.0f} % of the hold, requests waited for a free connection: the lab "
            "stalled, or is close to its limit. Waiting counts as latency."
        )
    elif p99 >= _SLOW_MS:
        yield (
            f"One write in a hundred took {p99:,.0f} ms or longer, and none of that was waiting for a free "
            "connection: the lab itself stalled."
        )


def _about_worker(flushing: Flushing) -> Iterator[str]:
    if flushing.saturates_at is not None:
        yield (
            "The worker could not keep up: the queue in Redis grew by about "
            f"{flushing.queue_growth:,.0f} writes a second through the hold, while PostgreSQL got "
            f"{flushing.saturates_at:,.0f} rows/s. A longer load would fill Redis."
        )
