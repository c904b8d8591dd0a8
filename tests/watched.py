"""A product under many clients. Once a client has seen a version, no later read may show an older one."""

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
    """One product. Each call stands for one client; calls may overlap."""

    path: WritePath
    id: str
    #: The newest version in the answer of any finished call.
    newest: int = 0
    #: Versions that reads returned, if older than what was known when the read began.
    stale: list[tuple[int, int]] = field(default_factory=list)
    #: How often each kind of call got an answer, and each error.
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

    def has(self, number: int, *kinds: str) -> bool:
        """Whether there are at least this many answers of each kind."""
        return all(self.answers.get(kind, 0) >= number for kind in kinds)

    def _learn(self, answer: str, version: int) -> None:
        with self._lock:
            self.newest = max(self.newest, version)
        self._count(answer)

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] = self.answers.get(answer, 0) + 1


def for_a_while(
    seconds: float, *calls: Callable[[], object], enough: Callable[[], bool] = lambda: True
) -> None:
    """Repeat each call in a thread of its own; the first error fails the test. On a busy machine it goes on
    until there is enough."""
    started = time.monotonic()

    def is_over() -> bool:
        elapsed = time.monotonic() - started
        return elapsed > 20 or (elapsed > seconds and enough())

    def repeat(call: Callable[[], object]) -> None:
        while not is_over():
            call()

    with ThreadPoolExecutor(len(calls)) as pool:
        for running in [pool.submit(repeat, call) for call in calls]:
            running.result()
    assert enough(), "too little happened within 20 s"


def every(seconds: float, call: Callable[[], object]) -> Callable[[], None]:
    """`call`, at most once in this many seconds."""
    pause = threading.Event()

    def act() -> None:
        with suppress(TimeoutError):
            call()
        pause.wait(seconds)

    return act
