"""Questions that block, asked from an event loop: each has a thread, and an answer within a time."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from service.lasting import Conditions
from service.live.errors import HistoryUnavailable
from service.writebehind.errors import WriteBehindError

T = TypeVar("T")

#: A server that takes longer counts as down: samples are taken twice a second.
ANSWER_TIMEOUT_S: Final = 0.3


class Asked(Generic[T]):
    """Someone who is asked again and again, and once at a time, however long an answer takes.

    The thread starts with the first question.
    """

    def __init__(self, name: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._questions: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._open: asyncio.Future[T | None] | None = None
        self._conditions = Conditions(logging.getLogger(__name__))

    async def ask(self, question: Callable[[], T]) -> T | None:
        """The answer. None if there is none in time, if an earlier question is still open, or if the question
        raises a `WriteBehindError`."""
        if self._open is not None and not self._open.done():
            return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"live {self._name}", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | None] = loop.create_future()
        self._open = answer
        self._questions.put(lambda: self._answer(question, loop, answer))
        # The answer to a question that took too long is dropped when it comes.
        done, _ = await asyncio.wait({answer}, timeout=self._timeout_s)
        return answer.result() if done else None

    def close(self) -> None:
        """End the thread, once its current question is answered."""
        self._questions.put(None)
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while (question := self._questions.get()) is not None:
            question()

    def _answer(
        self, question: Callable[[], T], loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T | None]"
    ) -> None:
        value: T | None = None
        try:
            value = question()
        except HistoryUnavailable as error:
            # The page just has none: only the log can say why.
            self._conditions.met(self._name, str(error))
        except WriteBehindError:
            # That it does not answer is what the page shows.
            pass
        except Exception as error:  # noqa: BLE001 - the next question must still be asked
            self._conditions.met(self._name, f"the page can't look at {self._name}: {error!r}")
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_deliver, answer, value)


def _deliver(answer: "asyncio.Future[T | None]", value: T | None) -> None:
    if not answer.done():
        answer.set_result(value)
