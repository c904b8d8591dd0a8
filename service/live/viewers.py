"""Who looks at the stream: each has a short queue, and is dropped if it does not keep up."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: A viewer is dropped if it leaves events unread for so long, or so many.
_BEHIND_S: Final = 6.0
_BEHIND: Final = 2_000
#: If nothing happens for so long, a comment keeps the connection alive.
KEEP_ALIVE_S: Final = 5.0
_KEEP_ALIVE: Final = b": the lab is alive\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event."""

    name: str
    #: A JSON document, in one line.
    data: bytes
    #: Later ones of the same name have a higher one.
    order: float = 0.0

    def encode(self) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (self.name.encode(), self.data)


class Viewer:
    """One connection to the stream."""

    def __init__(self, abort: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            abort: Ends the connection at once, whatever is still to be sent.
        """
        self._abort = abort
        self._clock = clock
        #: Since when the first of the events waits.
        self._since = 0.0
        self._events: deque[tuple[Event, bytes]] = deque()
        self._changed = asyncio.Event()
        #: What the viewer knows already: the order of the last event of each name.
        self._known: dict[str, float] = {}
        self.gone = False

    def offer(self, event: Event, encoded: bytes) -> None:
        """Send this event, in its turn."""
        if self.gone:
            return
        if not self._events:
            self._since = self._clock()
        elif len(self._events) >= _BEHIND or self._clock() - self._since > _BEHIND_S:
            self.leave()
            self._abort()
            return
        self._events.append((event, encoded))
        self._changed.set()

    def knows(self, name: str, order: float) -> None:
        """The viewer was told events of this name up to this one in another way."""
        self._known[name] = order

    def skip(self, name: str, order: float) -> None:
        """The same for the events that wait now. Later ones may have a lower order: clocks can step back."""
        self._events = deque(
            (event, text) for event, text in self._events if event.name != name or event.order > order
        )

    def leave(self) -> None:
        """Nothing more is to be sent."""
        self.gone = True
        self._events.clear()
        self._changed.set()

    async def next(self) -> bytes:
        """What is to be sent next; empty if the viewer is gone."""
        while not self.gone:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._changed.wait()
            except TimeoutError:
                return _KEEP_ALIVE
            self._changed.clear()
            new = [text for event, text in self._events if event.order > self._known.get(event.name, -1.0)]
            self._events.clear()
            if new:
                return b"".join(new)
        return b""


class Viewers:
    """All viewers of this process."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    def add(self, viewer: Viewer) -> None:
        self._viewers.add(viewer)

    def remove(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def tell(self, event: Event) -> None:
        """Send an event to all."""
        encoded = event.encode()
        for viewer in list(self._viewers):
            viewer.offer(event, encoded)
