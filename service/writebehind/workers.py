"""The state of the workers, as they publish it in Redis."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from service.writebehind.keys import WORKER_LIFE_US

State = Literal["idle", "flushing", "paused", "blocked", "stopping", "suspended"]
_STATES: Final = frozenset(get_args(State))
#: A blocker's statement is cut to this length.
_QUERY_CHARACTERS: Final = 60
#: A wait for a lock, or an outage, that ends sooner is not worth mentioning.
_PASSING_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Blocker:
    """A PostgreSQL session that holds the lock that a flush waits for."""

    pid: int
    application: str
    query: str

    def __str__(self) -> str:
        label = ": ".join(part for part in (self.application, self.query[:_QUERY_CHARACTERS]) if part)
        return f"pid {self.pid}" + (f" ({label})" if label else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One worker, as of at most three seconds ago."""

    name: str
    pid: int
    host: str
    #: Unix time in s.
    started_at: float
    state: State
    #: Why it is in this state, as a sentence; '' if that needs no explanation.
    reason: str
    #: SQLSTATE, or a short word for what is wrong; may be ''.
    code: str
    #: How long it has been in this state, in ms.
    for_ms: int
    blocked_by: tuple[Blocker, ...] = ()
    #: The port of its metrics on its host; 0 if it offers none.
    metrics_port: int = 0
    #: How long its writes of the last two seconds took from acknowledgement to commit: median, 99th
    #: percentile and maximum, in ms. None if there were none.
    lag_ms: tuple[float, float, float] | None = None
    #: The settings that it uses, by name.
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stuck(self) -> bool:
        """Whether it has been unable to flush for a while."""
        return self.state in ("blocked", "paused") and self.for_ms >= _PASSING_MS

    def trouble(self) -> str:
        """Why nothing is flushed, for a sentence: "flush blocked for 3 s by pid 4711 (psql: LOCK …)"."""
        lasting = f" for {self.for_ms // 1000} s" if self.for_ms >= _PASSING_MS else ""
        match self.state:
            case "blocked" if self.blocked_by:
                return f"flush blocked{lasting} by {' and '.join(map(str, self.blocked_by))}"
            case "blocked" | "paused" | "suspended":
                word = "flush blocked" if self.state == "blocked" else f"flushing {self.state}"
                return f"{word}{lasting}" + (f": {self.reason}" if self.reason else "")
            case _:
                return ""


def parse_workers(held: Iterable[tuple[bytes, bytes]], now_us: int) -> tuple[WorkerState, ...]:
    """The live workers, sorted by name. Junk is left out.

    Args:
        held: Name and document of each worker, as in `keys.WORKERS`.
        now_us: The lab's time.
    """
    states = (_parse(name, document, now_us) for name, document in held)
    return tuple(sorted((state for state in states if state is not None), key=lambda state: state.name))


def _parse(name: bytes, document: bytes, now_us: int) -> WorkerState | None:
    try:
        content = json.loads(document)
        if not 0 <= now_us - int(content["at"]) <= WORKER_LIFE_US or content["state"] not in _STATES:
            return None
        return WorkerState(
            name=name.decode(),
            pid=int(content["pid"]),
            host=str(content["host"]),
            started_at=float(content["started_at"]),
            state=content["state"],
            reason=str(content.get("reason", "")),
            code=str(content.get("code", "")),
            for_ms=int(content.get("for_ms", 0)),
            metrics_port=int(content.get("metrics_port", 0)),
            lag_ms=_lags(content.get("lag_ms")),
            blocked_by=tuple(_blocker(session) for session in content.get("blocked_by", ())),
            settings=dict(content.get("settings", {})),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def _lags(held: Any) -> tuple[float, float, float] | None:
    if held is None:
        return None
    middle, last, longest = map(float, held)
    return middle, last, longest


def _blocker(session: Mapping[str, Any]) -> Blocker:
    query = " ".join(str(session.get("query", "")).split())
    return Blocker(int(session["pid"]), str(session.get("application", "")), query)
