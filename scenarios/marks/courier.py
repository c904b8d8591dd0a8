"""Delivers marks in the background: a run never waits for a receiver, nor fails with it."""

import threading
import time
from collections import deque
from typing import Final, Protocol

import httpx

from scenarios.marks.mark import Mark

#: How many marks are kept for a receiver that is down.
_KEPT: Final = 200
#: How long a receiver that failed is left alone, s.
_PAUSE_S: Final = 0.5
#: Answers after which it is not asked again.
_UNKNOWN: Final = (404, 405)
_FORBIDDEN: Final = (401, 403)


class Receiver(Protocol):
    """Takes marks, one at a time."""

    @property
    def name(self) -> str:
        """Who it is, as a sentence names it."""

    def deliver(self, mark: Mark) -> None:
        """Raises httpx.HTTPError if the mark was not taken."""

    def close(self) -> None: ...


class Courier:
    """Brings one run's marks to one receiver, in their order."""

    def __init__(self, receiver: Receiver, *, kept: int = _KEPT) -> None:
        """
        Args:
            kept: How many marks wait at most; beyond that, the oldest go.
        """
        self._receiver = receiver
        self._waiting: deque[Mark] = deque(maxlen=kept)
        self._changed = threading.Condition()
        self._closing = False
        self._lost = 0
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=f"marks for {receiver.name}", daemon=True)
        self._thread.start()

    def send(self, mark: Mark) -> None:
        """Take a mark; it is delivered soon."""
        with self._changed:
            self._lost += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(mark)
            self._changed.notify()

    @property
    def problem(self) -> str:
        """Why marks have not arrived, as a part of a sentence; empty if they have, or may yet."""
        with self._changed:
            missing = self._lost + len(self._waiting)
            if not self._trouble or not missing:
                return ""
            return f"{missing} of this run's marks did not reach {self._receiver.name}: {self._trouble}"

    def close(self, deadline: float) -> None:
        """Deliver the rest until then, monotonic s. What a receiver does not take at once is dropped."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            with self._changed:
                self._trouble = self._trouble or "it did not answer in time"

    def _run(self) -> None:
        try:
            while (mark := self._next()) is not None and self._deliver(mark):
                pass
        finally:
            self._receiver.close()

    def _next(self) -> Mark | None:
        """The next mark, which stays in the queue; None: there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return self._waiting[0] if self._waiting else None

    def _deliver(self, mark: Mark) -> bool:
        """Try to deliver a mark; return whether to go on."""
        try:
            self._receiver.deliver(mark)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            # Whoever knows nothing of marks has nothing to show them on: that is no trouble.
            trouble = "" if status in _UNKNOWN else f"it answered {status}"
            self._note(mark, trouble, gone=status < 500)
            return status not in _UNKNOWN + _FORBIDDEN and self._rest()
        except (httpx.HTTPError, OSError) as error:
            self._note(mark, str(error) or type(error).__name__, gone=False)
            return self._rest()
        self._note(mark, "", gone=True)
        return True

    def _note(self, mark: Mark, trouble: str, *, gone: bool) -> None:
        """Take account of an attempt. A mark that is refused is lost; others wait for the next attempt."""
        with self._changed:
            self._trouble = trouble or (self._trouble if self._lost else "")
            if gone and self._waiting and self._waiting[0] is mark:
                self._waiting.popleft()
                self._lost += bool(trouble)

    def _rest(self) -> bool:
        """Leave the receiver alone for a while; return whether to go on."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._closing, _PAUSE_S)
