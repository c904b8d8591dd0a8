"""Marks on their way: to an API and a Grafana that answer as a test says.

Grafana's part is checked against its documented API: no package of it can be had here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from scenarios.events import FaultInjected, ScenarioFinished, ScenarioStarted, StepStarted
from scenarios.marks import announcer, receivers
from scenarios.marks.announcer import Announcer
from scenarios.marks.courier import Courier
from scenarios.marks.mark import Mark, Marker
from stack.wait import wait_until
from tests.unit.scenarios.scripted_api import Answer, ScriptedApi, hang_up, serving, status

_STARTED = ScenarioStarted("data-loss", "Data loss", "What a crash costs.", 2)
_FIRST = StepStarted(1, "Stop the worker", "labctl worker stop")
_SECOND = StepStarted(2, "Lose <everything>", "redis-cli FLUSHALL")
_FAULT = FaultInjected("redis:flushall", 3.0, (), True)
_FINISHED = ScenarioFinished("data-loss", "expected", "5 writes are lost.", 7.5)


@contextmanager
def _announcing(**receivers: ScriptedApi) -> Iterator[Announcer]:
    urls = {name: receiver.url for name, receiver in receivers.items()}
    with closing(Announcer(urls, "20260131T180000Z-data-loss", "data-loss")) as told:
        yield told


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the last marks may need more than the half second that a run waits for them."""
    monkeypatch.setattr(announcer, "_LAST_MARKS_S", 30.0)


def _until(condition: Callable[[], object]) -> None:
    wait_until(lambda: bool(condition()), seconds=10, reason="it has happened", hint="")


def _kinds(api: ScriptedApi) -> list[str]:
    return [body["kind"] for _, _, _, body in api.asked]


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serving() as api:
        api.answer = status(202, {})
        yield api


def _grafana(number: list[int]) -> Answer:
    """Answers as https://grafana.com/docs/grafana/latest/developers/http_api/annotations/ says."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "POST":
            number[0] += 1
            status(200, {"message": "Annotation added", "id": number[0]})(handler)
        else:
            status(200, {"message": "Annotation patched"})(handler)

    return answer


@pytest.fixture
def grafana() -> Iterator[ScriptedApi]:
    with serving() as grafana:
        grafana.answer = _grafana([0])
        yield grafana


def test_the_api_is_told_all_that_happens_in_order(api: ScriptedApi) -> None:
    with _announcing(api=api) as told:
        for event in (_STARTED, _FIRST, _SECOND, _FAULT, _FINISHED):
            told.on(event)
    assert {(method, path) for method, path, _, _ in api.asked} == {("POST", "/admin/marks")}
    assert _kinds(api) == ["run", "step", "step", "fault", "end"]
    first: dict[str, Any] = api.asked[1][3]
    at = first.pop("at")
    assert abs(at - time.time()) < 10
    assert first == {
        "run": "20260131T180000Z-data-loss",
        "scenario": "data-loss",
        "kind": "step",
        "label": "Stop the worker",
        "detail": "labctl worker stop",
        "number": 1,
        "outcome": None,
        "figures": None,
    }


def test_a_run_that_is_interrupted_is_said_to_be(api: ScriptedApi) -> None:
    with _announcing(api=api) as told:
        told.on(_STARTED)
    assert [(body["kind"], body["outcome"]) for _, _, _, body in api.asked] == [
        ("run", None),
        ("end", "interrupted"),
    ]


def test_grafana_gets_a_region_for_the_run_and_each_step_and_a_point_for_a_fault(
    api: ScriptedApi, grafana: ScriptedApi
) -> None:
    with _announcing(api=api, grafana=grafana) as told:
        for event in (_STARTED, _FIRST, _SECOND, _FAULT, _FINISHED):
            told.on(event)
    asked = [(method, path) for method, path, _, _ in grafana.asked]
    assert asked == [
        ("POST", "/api/annotations"),  # 1: the run
        ("POST", "/api/annotations"),  # 2: the first step
        ("PATCH", "/api/annotations/2"),
        ("POST", "/api/annotations"),  # 3: the second step
        ("POST", "/api/annotations"),  # 4: the fault
        ("PATCH", "/api/annotations/3"),
        ("PATCH", "/api/annotations/1"),
    ]
    bodies = [body for _, _, _, body in grafana.asked]
    assert [body["tags"] for body in bodies if "tags" in body] == [
        ["write-behind", kind, "data-loss"] for kind in ("run", "step", "step", "fault")
    ]
    assert bodies[1]["text"] == "1. Stop the worker\nlabctl worker stop"
    assert bodies[3]["text"] == "2. Lose &lt;everything&gt;\nredis-cli FLUSHALL"
    assert bodies[-1]["text"] == "data-loss: expected\n5 writes are lost."
    # A step ends when the next one begins, and the last one with its run.
    assert bodies[1]["time"] <= bodies[2]["timeEnd"] == bodies[3]["time"]
    assert bodies[5]["timeEnd"] == bodies[6]["timeEnd"]
    assert abs(bodies[0]["time"] / 1000 - time.time()) < 10
    # admin/admin
    assert {headers["Authorization"] for _, _, headers, _ in grafana.asked} == {"Basic YWRtaW46YWRtaW4="}


def test_without_the_number_of_an_annotation_there_is_nothing_to_end(
    api: ScriptedApi, grafana: ScriptedApi
) -> None:
    grafana.answer = status(200, {})
    with _announcing(api=api, grafana=grafana) as told:
        for event in (_STARTED, _FIRST, _FINISHED):
            told.on(event)
    assert [method for method, _, _, _ in grafana.asked] == ["POST", "POST"]


def test_an_annotation_that_someone_deleted_costs_nothing_else(
    api: ScriptedApi, grafana: ScriptedApi
) -> None:
    made = grafana.answer

    def deleted(handler: BaseHTTPRequestHandler) -> None:
        (made if handler.command == "POST" else status(404, {}))(handler)

    grafana.answer = deleted
    with _announcing(api=api, grafana=grafana) as told:
        for event in (_STARTED, _FIRST, _SECOND, _FINISHED):
            told.on(event)
    assert [method for method, _, _, _ in grafana.asked] == [
        "POST",
        "POST",
        "PATCH",
        "POST",
        "PATCH",
        "PATCH",
    ]


def test_marks_wait_for_an_api_that_is_down(api: ScriptedApi) -> None:
    api.answer = hang_up
    with _announcing(api=api) as told:
        told.on(_STARTED)
        told.on(_FIRST)
        _until(lambda: "2 of this run's marks did not reach the lab's page: " in told.problem)
        api.answer = status(503, {})
        _until(lambda: told.problem.endswith("it answered 503"))
        api.answer = status(202, {})
        _until(lambda: not told.problem)
        told.on(_FINISHED)
    # The first attempts are those that failed.
    assert _kinds(api)[-3:] == ["run", "step", "end"]


@pytest.mark.parametrize("code", [401, 403])
def test_who_forbids_it_is_not_asked_again_and_that_is_said(
    api: ScriptedApi, grafana: ScriptedApi, code: int
) -> None:
    grafana.answer = status(code, {"message": "Invalid username or password"})
    with _announcing(api=api, grafana=grafana) as told:
        told.on(_STARTED)
        told.on(_FIRST)
        expected = f"2 of this run's marks did not reach Grafana: it answered {code}"
        _until(lambda: told.problem == expected)
        told.on(_FINISHED)
    assert len(grafana.asked) == 1
    assert _kinds(api) == ["run", "step", "end"]


def test_an_api_without_marks_has_nothing_to_show_them_on(api: ScriptedApi) -> None:
    api.answer = status(404, {})
    with _announcing(api=api) as told:
        told.on(_STARTED)
        _until(lambda: api.asked)
        told.on(_FINISHED)
    assert len(api.asked) == 1
    assert told.problem == ""


def test_a_mark_that_is_refused_does_not_hold_up_the_next(api: ScriptedApi) -> None:
    api.answer = status(422, {})
    with _announcing(api=api) as told:
        told.on(_STARTED)
        _until(lambda: told.problem == "1 of this run's marks did not reach the lab's page: it answered 422")
        api.answer = status(202, {})
        told.on(_FIRST)
        _until(lambda: _kinds(api)[-1] == "step")


def test_who_never_answers_hardly_delays_the_end_and_the_run_by_nothing(
    api: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "_LAST_MARKS_S", 0.1)
    monkeypatch.setattr(receivers, "_API_TIMEOUT_S", 20.0)
    api.answer = api.fall_silent
    began = time.monotonic()
    with _announcing(api=api) as told:
        for number in range(1_000):
            told.on(StepStarted(number, "Again", ""))
        said = told.finish(_FINISHED)
    assert time.monotonic() - began < 10
    assert said.endswith(" of this run's marks did not reach the lab's page: it did not answer in time")


def test_an_end_that_is_not_taken_is_told(api: ScriptedApi) -> None:
    with _announcing(api=api) as told:
        told.on(_STARTED)
        _until(lambda: api.asked and not told.problem)
        api.answer = status(422, {})
        said = told.finish(_FINISHED)
    assert said == "1 of this run's marks did not reach the lab's page: it answered 422"


def test_the_end_is_announced_once(api: ScriptedApi) -> None:
    with _announcing(api=api) as told:
        told.on(_STARTED)
        assert told.finish(_FINISHED) == ""
        told.on(_FINISHED)
    assert _kinds(api) == ["run", "end"]
    assert told.problem == ""


@dataclass(slots=True)
class _Gate:
    """A receiver that takes marks only while it is open."""

    name: str = "the gate"
    taken: list[Mark] = field(default_factory=list)
    open: bool = False

    def deliver(self, mark: Mark) -> None:
        if not self.open:
            raise httpx.ConnectError("closed")
        self.taken.append(mark)

    def close(self) -> None: ...


def test_of_too_many_marks_the_oldest_go() -> None:
    gate = _Gate()
    courier = Courier(gate, kept=3)
    marker = Marker("run", "load")
    for number in range(1, 6):
        mark = marker.mark(StepStarted(number, "Again", ""))
        assert mark is not None
        courier.send(mark)
    _until(lambda: courier.problem == "5 of this run's marks did not reach the gate: closed")
    gate.open = True
    _until(lambda: courier.problem == "2 of this run's marks did not reach the gate: closed")
    courier.close(time.monotonic() + 5)
    assert [mark.number for mark in gate.taken] == [3, 4, 5]
