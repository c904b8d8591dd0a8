"""Whoever looks at the lab's page is shown what there is before it is gone."""

from collections.abc import Callable
from typing import Final

import httpx
import msgspec

from stack.errors import DeadlinePassed
from stack.wait import wait_until

#: The page shows a sample twice a second. With fewer, a full queue would be gone as soon as it is seen.
SAMPLES: Final = 3
_LONGEST_S: Final = 3.0
_POLL_S: Final = 0.1
_ANSWER_TIMEOUT_S: Final = 1.0


class _Watched(msgspec.Struct):
    viewers: int
    sampled_at: float


def let_viewers_see(api_url: str, *, samples: int = SAMPLES, seconds: float = _LONGEST_S) -> None:
    """Wait until those who look at the page were shown the lab as it is now.

    If no one looks, or if that can't be told, it does not wait.

    Args:
        samples: How often they are to see it.
        seconds: How long to wait at most.
    """
    with httpx.Client(base_url=api_url, timeout=_ANSWER_TIMEOUT_S, trust_env=False) as http:
        seen = _Seen(lambda: _read(http), samples)
        try:
            wait_until(seen.enough, seconds=seconds, reason="the page shows the queue", hint="", poll=_POLL_S)
        except DeadlinePassed:
            # The run matters more than the page.
            return


class _Seen:
    """Counts the samples that were taken since it was first asked."""

    def __init__(self, read: Callable[[], _Watched | None], samples: int) -> None:
        self._read = read
        self._missing = samples
        self._last: float | None = None

    def enough(self) -> bool:
        watched = self._read()
        if watched is None or watched.viewers == 0:
            return True
        if self._last is not None and watched.sampled_at != self._last:
            self._missing -= 1
        self._last = watched.sampled_at
        return self._missing <= 0


def _read(http: httpx.Client) -> _Watched | None:
    try:
        answer = http.get("/live/runs")
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=_Watched)
    except (httpx.HTTPError, msgspec.DecodeError):
        return None
