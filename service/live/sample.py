"""What the page shows of one moment."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from service.live.following import FollowedWrite
from service.percentiles import percentile
from service.writebehind.overview import Exposed, QueueState, ShownWorker

Ms = Annotated[float, Meta(ge=0, description="ms")]


class AckMs(Struct, frozen=True):
    """How long the newest acknowledgements took, in ms, as the API's processes measured it."""

    p50: Ms
    p95: Ms
    p99: Ms


class LagMs(Struct, frozen=True):
    """How long the newest persisted writes took from their acknowledgement to their commit, in ms."""

    p50: Ms
    p99: Ms
    max: Ms


class SampledWorker(Struct, frozen=True):
    """A worker, as it reports itself."""

    name: str
    state: str
    reason: str
    for_ms: int


class Sample(Struct, frozen=True, kw_only=True):
    """The lab at one moment. What can't be read is null, never an earlier value."""

    at: Annotated[float, Meta(description="Unix time, in s")]
    redis: bool
    postgres: bool
    queue: int | None = None
    inflight: int | None = None
    retrying: int | None = None
    dead_letters: int | None = None
    accepted: Annotated[int, Meta(description="In all, like the next three")] | None = None
    coalesced: int | None = None
    persisted: int | None = None
    written_through: int | None = None
    ack_ms: AckMs | None = None
    persist_lag_ms: LagMs | None = None
    exposed: Exposed | None = None
    trouble: str = ""
    workers: Sequence[SampledWorker] = ()
    products: Sequence[FollowedWrite] = ()

    def for_history(self) -> bytes:
        """The sample as it is kept: without single writes, which are not followed later."""
        return msgspec.json.encode(msgspec.structs.replace(self, products=()))


def take_sample(
    at: float,
    queue: QueueState | None,
    *,
    postgres: bool,
    latencies_ms: Sequence[float],
    lags_ms: Sequence[tuple[float, float, float]],
    products: Sequence[FollowedWrite],
) -> Sample:
    """The sample of one look.

    Args:
        at: Unix time, in s.
        queue: None if Redis does not answer.
        latencies_ms: Of the newest acknowledgements.
        lags_ms: What each worker says: median, 99th percentile and maximum.
        products: The writes that are followed.
    """
    ack_ms = _ack_ms(latencies_ms)
    if queue is None:
        return Sample(at=at, redis=False, postgres=postgres, ack_ms=ack_ms)
    return Sample(
        at=at,
        redis=True,
        postgres=postgres,
        ack_ms=ack_ms,
        persist_lag_ms=_lag_ms(lags_ms),
        trouble=queue.trouble,
        workers=[_worker(worker) for worker in queue.workers],
        products=products,
        **_counts(queue),
    )


def _counts(queue: QueueState) -> dict[str, Any]:
    totals = queue.totals
    return {
        "queue": queue.queue_size,
        "inflight": queue.inflight,
        "retrying": queue.retrying,
        "dead_letters": queue.dlq_size,
        "accepted": totals["accepted"],
        "coalesced": totals["coalesced"],
        "persisted": totals["persisted"],
        "written_through": totals["written_through"],
        "exposed": queue.exposed,
    }


def _worker(worker: ShownWorker) -> SampledWorker:
    return SampledWorker(worker.name, worker.state, worker.reason, worker.for_ms)


def _ack_ms(latencies_ms: Sequence[float]) -> AckMs | None:
    if not latencies_ms:
        return None
    ordered = sorted(latencies_ms)
    return AckMs(*(round(percentile(ordered, share), 3) for share in (0.5, 0.95, 0.99)))


def _lag_ms(lags_ms: Sequence[tuple[float, float, float]]) -> LagMs | None:
    """Of several workers, the slowest counts."""
    return LagMs(*(round(max(each), 3) for each in zip(*lags_ms, strict=True))) if lags_ms else None
