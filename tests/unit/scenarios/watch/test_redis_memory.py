"""What readings of Redis' clock say about its memory."""

import pytest

from scenarios.watch.redis_memory import MemoryWatch
from service.writebehind.keys import Clock

OLD = Clock(moment=110, wall=110, epoch=100)
NEW = Clock(moment=210, wall=210, epoch=200)


def watching() -> MemoryWatch:
    watch = MemoryWatch()
    assert not watch.found(0.0, 0.1, OLD)
    return watch


def test_a_memory_that_stays_is_no_loss() -> None:
    watch = watching()
    assert not watch.found(1.0, 1.1, Clock(moment=120, wall=120, epoch=100))
    assert watch.losses == []


@pytest.mark.parametrize("now", [NEW, None], ids=["a new clock", "no clock"])
def test_another_memory_is_a_loss_between_two_looks(now: Clock | None) -> None:
    watch = watching()
    assert watch.found(1.0, 1.1, now)
    (loss,) = watch.losses
    assert (loss.last_seen_at, loss.gone_at, loss.changed_at) == (0.0, 1.1, 1.1)
    assert (loss.old_epoch, loss.old_moment) == (100, 110)
    assert loss.new_epoch == (now.epoch if now else None)


def test_the_first_script_of_the_new_memory_tells_its_epoch() -> None:
    watch = watching()
    watch.found(1.0, 1.1, None)
    assert not watch.found(1.2, 1.3, None)
    assert not watch.found(1.4, 1.5, NEW)
    (loss,) = watch.losses
    assert (loss.new_epoch, loss.changed_at) == (200, 1.1)


def test_every_loss_counts() -> None:
    watch = watching()
    watch.found(1.0, 1.1, None)
    watch.found(1.2, 1.3, NEW)
    assert watch.found(2.0, 2.1, Clock(moment=310, wall=310, epoch=300))
    assert [(loss.old_epoch, loss.new_epoch) for loss in watch.losses] == [(100, 200), (200, 300)]


def test_a_clock_that_went_back_is_an_earlier_memory_read_from_a_disk() -> None:
    watch = watching()
    assert watch.found(1.0, 1.1, Clock(moment=105, wall=105, epoch=100))
    assert watch.losses[0].new_epoch == watch.losses[0].old_epoch == 100


def test_a_dead_redis_has_no_memory_from_then_on_and_a_frozen_one_may() -> None:
    dead, frozen = watching(), watching()
    assert dead.silent(1.0, dead=True)
    assert not dead.silent(1.2, dead=True)
    assert not frozen.silent(1.0, dead=False)
    for watch in (dead, frozen):
        watch.found(2.0, 2.1, NEW)
    assert (dead.losses[0].gone_at, frozen.losses[0].gone_at) == (1.0, 2.1)


def test_a_silence_after_which_all_is_as_before_is_no_loss() -> None:
    watch = watching()
    watch.silent(1.0, dead=True)
    assert not watch.found(2.0, 2.1, OLD)
    assert watch.losses == []
    watch.found(3.0, 3.1, NEW)
    assert watch.losses[0].gone_at == 3.1


def test_a_memory_in_which_no_script_ran_before_the_watch_began_is_no_loss() -> None:
    watch = MemoryWatch()
    watch.found(0.0, 0.1, None)
    assert not watch.found(1.0, 1.1, OLD)
    assert watch.losses == []
