"""Viewers that do not keep up, questions that hang, and the acknowledgements that processes share."""

import asyncio
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from service.live.acks import Acks, Newest
from service.live.asking import Asked
from service.live.errors import HistoryUnavailable
from service.live.following import Write
from service.live.history import History
from service.live.look import Look, RedisLook
from service.live.marks import Mark
from service.live.sampler import Sampler
from service.live.viewers import Event, Viewer, Viewers
from service.writebehind.errors import CacheUnavailable, StoreUnavailable

BODY = b'{"id":"p-1","name":"W","price":1.0,"quantity":1,"version":1700000000000001,"source":"cache"}'
TOMBSTONE = b'{"id":"p-2","deleted":true,"version":1700000000000002,"source":"database"}'


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_viewer_gets_what_came_together_at_once_and_nothing_twice() -> None:
    async def look() -> bytes:
        viewers, viewer = Viewers(), Viewer(lambda: None)
        viewers.add(viewer)
        viewer.knows("mark", 2)
        for event in (Event("mark", b"2", 2), Event("mark", b"3", 3), Event("sample", b"{}", 1.0)):
            viewers.tell(event)
        return await viewer.next()

    assert asyncio.run(look()) == b"event: mark\ndata: 3\n\nevent: sample\ndata: {}\n\n"


def test_only_samples_that_wait_are_skipped_since_clocks_step_back() -> None:
    async def look() -> bytes:
        viewer = Viewer(lambda: None)
        for at in (5.0, 6.0, 7.0):
            viewer.offer(Event("sample", b"", at), b"%d" % at)
        viewer.skip("sample", 6.0)
        viewer.offer(Event("sample", b"", 1.0), b"1")
        return await viewer.next()

    assert asyncio.run(look()) == b"71"


def test_a_viewer_that_leaves_events_unread_for_six_seconds_is_dropped() -> None:
    async def look() -> list[str]:
        clock, dropped = Clock(), list[str]()
        viewer = Viewer(lambda: dropped.append("now"), clock)
        viewer.offer(Event("sample", b"1"), b"1")
        clock.now = 5.9
        viewer.offer(Event("sample", b"2"), b"2")
        assert not dropped
        # One that reads begins anew.
        assert await viewer.next() == b"12"
        viewer.offer(Event("sample", b"3"), b"3")
        clock.now = 12.0
        viewer.offer(Event("sample", b"4"), b"4")
        assert await viewer.next() == b""
        viewer.offer(Event("sample", b"5"), b"5")
        return dropped

    assert asyncio.run(look()) == ["now"]


def test_a_burst_drops_nobody_unless_it_is_endless() -> None:
    dropped = list[None]()

    async def look() -> None:
        viewer = Viewer(lambda: dropped.append(None), Clock())
        for _ in range(2_000):
            viewer.offer(Event("mark", b"1"), b"1")
        assert not dropped
        viewer.offer(Event("mark", b"1"), b"1")

    asyncio.run(look())
    assert len(dropped) == 1


def test_a_question_that_hangs_is_not_asked_again_until_it_is_answered() -> None:
    release, times = threading.Event(), list[str]()

    def hang() -> str:
        times.append("asked")
        release.wait(10)
        return "late"

    async def ask(asked: Asked[str]) -> list[str | None]:
        answers = [await asked.ask(hang), await asked.ask(hang)]
        release.set()
        while (answer := await asked.ask(lambda: "in time")) is None:
            await asyncio.sleep(0.01)
        return [*answers, answer]

    with closing(Asked[str]("it", timeout_s=0.1)) as asked:
        assert asyncio.run(ask(asked)) == [None, None, "in time"]
    assert times == ["asked"]


@pytest.mark.parametrize("error", [CacheUnavailable("down"), ValueError("a bug")])
def test_a_question_that_fails_has_no_answer(error: Exception) -> None:
    def fail() -> str:
        raise error

    async def ask(asked: Asked[str]) -> list[str | None]:
        return [await asked.ask(fail), await asked.ask(lambda: "fine")]

    with closing(Asked[str]("it")) as asked:
        assert asyncio.run(ask(asked)) == [None, "fine"]


def test_why_there_is_no_history_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> str:
        raise HistoryUnavailable("the disk is full")

    async def ask(asked: Asked[str]) -> list[str | None]:
        return [await asked.ask(fail), await asked.ask(fail)]

    with closing(Asked[str]("the history")) as asked:
        assert asyncio.run(ask(asked)) == [None, None]
    assert caplog.messages == ["the disk is full"]


class UnreachableLook(Look):
    def __init__(self) -> None:
        """Without connections."""

    def at_redis(self, writes: Sequence[Write]) -> RedisLook:
        raise CacheUnavailable("down")

    def at_postgres(self, products: Sequence[str]) -> dict[str, int]:
        raise StoreUnavailable("down")


class SlowHistory(History):
    """Its first sample is kept when it is released."""

    def __init__(self) -> None:
        super().__init__("")
        self.release = threading.Event()

    def record(self, at: float, document: bytes) -> None:
        assert self.release.wait(30)
        super().record(at, document)


def test_marks_that_a_slow_disk_gives_too_late_are_told_later(caplog: pytest.LogCaptureFixture) -> None:
    async def look(sampler: Sampler, viewer: Viewer) -> None:
        sampler.tell_marks_after(0)
        sampler.wake()
        told = b""
        async with asyncio.timeout(30):
            # The second sample means that the first answer of the disk was not waited for.
            while told.count(b"event: sample") < 2:
                told += await viewer.next()
            assert b"event: mark" not in told
            history.release.set()
            while b"event: mark" not in told:
                told += await viewer.next()
        assert told.count(b"event: mark") == 1

    async def run() -> None:
        viewers, viewer = Viewers(), Viewer(lambda: None)
        viewers.add(viewer)
        with (
            closing(Acks("")) as acks,
            closing(Sampler(UnreachableLook(), history, acks, viewers, {})) as sampler,
        ):
            await look(sampler, viewer)

    with closing(SlowHistory()) as history:
        history.mark(Mark(run="r", kind="fault", at=time.time()))
        asyncio.run(run())


def is_wanted(acks: Acks) -> bool:
    return acks.wanted


@pytest.mark.parametrize("shared", [True, False])
def test_acknowledgements_are_noted_and_read_once(tmp_path: Path, shared: bool) -> None:
    with closing(Acks(str(tmp_path) if shared else "")) as acks:
        assert not is_wanted(acks)
        acks.note(0.0, BODY)
        acks.open()
        assert not is_wanted(acks)
        acks.want(5)
        assert is_wanted(acks)
        assert acks.newest() == Newest([], [])
        acks.note(0.0, BODY)
        acks.note(0.0, TOMBSTONE)
        for other in (
            b"",
            b"{}",
            b'{"fault":"flush"}',
            b'{"id":"' + b"x" * 50 + b'","version":1,"source":"cache"}',
        ):
            acks.note(0.0, other)
        found = acks.newest()
        assert [(ack.id, ack.version) for ack in found.writes] == [
            ("p-1", 1700000000000001),
            ("p-2", 1700000000000002),
        ]
        assert [at for at, _ in found.times] == [ack.at for ack in found.writes]
        assert all(took_ms > 0 for _, took_ms in found.times)
        assert acks.newest() == Newest([], [])


def test_viewers_of_a_process_that_was_killed_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Acks(str(tmp_path))) as killed, closing(Acks(str(tmp_path))) as acks:
        killed.open()
        acks.open()
        killed.viewers(7)
        assert acks.all_viewers() == 7
        later = time.monotonic() + 11
        monkeypatch.setattr(time, "monotonic", lambda: later)
        assert acks.all_viewers() == 0
        killed.viewers(7)
        assert acks.all_viewers() == 7


def test_only_the_newest_acknowledgements_are_held() -> None:
    with closing(Acks("")) as acks:
        acks.open()
        acks.newest()
        for number in range(5_000):
            acks.note(0.0, BODY.replace(b"p-1", b"p-%d" % number))
        found = acks.newest()
        assert len(found.times) == 2_048
        assert found.times == sorted(found.times)
        assert [ack.id for ack in found.writes] == [f"p-{number}" for number in range(4_980, 5_000)]
