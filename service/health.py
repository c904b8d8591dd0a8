"""Whether the service can do its work. Its servers are asked beside the requests: one that is frozen must not
hold up who asks."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from service.answers import Health, ServerHealth, WorkerHealth, WritesHealth
from service.writebehind.errors import WriteBehindError
from service.writebehind.overview import View

#: s that an answer may take; then the server counts as not answering.
_ANSWER_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question."""

    #: '' is good.
    ailment: str
    #: What was asked for; None where there is none.
    value: Any = None


_SILENCE: Final = Answer("does not answer")


class Question:
    """One question, asked in a thread of its own and by one at a time, however many want to know."""

    def __init__(self, name: str, ask: Callable[[], object]) -> None:
        """
        Args:
            ask: May raise `WriteBehindError`, and may hang.
        """
        self._name = name
        self._ask = ask
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._answer = _SILENCE
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """Have it asked, unless that is under way."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            # The thread begins in the process that serves, not in one that only loads the application.
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"health {self._name}", daemon=True)
                self._thread.start()

    def answer(self, until: float) -> Answer:
        """The answer, or that there is none until that monotonic time."""
        with self._changed:
            while self._wanted:
                left = until - time.monotonic()
                if left <= 0:
                    return _SILENCE
                self._changed.wait(left)
            return self._answer

    def close(self) -> None:
        """End the thread, once what it asks just now is answered."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not (self._wanted or self._ended):
                    self._changed.wait()
                if self._ended:
                    return
            answer = self._attempt()
            with self._changed:
                self._answer = answer
                self._wanted = False
                self._changed.notify_all()

    def _attempt(self) -> Answer:
        try:
            return Answer("", self._ask())
        except WriteBehindError as error:
            return Answer(str(error))
        except Exception as error:  # noqa: BLE001 - the next question must be asked all the same
            return Answer(f"can't be asked: {error}")


class Checkup:
    """All questions at once, within the time of one."""

    def __init__(self, questions: Mapping[str, Callable[[], object]]) -> None:
        self._questions = {name: Question(name, ask) for name, ask in questions.items()}

    def answers(self) -> dict[str, Answer]:
        """By question, within 0.2 s, whatever hangs."""
        until = time.monotonic() + _ANSWER_SECONDS
        for question in self._questions.values():
            question.want()
        return {name: question.answer(until) for name, question in self._questions.items()}

    def close(self) -> None:
        """End the threads."""
        for question in self._questions.values():
            question.close()


def report(answers: Mapping[str, Answer]) -> tuple[int, Health]:
    """Status and body of /health.

    Down: Redis or PostgreSQL does not answer (503). Degraded: both do, but writes are not taken, or what is
    due does not get done.

    Args:
        answers: Those of `redis`, `postgres` and `path`, whose value is a `View`.
    """
    checks = {name: answers[name] for name in ("redis", "postgres")}
    down = [name for name, answer in checks.items() if answer.ailment and not _is_full(answer.ailment)]
    view: View | None = answers["path"].value
    refusal = _refusal(checks, view)
    details = [f"{' and '.join(down)} down"] if down else []
    details += [refusal] if refusal and not down else []
    details += [view.trouble] if view is not None and view.trouble else []
    # Without a worker writes are still taken: worth knowing, but not a reason to be unhealthy.
    worker = UNSET if view is None else WorkerHealth(view.worker, view.trouble or UNSET)
    body = Health(
        status="down" if down else "degraded" if details else "ok",
        detail="; ".join(details) or UNSET,
        writes=WritesHealth("refused" if refusal else "taken", refusal or UNSET),
        redis=_server(checks["redis"].ailment),
        postgres=_server(checks["postgres"].ailment),
        worker=worker,
    )
    return 503 if down else 200, body


def _refusal(checks: Mapping[str, Answer], view: View | None) -> str:
    """Why writes are not taken; '' where they are."""
    if checks["redis"].ailment:
        return _said("Redis", checks["redis"].ailment)
    if view is None:
        return ""
    if view.write_policy == "write_through" and checks["postgres"].ailment:
        return f"the policy is write-through: {_said('PostgreSQL', checks['postgres'].ailment)}"
    return "the queue is full: PostgreSQL does not keep up" if view.queue_full else ""


def _said(who: str, ailment: str) -> str:
    return ailment if ailment.startswith(who) else f"{who} {ailment}"


def _is_full(ailment: str) -> bool:
    return ailment.startswith("Redis is full")


def _server(ailment: str) -> ServerHealth:
    return ServerHealth("full" if _is_full(ailment) else "down" if ailment else "ok", ailment or UNSET)
