"""Whether the service can do its work. Redis and PostgreSQL are asked in threads of their own: a frozen one
must not hold up the caller."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.writebehind.errors import WriteBehindError
from service.writebehind.overview import View

#: A server that takes longer counts as not answering.
_ANSWER_TIMEOUT_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question."""

    #: What is wrong; '' if all is well.
    problem: str
    #: What was asked for; None if there is no answer.
    value: Any = None


_SILENCE: Final = Answer("does not answer")


class Question:
    """One question, asked in a thread of its own, one at a time however many callers wait."""

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
        """Have it asked, unless it is being asked already."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()
            # Start the thread in the process that serves, not in one that only loads the application.
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"health {self._name}", daemon=True)
                self._thread.start()

    def answer(self, until: float) -> Answer:
        """The answer, or "does not answer" if there is none by `until` (monotonic time, s)."""
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
        except Exception as error:  # noqa: BLE001 - the thread must live to ask the next question
            return Answer(f"can't be asked: {error}")


class Checkup:
    """All questions at once, in the time of one."""

    def __init__(self, questions: Mapping[str, Callable[[], object]]) -> None:
        self._questions = {name: Question(name, ask) for name, ask in questions.items()}

    def answers(self) -> dict[str, Answer]:
        """The answers by question, within 0.2 s whatever hangs."""
        until = time.monotonic() + _ANSWER_TIMEOUT_S
        for question in self._questions.values():
            question.want()
        return {name: question.answer(until) for name, question in self._questions.items()}

    def close(self) -> None:
        """End the threads."""
        for question in self._questions.values():
            question.close()


def report(answers: Mapping[str, Answer]) -> tuple[int, dict[str, object]]:
    """Status and body of /health.

    Down (503): Redis or PostgreSQL does not answer. Degraded (200): both do, but writes are not taken, or due
    writes are not flushed.

    Args:
        answers: Answers by `redis`, `postgres` and `path`; the value of the last is a `View`.
    """
    checks = {name: answers[name] for name in ("redis", "postgres")}
    down = [name for name, answer in checks.items() if answer.problem and not _is_full(answer.problem)]
    view: View | None = answers["path"].value
    refusal = _refusal(checks, view)
    details = [f"{' and '.join(down)} down"] if down else []
    details += [refusal] if refusal and not down else []
    details += [view.trouble] if view is not None and view.trouble else []
    body: dict[str, object] = {
        "status": "down" if down else "degraded" if details else "ok",
        **({"detail": "; ".join(details)} if details else {}),
        "writes": _status("refused" if refusal else "taken", refusal),
        **{name: _status(_word(answer.problem), answer.problem) for name, answer in checks.items()},
    }
    if view is not None:
        # Without a worker, writes are still taken: worth knowing, but not unhealthy.
        body["worker"] = _status(view.worker, view.trouble)
    return 503 if down else 200, body


def _refusal(checks: Mapping[str, Answer], view: View | None) -> str:
    """Why writes are not taken; '' if they are."""
    if checks["redis"].problem:
        return _sentence("Redis", checks["redis"].problem)
    if view is None:
        return ""
    if view.write_policy == "write_through" and checks["postgres"].problem:
        return f"the policy is write-through: {_sentence('PostgreSQL', checks['postgres'].problem)}"
    return "the queue is full: PostgreSQL does not keep up" if view.queue_full else ""


def _sentence(who: str, problem: str) -> str:
    return problem if problem.startswith(who) else f"{who} {problem}"


def _is_full(problem: str) -> bool:
    return problem.startswith("Redis is full")


def _word(problem: str) -> str:
    return "full" if _is_full(problem) else "down" if problem else "ok"


def _status(status: str, detail: str) -> dict[str, str]:
    return {"status": status, "detail": detail} if detail else {"status": status}
