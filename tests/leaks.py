"""What a test leaves behind: open sockets and files, running threads, child processes.

Garbage counts as well: the collector would close it later, and whichever test runs by then would be blamed.
So every test collects its own.
"""

import gc
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from stack.errors import DeadlinePassed
from stack.wait import wait_until

#: A collection takes about a millisecond for this many.
_MANY_OBJECTS: Final = 20_000
_DESCRIPTORS: Final = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Left:
    """What this process holds at one moment."""

    #: File descriptors and what each refers to.
    files: frozenset[tuple[int, str]]
    threads: frozenset[threading.Thread]
    children: frozenset[psutil.Process]

    @classmethod
    def now(cls) -> "Left":
        return cls(
            files=frozenset(_files()),
            threads=frozenset(threading.enumerate()),
            children=frozenset(_children()),
        )

    def __sub__(self, other: "Left") -> "Left":
        return Left(self.files - other.files, self.threads - other.threads, self.children - other.children)

    def __or__(self, other: "Left") -> "Left":
        return Left(self.files | other.files, self.threads | other.threads, self.children | other.children)

    def without_services(self) -> "Left":
        """Without the services of a lab that tests share: a test may have started one anew."""
        own = frozenset(child for child in self.children if not _is_shared(child))
        return Left(self.files, self.threads, own)

    def __bool__(self) -> bool:
        return bool(self.files or self.threads or self.children)

    def __str__(self) -> str:
        told = [f"{what} (descriptor {number}){_owner(number)}" for number, what in sorted(self.files)]
        told += [f"the thread {thread.name}" for thread in self.threads]
        told += [f"the process {child.pid}: {_command(child)}" for child in self.children]
        return "\n".join(told)


_NOTHING: Final = Left(frozenset(), frozenset(), frozenset())


def _files() -> Iterator[tuple[int, str]]:
    for entry in _DESCRIPTORS.iterdir() if _DESCRIPTORS.is_dir() else ():
        with suppress(OSError):
            yield int(entry.name), str(entry.readlink())


def _children() -> Iterator[psutil.Process]:
    """Living children. Empty if the kernel does not list them: scanning all processes would cost too much."""
    for task in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for pid in task.read_text().split():
                with suppress(psutil.Error):
                    child = psutil.Process(int(pid))
                    if child.status() != psutil.STATUS_ZOMBIE:
                        yield child


def _is_shared(child: psutil.Process) -> bool:
    """Whether it works in the directory of a wider fixture: pytest calls those of tests `test_…`."""
    with suppress(psutil.Error):
        parts = Path(child.cwd()).parts
        return any(part.startswith("pytest-") for part in parts) and not any(
            part.startswith("test_") for part in parts
        )
    return True


def _owner(number: int) -> str:
    """Where it was opened, if PYTHONTRACEMALLOC=20 is set."""
    for found in gc.get_objects():
        if isinstance(found, socket.socket) and found.fileno() == number:
            origin = tracemalloc.get_object_traceback(found)
            return f": {found}" + ("".join(f"\n  {line}" for line in origin.format()) if origin else "")
    return ""


def _command(child: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(child.cmdline())
    return "it has ended"


def freeze_what_stays() -> None:
    """Have the collections after the tests skip what exists by now, once there is much of it: at first, after
    modules were imported, and after a load, which thaws everything."""
    # `gc.get_freeze_count` would walk through all that is frozen, which takes longer than most tests.
    if len(gc.get_objects(generation=2)) > _MANY_OBJECTS:
        gc.collect()
        gc.freeze()


class LeakWatch:
    """Compares what a process holds before and after a test."""

    def __init__(self, patience_s: float = 3.0) -> None:
        """`patience_s`: how long things that were told to end may take, in s."""
        self._patience_s = patience_s
        self._excused = _NOTHING

    @contextmanager
    def excusing(self) -> Iterator[None]:
        """Whatever is opened in this block belongs to a shared fixture, and may stay for later tests."""
        before = Left.now()
        try:
            yield
        finally:
            self._excused |= Left.now() - before

    def left_since(self, before: Left) -> Left:
        """What is left since `before`, after a moment for things that end by themselves."""

        def left() -> Left:
            return (Left.now() - before - self._excused).without_services()

        gc.collect()
        with suppress(DeadlinePassed):
            wait_until(
                lambda: not left(), seconds=self._patience_s, reason="the test leaves nothing", hint=""
            )
        return left()
