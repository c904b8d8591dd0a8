"""Samples the lab twice a second, while somebody looks or a run is under way, in the server's event loop."""

import asyncio
import logging
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import msgspec

from service.lasting import Conditions
from service.live.acks import Acks
from service.live.asking import Asked
from service.live.following import Following, in_question
from service.live.history import History
from service.live.look import Look, RedisLook
from service.live.sample import Sample, take_sample
from service.live.viewers import Event, Viewers

_PERIOD_S: Final = 0.5
#: Samples are taken so long after each half second begins: timers may be a little early, and what they sample
#: must not count for the half second before.
_LATE_S: Final = 0.005
#: When a run tells of a step or a fault, one is taken at once, but not more often than this.
_SOONEST_S: Final = 0.05
#: Acknowledgements are noted for so long after the last sample.
_WANTED_S: Final = 2.0
#: The acknowledgements that percentiles are taken from: those of the last two seconds, at most so many.
_RECENT_S: Final = 2.0
_RECENT: Final = 2_000

#: The number of the last mark, the marks to be told, by number, and until when a run wants samples.
_Kept = tuple[int, list[tuple[int, bytes]], float]
_log: Final = logging.getLogger(__name__)


class Sampler:
    """One a server process. Only the thread of the event loop may use it."""

    def __init__(
        self, look: Look, history: History, acks: Acks, viewers: Viewers, settings: dict[str, Any]
    ) -> None:
        """
        Args:
            settings: The live settings to assume until Redis has answered.
        """
        self.settings = settings
        self._conditions = Conditions(_log)
        self._look = look
        self._history = history
        self._acks = acks
        self._viewers = viewers
        self._redis: Asked[RedisLook] = Asked("Redis")
        self._postgres: Asked[dict[str, int]] = Asked("PostgreSQL")
        self._disk: Asked[_Kept] = Asked("the history")
        self._following = Following()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_RECENT)
        self._task: asyncio.Task[None] | None = None
        self._wanted_until = 0.0
        self._last_mark: int | None = None
        #: Set when a sample is not to wait for its time.
        self._hurry = asyncio.Event()

    def wake(self) -> None:
        """Take samples, if they are not being taken, as long as anyone wants them."""
        # It finds out by itself whether a run wants them.
        self._wanted_until = max(self._wanted_until, time.time() + _PERIOD_S)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="sampler")

    def sample_now(self) -> None:
        """Take one at once: what happens between two others would never be seen."""
        self._hurry.set()
        self.wake()

    def tell_marks_after(self, seq: int) -> None:
        """A viewer was told the marks up to this one, before the first sample was taken."""
        if self._last_mark is None:
            self._last_mark = seq

    def close(self) -> None:
        """End the threads."""
        if self._task is not None:
            self._task.cancel()
        for asked in (self._redis, self._postgres, self._disk):
            asked.close()

    async def _run(self) -> None:
        while self._viewers or time.time() < self._wanted_until:
            self._hurry.clear()
            try:
                await self._sample()
            except Exception as error:  # noqa: BLE001 - the next sample must still be taken
                self._conditions.met("sample", f"the page can't be told how the lab is: {error!r}")
            await self._pause()

    async def _pause(self) -> None:
        """Until the next sample is due."""
        # At the same moments in all processes: they share what they keep.
        due = asyncio.get_running_loop().time() + _PERIOD_S - time.time() % _PERIOD_S + _LATE_S
        await asyncio.sleep(_SOONEST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._hurry.wait()

    async def _sample(self) -> None:
        at = time.time()
        self._acks.want(_WANTED_S)
        self._acks.viewers(len(self._viewers))
        self._note_acks(at)
        asked = self._following.asked()
        seen = await self._redis.ask(lambda: self._look.at_redis(asked))
        products = in_question(seen.places) if seen else []
        rows = await self._postgres.ask(lambda: self._look.at_postgres(products))
        if seen is not None:
            self._learn(seen, rows, at)
        sample = take_sample(
            at,
            seen.queue if seen else None,
            postgres=rows is not None,
            latencies_ms=[took_ms for _, took_ms in self._recent],
            lags_ms=seen.lags_ms if seen else [],
            products=self._following.shown(),
        )
        self._viewers.tell(Event("sample", msgspec.json.encode(sample), at))
        await self._keep(sample)

    def _note_acks(self, now: float) -> None:
        oldest = time.monotonic() - _RECENT_S
        # Others may be left from when somebody looked last.
        newest = self._acks.newest()
        self._recent.extend(sorted(times for times in newest.times if times[0] >= oldest))
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
        self._following.add([(ack.id, ack.version) for ack in newest.writes if ack.at >= oldest], now)

    def _learn(self, seen: RedisLook, rows: dict[str, int] | None, now: float) -> None:
        coalescing = bool(seen.settings["write_coalescing_enabled"])
        self._following.learn(seen.places, rows, now, coalescing=coalescing)
        # What was acknowledged before anyone looked.
        waiting = [(item.id, item.version) for item in seen.queue.items if item.version]
        self._following.fill_up(waiting, now)
        if seen.settings != self.settings:
            self.settings = seen.settings
            self._viewers.tell(Event("settings", msgspec.json.encode(seen.settings), now))

    async def _keep(self, sample: Sample) -> None:
        """Keep the sample, and tell the viewers of the marks that came meanwhile, to whichever process."""
        told = self._last_mark
        kept = await self._disk.ask(lambda: self._record(sample, told))
        if kept is None:
            return
        last, marks, self._wanted_until = kept
        # Only now: if the answer comes too late, the next one has these marks as well.
        if self._last_mark == told:
            self._last_mark = last
        for number, mark in marks:
            self._viewers.tell(Event("mark", mark, number))

    def _record(self, sample: Sample, told: int | None) -> _Kept:
        """Keep the sample, and read the marks after the one that was told last. Runs in a thread."""
        self._history.record(sample.at, sample.for_history())
        if told is None:
            return self._history.marks()[0], [], self._history.wanted_until()
        marks = self._history.marks_after(told)
        return marks[-1][0] if marks else told, marks, self._history.wanted_until()
