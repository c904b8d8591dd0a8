"""What a test leaves behind is found, and no other test is blamed for it."""

import gc
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.leaks import LeakWatch, Left, freeze_what_stays


@contextmanager
def _a_socket(directory: Path) -> Iterator[None]:
    with socket.socket():
        yield


@contextmanager
def _a_file(directory: Path) -> Iterator[None]:
    with (directory / "file").open("w"):
        yield


@contextmanager
def _a_thread(directory: Path) -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="left-behind")
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@contextmanager
def _a_process(directory: Path) -> Iterator[None]:
    with subprocess.Popen(["sleep", "60"], cwd=directory) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("opened", "told"),
    [(_a_socket, "socket:["), (_a_file, "/file"), (_a_thread, "left-behind"), (_a_process, "sleep 60")],
)
def test_what_is_left_is_named_until_it_is_closed(
    opened: Callable[[Path], AbstractContextManager[None]], told: str, tmp_path: Path
) -> None:
    watch, before = LeakWatch(patience_s=0), Left.now()
    with opened(tmp_path):
        assert told in str(watch.left_since(before))
    assert not LeakWatch().left_since(before)


def test_what_a_shared_fixture_opens_is_excused() -> None:
    watch, before = LeakWatch(patience_s=0), Left.now()
    with watch.excusing():
        kept = socket.socket()
    with kept:
        assert not watch.left_since(before)
        with socket.socket() as other:
            assert f"fd={other.fileno()}" in str(watch.left_since(before))


def test_garbage_is_collected_in_the_test_that_made_it() -> None:
    class Owner:
        def __init__(self) -> None:
            self.itself = self
            self.socket = socket.socket()

    gc.disable()
    try:
        Owner()
        with pytest.warns(ResourceWarning, match="unclosed"):
            LeakWatch().left_since(Left.now())
    finally:
        gc.enable()


def test_what_a_load_thaws_is_frozen_again() -> None:
    gc.unfreeze()
    freeze_what_stays()
    frozen = gc.get_freeze_count()
    assert frozen > 20_000
    # There is little now that is not frozen.
    freeze_what_stays()
    assert gc.get_freeze_count() == frozen
