"""Traces of a whole lab, on both runtimes: what the store tells of a write's life."""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from stack.lab import Lab
from stack.wait import wait_until
from tests.spans import trace_id

WIDGET = {"name": "Widget", "price": 9.99, "quantity": 1}


@pytest.fixture
def http(lab: Lab) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=lab.urls()["api"], timeout=60, trust_env=False) as client:
        yield client


def write(http: httpx.Client, method: str = "POST", path: str = "/products") -> tuple[dict[str, Any], str]:
    """Make a traced write; return the product and the trace's id."""
    trace = os.urandom(16).hex()
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = http.request(method, path, json=WIDGET, headers=headers)
    assert answer.is_success, answer.text
    return answer.json(), trace


def wait_for_life(http: httpx.Client, product: str, *outcomes: str) -> list[dict[str, Any]]:
    """Wait until a product's writes have these outcomes, and return them."""
    told: list[dict[str, Any]] = []

    def come() -> bool:
        told[:] = http.get(f"/products/{product}/life").json()["writes"]
        return tuple(each["outcome"] for each in told) == outcomes

    wait_until(come, seconds=60, reason=f"the writes are {outcomes}", hint=str(told))
    return told


def test_the_life_of_a_product(lab: Lab, http: httpx.Client) -> None:
    first, first_trace = write(http)
    product = first["id"]
    second, second_trace = write(http, "PUT", f"/products/{product}")
    wait_until(
        lambda: bool(http.get(f"/traces/{second_trace}").json().get("linked")),
        seconds=60,
        reason="the flush is linked",
        hint="labctl logs worker",
    )
    older, newer = wait_for_life(http, product, "superseded", "persisted")
    assert (older["version"], older["superseded_by"]) == (first["version"], second["version"])
    assert older["trace_id"] == first_trace
    assert newer["acknowledged_at_us"] <= newer["claimed_at_us"] <= newer["committed_at_us"]
    assert newer["worker"]

    answer = http.get(f"/traces/{second_trace}").json()
    assert {span["trace_id"] for span in answer["spans"]} == {second_trace}
    assert {"PUT /products/{id}", "EVALSHA write"} == {span["name"] for span in answer["spans"]}
    assert {"flush", "claim", "upsert products", "ack"} <= {span["name"] for span in answer["linked"]}
    assert {span["service"] for span in answer["spans"] + answer["linked"]} == {
        "write-behind-api",
        "write-behind-worker",
    }


def test_a_lost_write_is_told_from_traces_that_redis_did_not_hold(lab: Lab, http: httpx.Client) -> None:
    list(lab.stop("worker"))
    product, _ = write(http)
    (accepted,) = wait_for_life(http, product["id"], "accepted")
    with redis.Redis.from_url(lab.urls()["redis"]) as client:
        client.flushall()
    (lost,) = wait_for_life(http, product["id"], "lost")
    assert {**accepted, "outcome": "lost"} == lost
    list(lab.start("worker"))


def test_any_exporter_may_send_spans(lab: Lab, http: httpx.Client) -> None:
    trace = os.urandom(16).hex()
    span = {
        "traceId": trace, "spanId": "b7ad6b7169203331", "name": "POST /products", "kind": 3,
        "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
    }  # fmt: skip
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert http.post("/v1/traces", json=body).json() == {}
    (kept,) = http.get(f"/traces/{trace}").json()["spans"]
    assert (kept["kind"], kept["start_us"]) == ("client", 1544712660000000)
    assert http.get(f"/traces/{trace_id(7)}").status_code == 404
    too_long = http.post("/v1/traces", content=bytes(5_000_000), headers={"Content-Type": "application/json"})
    assert (too_long.status_code, list(too_long.json())) == (413, ["message"])
