"""Whether the service can do its work. Redis and PostgreSQL are asked from separate threads, so that
a frozen server does not hold up /health."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from service.answers import Health, ServerHealth, WorkerHealth, WritesHealth
from service.writebehind.errors import WriteBehindError
from service.writebehind.overview import View

#: How long an answer may take; after that the server counts as not answering.
_ANSWER_TIMEOUT_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question."""

    #: Why there is none, or what is wrong; empty if all is well.
    failure: str
    #: What was asked for; None if there is no answer.
    value: Any = None


_SILENCE: Final = Answer("does not answer")


class Question:
    """One question, asked in its own thread, and once at a time however many requests want the answer."""

    def __init__(self, name: str, ask: Callable[[], object], every: float | None = None) -> None:
        """
        Args:
            ask: May raise `WriteBehindError`, and may hang.
            every: How often, in s, to ask even if no request wants the answer; None asks only on request.
        """
        self._every = every
        self._name = name
        self._ask = ask
        self._changed = threading.Condition()
        self._wanted = self._ended = False
        self._answer = _SILENCE
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """Ask, unless that is already under way."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            # Start the thread in the process that serves, not in one that only loads the application.
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"asks {self._name}", daemon=True)
                self._thread.start()

    def answer(self, until: float) -> Answer:
        """The answer, or "does not answer" if there is none by that monotonic time."""
        with self._changed:
            while self._wanted:
                left = until - time.monotonic()
                if left <= 0:
                    return _SILENCE
                self._changed.wait(left)
            return self._answer

    def close(self) -> None:
        """End the thread, once its current question is answered."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not (self._wanted or self._ended) and self._changed.wait(self._every):
                    pass
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
        except Exception as error:  # noqa: BLE001 - the next question must still be asked
            return Answer(f"can't be asked: {error}")


class Checkup:
    """All questions at once, in the time of one."""

    def __init__(self, questions: Mapping[str, Callable[[], object]]) -> None:
        self._questions = {name: Question(name, ask) for name, ask in questions.items()}

    def answers(self) -> dict[str, Answer]:
        """The answers by question, within 0.2 s even if a server hangs."""
        until = time.monotonic() + _ANSWER_TIMEOUT_S
        for question in self._questions.values():
            question.want()
        return {name: question.answer(until) for name, question in self._questions.items()}

    def close(self) -> None:
        """End the threads."""
        for question in self._questions.values():
            question.close()


def report(answers: Mapping[str, Answer]) -> tuple[int, Health]:
    """Status and body of /health.

    Down: Redis or PostgreSQL does not answer (503). Degraded: both do, but writes are refused, or writes that
    are due do not reach PostgreSQL.

    Args:
        answers: By question: `redis`, `postgres`, and `path`, whose value is a `View`.
    """
    checks = {name: answers[name] for name in ("redis", "postgres")}
    down = [name for name, answer in checks.items() if answer.failure and not _is_full(answer.failure)]
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
        redis=_server(checks["redis"].failure),
        postgres=_server(checks["postgres"].failure),
        worker=worker,
    )
    return 503 if down else 200, body


def _refusal(checks: Mapping[str, Answer], view: View | None) -> str:
    """Why writes are refused; empty if they are taken."""
    if checks["redis"].failure:
        return _with_subject("Redis", checks["redis"].failure)
    if view is None:
        return ""
    if view.write_policy == "write_through" and checks["postgres"].failure:
        return f"the policy is write-through: {_with_subject('PostgreSQL', checks['postgres'].failure)}"
    return "the queue is full: PostgreSQL does not keep up" if view.queue_full else ""


def _with_subject(who: str, failure: str) -> str:
    return failure if failure.startswith(who) else f"{who} {failure}"


def _is_full(failure: str) -> bool:
    return failure.startswith("Redis is full")


def _server(failure: str) -> ServerHealth:
    return ServerHealth("full" if _is_full(failure) else "down" if failure else "ok", failure or UNSET)
