import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from stack.errors import DeadlinePassed, StateUnusable
from stack.spec.events import StackNoted
from stack.state.lock import LabLock


def test_a_free_lock_is_taken_in_silence_and_let_go_at_the_end(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "lab"
    for _ in range(2):
        with LabLock(directory) as lock:
            assert list(lock.acquire(seconds=0.1)) == []
            with LabLock(directory) as other, pytest.raises(DeadlinePassed):
                list(other.acquire(seconds=0.01))


def test_the_second_says_so_and_gives_up_in_time(tmp_path: Path) -> None:
    with LabLock(tmp_path) as first, LabLock(tmp_path) as second:
        list(first.acquire())
        waiting = second.acquire(seconds=0.1)
        assert isinstance(next(waiting), StackNoted)
        with pytest.raises(DeadlinePassed, match="the other labctl"):
            next(waiting)


def test_the_second_has_it_after_the_first(tmp_path: Path) -> None:
    with LabLock(tmp_path) as second:
        with LabLock(tmp_path) as first:
            list(first.acquire())
            waiting = second.acquire(seconds=5)
            next(waiting)
        assert list(waiting) == []
        with LabLock(tmp_path) as third, pytest.raises(DeadlinePassed):
            list(third.acquire(seconds=0.01))


def test_a_directory_that_was_taken_away_meanwhile_is_made_again(tmp_path: Path) -> None:
    """`down` deletes the lock file while it holds it: whoever waited must not hold a file of the past."""
    directory = tmp_path / "lab"
    began = threading.Event()

    def wait_for_it() -> None:
        with LabLock(directory) as second:
            for _ in second.acquire(seconds=5):
                began.set()
            assert (directory / "lock").exists()

    with LabLock(directory) as first:
        list(first.acquire())
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert began.wait(5)
        (directory / "lock").unlink()
        directory.rmdir()
    thread.join(timeout=5)
    assert (directory / "lock").exists()


def test_an_unwritable_directory_is_named() -> None:
    with pytest.raises(StateUnusable, match="/proc"), LabLock(Path("/proc/lab")) as lock:
        list(lock.acquire())


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(handle: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208 - only counted
    monkeypatch.setattr("fcntl.flock", refuse)
    with LabLock(tmp_path / "lab") as lock, pytest.raises(StateUnusable, match=os.strerror(number)) as caught:
        list(lock.acquire())
    assert str(tmp_path) in caught.value.message
    assert "LABCTL_HOME" in caught.value.hint
    after = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0  # noqa: PTH208 - only counted
    assert before == after
