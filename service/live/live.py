"""The parts behind the lab's page, put together: one a server process."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from service.live.acks import Acks
from service.live.history import History
from service.live.look import Look
from service.live.marks import Mark
from service.live.sampler import Sampler
from service.live.stream import Greeting, Stream
from service.live.viewers import Viewers
from service.writebehind.settings import Settings

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """Whether anyone looks at the page, of whichever process."""

    viewers: int
    #: When the newest sample was taken: Unix time, in s, to the half second; 0 if there is none.
    sampled_at: float


class Live:
    """Samples, marks and the stream. It opens and starts nothing before it is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._look = Look(settings)
        self._viewers = Viewers()
        #: What runs of labctl told, and what was sampled.
        self.history = History(settings.telemetry_dir)
        #: Where acknowledged writes are noted while somebody looks.
        self.acks = Acks(settings.telemetry_dir)
        self._sampler = Sampler(self._look, self.history, self.acks, self._viewers, settings.live())
        #: The ASGI application that serves the stream.
        self.stream = Stream(self._sampler, self.history, self.acks, self._viewers, self._greeting)

    def serve_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """This process serves, in that loop."""
        self._loop = loop
        try:
            self.acks.open()
        except OSError as error:
            _log.warning("the page can't show how long acknowledgements take: %s", error)

    def mark(self, mark: Mark) -> None:
        """Keep a mark, and take samples while its run is under way. Any thread may call it.

        Raises:
            HistoryUnavailable: it can't be kept.
        """
        self.history.mark(mark)
        if self._loop is not None:
            sampler = self._sampler
            happened = mark.kind in ("step", "fault")
            self._loop.call_soon_threadsafe(sampler.sample_now if happened else sampler.wake)

    def watched(self) -> Watched:
        """Who looks, and what they were shown last. Any thread may call it.

        Raises:
            HistoryUnavailable: that can't be told.
        """
        return Watched(self.acks.all_viewers(), self.history.sampled_at())

    def close(self) -> None:
        """End threads, and close files and connections."""
        self._sampler.close()
        self.stream.close()
        self._look.close()
        self.acks.close()
        self.history.close()

    def _greeting(self) -> Greeting:
        settings: dict[str, Any] = self._sampler.settings
        own = self._settings
        return Greeting(
            lab=own.lab_name,
            runtime=own.lab_runtime,
            control=own.allow_ui_control,
            settings=settings,
            max_pending=settings["max_pending"],
            window_ms=own.changed(settings).flush_delay_ms,
        )
