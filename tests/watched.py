"""A product under many clients: what one has seen, or has been told, nobody may see older again."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from service.writebehind.entry import Product
from service.writebehind.errors import NoSuchProduct, WriteBehindError
from tests.write_path import WritePath


@dataclass
class Watched:
    """One product. Every call is one client's; calls may overlap."""

    path: WritePath
    id: str
    #: The newest version that any finished call was answered.
    newest: int = 0
    #: Versions of reads that were older than what was known when they began.
    stale: list[tuple[int, int]] = field(default_factory=list)
    #: How often each kind of call was answered, and each error.
    answers: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> None:
        before = self.newest
        try:
            version = self.path.read(self.id)["version"]
        except WriteBehindError as error:
            self._count(type(error).__name__ + " of a read")
            if isinstance(error, NoSuchProduct):
                self.stale.append((0, before))
            return
        if version < before:
            self.stale.append((version, before))
        self._learn("read", version)

    def update(self, policy: str) -> None:
        try:
            version = self.path.update(self.id, Product("P", 1.0, 1), policy=policy)["version"]
        except WriteBehindError as error:
            self._count(type(error).__name__ + f" of {policy}")
            return
        self._learn(policy, version)

    def _learn(self, answer: str, version: int) -> None:
        with self._lock:
            self.newest = max(self.newest, version)
        self._count(answer)

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] = self.answers.get(answer, 0) + 1


def for_a_while(seconds: float, *calls: Callable[[], object]) -> None:
    """Make each call again and again, all at once; the first error of one ends the test."""
    ends_at = time.monotonic() + seconds

    def repeat(call: Callable[[], object]) -> None:
        while time.monotonic() < ends_at:
            call()

    with ThreadPoolExecutor(len(calls)) as pool:
        for running in [pool.submit(repeat, call) for call in calls]:
            running.result()


def every(seconds: float, call: Callable[[], object]) -> Callable[[], None]:
    """`call`, at most this often."""
    pause = threading.Event()

    def act() -> None:
        with suppress(TimeoutError):
            call()
        pause.wait(seconds)

    return act
