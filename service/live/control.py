"""What the lab's page may change, if the lab was started with `--allow-ui-control`: live settings, and the
faults that the API itself can cause. Faults of processes are up to labctl."""

import logging
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
import redis
from msgspec import Meta, Struct
from rq.suspension import resume, suspend

from service.live.bodies import parse
from service.live.errors import HistoryUnavailable, InvalidFault
from service.live.marks import PAGE_RUN, Mark
from service.writebehind.buffer import Buffer
from service.writebehind.overview import Overview
from service.writebehind.scripts.runner import map_redis_errors

_log: Final = logging.getLogger(__name__)

FaultName = Literal["redis:flushall", "worker:suspend", "worker:resume", "rows:fail", "rows:mend", "flush"]

#: What the page calls each.
_LABELS: Final[dict[FaultName, str]] = {
    "redis:flushall": "Redis emptied (FLUSHALL)",
    "worker:suspend": "flushing suspended (rq suspend)",
    "worker:resume": "flushing resumed (rq resume)",
    "rows:fail": "rows fail on purpose",
    "rows:mend": "rows no longer fail on purpose",
    "flush": "flushed now",
}


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that the page injects, or ends."""

    fault: Annotated[
        FaultName,
        Meta(
            description="redis:flushall empties Redis; worker:suspend and worker:resume stop and start "
            "flushing; rows:fail and rows:mend switch simulated failures; flush makes everything due"
        ),
    ]
    rate: Annotated[float, Meta(ge=0, le=1, description="For rows:fail: the probability of a failure")] = 0.3


class Injected(Struct, frozen=True):
    """The fault was injected."""

    fault: FaultName
    #: Unix time, in s.
    at: float
    unwritten_before: Annotated[int, Meta(description="Entries that only Redis had, before")]
    unwritten_after: Annotated[int, Meta(description="... and after")]


_decoder: Final = msgspec.json.Decoder(Fault)


def parse_fault(body: bytes) -> Fault:
    """The fault in a request's body.

    Raises:
        InvalidFault: it is not one.
    """
    try:
        return parse(_decoder, body, InvalidFault)
    except InvalidFault as error:
        if "$.fault" not in str(error):
            raise
        raise InvalidFault(f"{error}; the faults are {', '.join(_LABELS)}") from error


class Control:
    """Injects faults. Raises `CacheUnavailable` and `OutcomeUnknown`."""

    def __init__(
        self,
        client: redis.Redis,
        overview: Overview,
        buffer: Buffer,
        signal_flush: Callable[[], None],
        mark: Callable[[Mark], None],
    ) -> None:
        """
        Args:
            signal_flush: Wakes the worker.
            mark: Tells the page's viewers.
        """
        self._client = client
        self._overview = overview
        self._buffer = buffer
        self._signal_flush = signal_flush
        self._mark = mark

    def inject(self, fault: Fault) -> Injected:
        """Inject it, and mark it on the page's charts."""
        at, before = time.time(), self._overview.condition().unwritten
        with map_redis_errors():
            self._inject(fault)
        injected = Injected(fault.fault, at, before, self._overview.condition().unwritten)
        self._tell(at, _LABELS[fault.fault])
        return injected

    def _inject(self, fault: Fault) -> None:
        match fault.fault:
            case "redis:flushall":
                self._client.flushall()
            case "worker:suspend":
                suspend(self._client)
            case "worker:resume":
                resume(self._client)
                self._signal_flush()
            case "rows:fail":
                self._overview.change_settings({"simulate_db_failure": True, "failure_rate": fault.rate})
            case "rows:mend":
                self._overview.change_settings({"simulate_db_failure": False})
            case "flush":
                self._buffer.flush_now()
                self._signal_flush()

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change live settings, and mark that on the page's charts. Raises InvalidSettings."""
        self._overview.change_settings(changes)
        label = ", ".join(f"{name} = {value}" for name, value in changes.items())[:200]
        self._tell(time.time(), label)

    def _tell(self, at: float, label: str) -> None:
        """Mark what was done. If that can't be kept, it was done all the same."""
        try:
            self._mark(Mark(run=PAGE_RUN, scenario=PAGE_RUN, kind="fault", at=at, label=label))
        except HistoryUnavailable as error:
            _log.warning("%s is not marked on the page's charts: %s", label, error)
