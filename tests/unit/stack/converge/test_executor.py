import threading
from contextlib import closing

import pytest

from stack.converge import executor as crew
from stack.converge.executor import Cancelled, CancelToken, Task
from stack.spec.events import ServiceChanged, StackEvent, StackNoted


def _report(name: str) -> Task:
    return lambda token: token.report(ServiceChanged(name, "healthy"))


def _names(events: list[StackEvent]) -> list[str]:
    return [event.service for event in events if isinstance(event, ServiceChanged)]


def test_dependencies_run_first() -> None:
    tasks = {name: _report(name) for name in ("c", "b", "a")}
    assert _names(list(crew.work(tasks, {"c": ["b"], "b": ["a"]}))) == ["a", "b", "c"]


def test_independent_tasks_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def meet(token: CancelToken) -> None:
        meeting.wait()

    assert list(crew.work({"a": meet, "b": meet}, {})) == []


def test_dependencies_without_a_task_do_not_hold_anybody_up() -> None:
    assert _names(list(crew.work({"b": _report("b")}, {"b": ["a"]}))) == ["b"]


def test_no_tasks() -> None:
    assert list(crew.work({}, {})) == []


def _until_given_up(noticed: threading.Event) -> Task:
    def task(token: CancelToken) -> None:
        token.report(StackNoted("begun"))
        try:
            while True:
                token.raise_if_cancelled()
        except Cancelled:
            noticed.set()
            raise

    return task


def test_the_first_failure_ends_the_others_and_is_raised() -> None:
    noticed = threading.Event()

    def fail(token: CancelToken) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(
            crew.work(
                {"long": _until_given_up(noticed), "bad": fail, "after": _report("x")}, {"after": ["bad"]}
            )
        )
    assert noticed.is_set()


def test_no_task_outlives_a_closed_iterator() -> None:
    noticed = threading.Event()
    with closing(crew.work({"long": _until_given_up(noticed)}, {})) as events:
        assert next(events) == StackNoted("begun")
    assert noticed.is_set()
