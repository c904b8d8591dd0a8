"""One look at Redis and PostgreSQL, on connections of its own: an open page must not hold up anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.live.following import Write
from service.writebehind.overview import Overview, QueueState
from service.writebehind.scripts.following import Place, places
from service.writebehind.scripts.runner import Scripts
from service.writebehind.settings import Settings
from service.writebehind.store import Store


@dataclass(frozen=True, slots=True)
class RedisLook:
    """What Redis told at one moment."""

    queue: QueueState
    settings: dict[str, Any]
    places: dict[Write, Place]
    #: What each worker says of its newest lags: median, 99th percentile and maximum, in ms.
    lags_ms: list[tuple[float, float, float]]


class Look:
    """Asks Redis and PostgreSQL, each from a thread of its own. Raises `WriteBehindError`."""

    def __init__(self, settings: Settings) -> None:
        """It connects when it first looks."""
        self._scripts = Scripts(settings.redis_url)
        self._store = Store(settings.database_url)
        self._overview = Overview(self._scripts, settings)

    def at_redis(self, writes: Sequence[Write]) -> RedisLook:
        """The queue, the settings in force, and where these writes are."""
        queue, condition = self._overview.queue(), self._overview.condition()
        return RedisLook(
            queue,
            self._overview.settings_of(condition),
            places(self._scripts, writes),
            [worker.lag_ms for worker in condition.workers if worker.lag_ms is not None],
        )

    def at_postgres(self, products: Sequence[str]) -> dict[str, int]:
        """The version that PostgreSQL holds of each of these products, if it holds one. An answer says that
        PostgreSQL works."""
        return self._store.versions(products)

    def close(self) -> None:
        """Close the connections."""
        self._store.close()
        self._scripts.close()
