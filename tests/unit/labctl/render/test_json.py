"""One scripted run, or several, as one JSON document."""

import io
import json
from dataclasses import replace

import pytest

from labctl.render.json import JsonRenderer
from scenarios.events import (
    Event,
    ScenarioFinished,
)
from tests.unit.labctl.scripted import DATA_LOSS, KILLED, SAMPLE


def _shown(*events: Event) -> str:
    out = io.StringIO()
    renderer = JsonRenderer(out)
    for event in events:
        renderer.on(event)
    renderer.close()
    return out.getvalue()


def test_json_is_one_document() -> None:
    document = json.loads(_shown(*DATA_LOSS[:2], SAMPLE, *DATA_LOSS[2:]))
    assert document["schema"] == 2
    assert (document["scenario"], document["outcome"]) == ("data-loss", "unexpected")
    assert document["measured"]["queue"] == {"label": "queue size", "value": 5, "unit": "writes"}
    assert [check["passed"] for check in document["checks"]] == [True, False]
    assert document["verdict"]["fates"]["lost"] == 5
    assert document["steps"][0]["notes"][:2] == ["worker: stopping", "worker: stopped"]
    assert document["samples"][0]["queue_size"] == 321


def test_json_of_several_runs_is_one_document_with_the_worst_outcome() -> None:
    good = (*DATA_LOSS[:-1], ScenarioFinished("data-loss", "expected", "", 1.0))
    document = json.loads(_shown(*good, *DATA_LOSS, *good))
    assert document["outcome"] == "unexpected"
    assert [run["outcome"] for run in document["runs"]] == ["expected", "unexpected", "expected"]


def test_json_of_an_interrupted_run_is_nothing() -> None:
    assert _shown(*DATA_LOSS[:-1]) == ""


def test_what_is_no_number_is_null_in_json() -> None:
    text = _shown(DATA_LOSS[0], replace(SAMPLE, p99_ms=float("nan")), *DATA_LOSS[1:])
    assert json.loads(text, parse_constant=pytest.fail)["samples"][0]["p99_ms"] is None


def test_a_fault_is_in_the_document() -> None:
    (fault,) = json.loads(_shown(*DATA_LOSS[:-1], KILLED, DATA_LOSS[-1]))["faults"]
    assert fault["fault"] == "redis:kill@5s"
    assert fault["proofs"][0] == {"what": "process", "before": "pid 12", "after": "gone"}
    assert (fault["bit"], fault["at"]) == (True, 5.1)
