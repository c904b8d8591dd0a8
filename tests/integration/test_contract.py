"""The HTTP contract, on a running lab: every route, every kind of refusal."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx
import pytest
import redis
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.writebehind import keys
from stack.lab import Lab
from stack.wait import wait_until
from tests.metrics import scrape

WIDGET: dict[str, Any] = {"name": "Widget", "price": 29.99, "quantity": 100}
OPENAPI: dict[str, Any] = json.loads((files("service") / "openapi.json").read_text())


@pytest.fixture
def api(lab: Lab) -> Iterator[httpx.Client]:
    list(lab.up())
    with httpx.Client(base_url=lab.urls()["api"], timeout=10, trust_env=False) as client:
        # What other tests wrote must not be affected by this one.
        settle(client)
        client.delete("/admin/dlq")
        yield client
        client.delete("/admin/dlq")
    with redis.Redis.from_url(lab.urls()["redis"]) as memory:
        # A PATCH back to the old value still overrides the environment.
        memory.delete(keys.CONFIG)


def conforms(answer: httpx.Response, method: str, path: str) -> Any:
    """The answer's JSON, validated against the OpenAPI document."""
    described = OPENAPI["paths"][path][method]["responses"][str(answer.status_code)]
    if "$ref" in described:
        described = OPENAPI["components"]["responses"][described["$ref"].rsplit("/", 1)[1]]
    ((media, content),) = described["content"].items()
    assert answer.headers["content-type"].startswith(media)
    schema = {**content["schema"], "components": OPENAPI["components"]}
    Draft202012Validator(schema).validate(answer.json())
    return answer.json()


def settle(api: httpx.Client) -> None:
    def quiet() -> bool:
        queue = api.get("/admin/queue").json()
        return not (queue["queue_size"] or queue["inflight"] or queue["retrying"])

    wait_until(quiet, seconds=20, reason="the queue is empty", hint="see the worker's log")


def test_the_document_is_openapi_and_names_every_route(api: httpx.Client) -> None:
    validate(OPENAPI)
    assert api.get("/openapi.json").json() == OPENAPI
    assert set(OPENAPI["paths"]) >= {
        "/products", "/products/{id}", "/health", "/metrics",
        "/admin/config", "/admin/queue", "/admin/flush", "/admin/dlq", "/admin/dlq/requeue",
    }  # fmt: skip


def test_create_read_update_delete(api: httpx.Client) -> None:
    created = api.post("/products", json=WIDGET)
    product = conforms(created, "post", "/products")
    assert created.status_code == 201
    assert created.headers["location"] == f"/products/{product['id']}"
    assert product["source"] == "cache"
    assert {key: product[key] for key in WIDGET} == WIDGET
    path = created.headers["location"]

    updated = conforms(api.put(path, json={**WIDGET, "name": "Other"}), "put", "/products/{id}")
    assert updated["version"] > product["version"]
    assert updated["created_at"] == product["created_at"]
    assert conforms(api.get(path), "get", "/products/{id}")["name"] == "Other"

    deleted = api.delete(path)
    assert deleted.status_code == 200
    conforms(deleted, "delete", "/products/{id}")
    for answer, method in (
        (api.get(path), "get"),
        (api.put(path, json=WIDGET), "put"),
        (api.delete(path), "delete"),
    ):
        assert answer.status_code == 404
        conforms(answer, method, "/products/{id}")


def test_a_write_reaches_the_database_within_the_window(api: httpx.Client) -> None:
    path = api.post("/products", json=WIDGET).headers["location"]
    settle(api)
    product_id = path.rsplit("/", 1)[1]
    listed = {p["id"]: p for p in api.get("/products", params={"limit": 1000}).json()["products"]}
    assert listed[product_id]["source"] == "database"


def test_a_header_overrides_the_policy_of_one_write(api: httpx.Client) -> None:
    through = api.post("/products", json=WIDGET, headers={"X-Write-Policy": "write_through"})
    assert through.json()["source"] == "database"
    assert api.post("/products", json=WIDGET).json()["source"] == "cache"
    refused = api.post("/products", json=WIDGET, headers={"X-Write-Policy": "write_around"})
    assert refused.status_code == 400
    conforms(refused, "post", "/products")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (json.dumps({**WIDGET, "name": "x" * 256}).encode(), 422),
        (json.dumps({**WIDGET, "price": "29.99"}).encode(), 422),
        (json.dumps({**WIDGET, "quantity": 2**31}).encode(), 422),
        (json.dumps({"name": "x", "price": 1}).encode(), 422),
        (b" " * 20_000 + json.dumps(WIDGET).encode(), 413),
    ],
)
@pytest.mark.parametrize("method", ["post", "put"])
def test_bad_bodies_get_a_problem_document(api: httpx.Client, body: bytes, status: int, method: str) -> None:
    path = "/products" if method == "post" else "/products/seed-001"
    answer = api.request(method, path, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], bool(problem["detail"])) == (status, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/products/nowhere", 404),
        ("GET", f"/products/{'x' * 37}", 422),
        ("GET", "/products/a%3Ab", 422),
        ("GET", "/products?limit=0", 422),
        ("GET", "/products?limit=9999999999", 422),
        ("GET", "/products?limit=ten", 422),
        ("GET", "/no/such/route", 404),
        ("POST", "/products/seed-001", 405),
        ("PATCH", "/products", 405),
    ],
)
def test_bad_requests_get_a_problem_document(api: httpx.Client, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_health_names_both_parts(api: httpx.Client) -> None:
    answer = api.get("/health")
    assert answer.status_code == 200
    body = conforms(answer, "get", "/health")
    assert (body["status"], body["redis"]["status"], body["postgres"]["status"]) == ("ok", "ok", "ok")


@pytest.mark.parametrize("part", ["redis", "postgres"])
def test_health_names_the_part_that_is_down_and_recovers(lab: Lab, api: httpx.Client, part: str) -> None:
    list(lab.kill(part))
    try:
        answer = api.get("/health")
        assert answer.status_code == 503
        assert part in answer.json()["detail"]
        if part == "redis":

            def refused() -> bool:
                answer = api.post("/products", json=WIDGET)
                # 504: it was sent on a connection that Redis had already cut, so the outcome is unknown.
                assert answer.status_code in (503, 504)
                return answer.status_code == 503 and bool(answer.headers["retry-after"])

            wait_until(refused, seconds=20, reason="a write is refused", hint="")
        else:
            assert api.post("/products", json=WIDGET).status_code == 201
    finally:
        list(lab.up())
    wait_until(
        lambda: api.get("/health").status_code == 200, seconds=20, reason="healthy again", hint="see the log"
    )
    settle(api)


def test_settings_change_live_and_the_worker_obeys(api: httpx.Client) -> None:
    before = conforms(api.get("/admin/config"), "get", "/admin/config")
    try:
        changed = api.patch(
            "/admin/config", json={"simulate_db_failure": True, "failure_rate": 1, "max_retries": 0}
        )
        assert conforms(changed, "patch", "/admin/config")["simulate_db_failure"] is True
        product = api.post("/products", json=WIDGET).json()

        def dead() -> bool:
            return any(letter["id"] == product["id"] for letter in api.get("/admin/dlq").json()["items"])

        wait_until(dead, seconds=20, reason="the write is dead-lettered", hint="see the worker's log")
        conforms(api.get("/admin/dlq"), "get", "/admin/dlq")
        assert api.get(f"/products/{product['id']}").status_code == 404
    finally:
        api.patch("/admin/config", json={name: before[name] for name in before if name != "queue_size"})
    answer = api.post("/admin/dlq/requeue")
    assert conforms(answer, "post", "/admin/dlq/requeue")["requeued"] == 1
    settle(api)
    assert api.get(f"/products/{product['id']}").json()["version"] == product["version"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"batch_size": 0}', 422),
        (b'{"nonsense": 1}', 422),
        (b'{"redis_url": ""}', 422),
    ],
)
def test_bad_settings_change_nothing(api: httpx.Client, body: bytes, status: int) -> None:
    before = api.get("/admin/config").json()
    answer = api.patch("/admin/config", content=body)
    assert answer.status_code == status
    conforms(answer, "patch", "/admin/config")
    assert api.get("/admin/config").json() == before


def test_flush_does_not_wait_for_the_window(api: httpx.Client) -> None:
    api.patch("/admin/config", json={"coalescing_window_ms": 600_000})
    try:
        api.post("/products", json=WIDGET)
        state = conforms(api.get("/admin/queue"), "get", "/admin/queue")
        assert state["queue_size"] >= 1
        assert state["items"]
        conforms(api.post("/admin/flush"), "post", "/admin/flush")
        settle(api)
    finally:
        api.patch("/admin/config", json={"coalescing_window_ms": 500})


def test_metrics_agree_with_the_queue_whichever_process_answers(api: httpx.Client) -> None:
    settle(api)
    port = int(str(api.base_url).rpartition(":")[2])
    before, queue = scrape(port), api.get("/admin/queue").json()["totals"]
    for _ in range(10):
        api.post("/products", json=WIDGET)
    settle(api)
    counted = {name: count - queue[name] for name, count in api.get("/admin/queue").json()["totals"].items()}
    assert counted["accepted"] == 10
    for _ in range(8):
        after = scrape(port)
        for name in ("accepted", "persisted", "rows_written", "batches", "written_through"):
            total = f"write_behind_{name}_total"
            assert after.value(total) - before.value(total) == counted[name]
        assert after.value("write_behind_queue_size") == 0


def test_an_unreachable_database_makes_only_what_needs_it_fail(lab: Lab, api: httpx.Client) -> None:
    cached = api.post("/products", json=WIDGET).json()
    list(lab.kill("postgres"))
    try:
        assert api.get(f"/products/{cached['id']}").status_code == 200
        missing = api.get("/products/not-cached")
        assert missing.status_code == 503
        assert missing.headers["content-type"] == "application/problem+json"
        through = api.post("/products", json=WIDGET, headers={"X-Write-Policy": "write_through"})
        assert through.status_code in (503, 504)
    finally:
        list(lab.up())
    settle(api)
