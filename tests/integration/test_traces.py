"""Traces of the API's and the worker's own processes, as a collector receives them."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from service.traces.store import TraceStore
from stack.wait import wait_until
from tests.api_process import running_api
from tests.collector import Collector, collecting, plain
from tests.documented_traces import documented_spans
from tests.servers import Servers
from tests.traced import CALLER, Traced
from tests.worker_process import running_worker

WIDGET = {"name": "Widget", "price": 9.99, "quantity": 1}
#: The port of an API, the collector that it exports to, and its settings.
Exporting = tuple[int, Collector, dict[str, object]]


@pytest.fixture(scope="module")
def exporting(_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporting]:
    with ExitStack() as stack:
        collector = stack.enter_context(collecting())
        settings: dict[str, object] = {
            "otel_exporter_otlp_endpoint": collector.url, "coalescing_window_ms": 200, "retry_delay_ms": 1,
            "lease_ms": 300, "max_retries": 1, "telemetry_dir": str(tmp_path_factory.mktemp("telemetry")),
            "api_processes": 1,
        }  # fmt: skip
        own = {**settings, "otel_service_name": "write-behind-api"}
        api = stack.enter_context(running_api(_servers, Path(os.devnull), **own))
        yield api.port, collector, settings


@pytest.fixture
def traced(exporting: Exporting, servers: Servers) -> Iterator[Traced]:
    port, collector, settings = exporting
    collector.spans.clear()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
        yield Traced(http, collector, settings, servers)


@pytest.fixture
def worker(traced: Traced) -> Iterator[None]:
    with running_worker(traced.servers.settings(**traced.settings, otel_service_name="write-behind-worker")):
        yield


@pytest.mark.usefixtures("worker")
def test_a_write_from_its_request_to_its_row(traced: Traced) -> None:
    answer, trace = traced.send("POST", "/products", json=WIDGET)
    product = answer.json()
    request = traced.request_span(trace)
    assert (request.name, request.parent_span_id) == ("POST /products", CALLER)
    assert request.trace_state == "vendor=value"
    told = plain(request.attributes)
    expected = {
        "http.request.method": "POST",
        "http.route": "/products",
        "http.response.status_code": 201,
        "url.path": "/products",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "lab.product.id": product["id"],
        "lab.write.version": product["version"],
        "lab.write.operation": "create",
        "lab.write.policy": "write_behind",
        "lab.write.coalesced": False,
    }
    assert expected.items() <= told.items()
    script = traced.children(request)["EVALSHA write"]
    assert script.kind == Span.SPAN_KIND_CLIENT
    assert plain(script.attributes) == {
        "db.system.name": "redis",
        "db.operation.name": "EVALSHA",
        "db.stored_procedure.name": "write",
    }
    assert traced.children(request)["enqueue write-behind"].kind == Span.SPAN_KIND_PRODUCER

    flush, link = traced.flush_of(trace)
    names = ("lab.product.id", "lab.write.version")
    assert [link[name] for name in names] == [product["id"], product["version"]]
    assert next(each for each in flush.links).span_id == request.span_id
    assert plain(flush.attributes)["lab.flush.rows"] == 1
    assert "lab.worker.name" in plain(flush.attributes)
    (job,) = traced.collector.wait_for("rq.job flush", of=flush.trace_id)
    assert (flush.parent_span_id, job.parent_span_id) == (job.span_id, b"")
    assert plain(job.attributes)["messaging.system"] == "rq"
    parts = traced.children(flush)
    assert set(parts) == {"claim", "upsert products", "ack"}
    upsert = parts["upsert products"]
    assert {
        "db.system.name": "postgresql",
        "db.operation.name": "upsert",
        "db.collection.name": "products",
    }.items() <= plain(upsert.attributes).items()
    assert parts["claim"].end_time_unix_nano <= upsert.start_time_unix_nano
    assert upsert.end_time_unix_nano <= parts["ack"].start_time_unix_nano
    assert upsert.end_time_unix_nano // 1000 <= link["lab.write.committed_us"]
    assert set(traced.children(parts["ack"])) == {"EVALSHA ack"}
    assert {name for name, _ in traced.collector.spans} == {"write-behind-api", "write-behind-worker"}


@pytest.mark.usefixtures("worker")
def test_latencies_lead_to_traces(traced: Traced) -> None:
    _, trace = traced.send("POST", "/products", json=WIDGET)
    traced.flush_of(trace)
    accept = {"Accept": "application/openmetrics-text"}
    exposed = traced.http.get("/metrics", headers=accept).text
    assert f'# {{trace_id="{trace.hex()}"}}' in exposed


@pytest.mark.usefixtures("worker")
def test_of_coalesced_writes_the_last_is_linked_and_tells_whom_it_superseded(traced: Traced) -> None:
    first, first_trace = traced.send("POST", "/products", json=WIDGET)
    path = f"/products/{first.json()['id']}"
    _, last_trace = traced.send("PUT", path, json=WIDGET)
    flush, _ = traced.flush_of(last_trace)
    assert [link.trace_id for link in flush.links] == [last_trace]
    older, newer = traced.request_span(first_trace), traced.request_span(last_trace)
    assert newer.name == "PUT /products/{id}"
    assert plain(newer.attributes)["lab.write.coalesced"] is True
    (event,) = newer.events
    assert event.name == "superseded"
    assert plain(event.attributes) == {
        "lab.superseded.version": first.json()["version"],
        "lab.superseded.traceparent": f"00-{first_trace.hex()}-{older.span_id.hex()}-01",
    }


@pytest.mark.usefixtures("worker")
def test_a_retry_a_dead_letter_and_its_return_are_told(traced: Traced) -> None:
    failing = {"simulate_db_failure": True, "failure_rate": 1.0}
    assert traced.http.patch("/admin/config", json=failing).status_code == 200
    answer, trace = traced.send("POST", "/products", json=WIDGET)

    def events() -> list[tuple[str, dict[str, Any]]]:
        flushes = sorted(traced.collector.named("flush"), key=lambda span: span.start_time_unix_nano)
        return [(event.name, plain(event.attributes)) for span in flushes for event in span.events]

    wait_until(lambda: len(events()) == 2, seconds=60, reason="both attempts are told", hint="")
    request = traced.request_span(trace)
    told = {
        "lab.product.id": answer.json()["id"],
        "lab.write.version": answer.json()["version"],
        "lab.write.traceparent": f"00-{trace.hex()}-{request.span_id.hex()}-01",
        "error.type": "simulated",
        "exception.message": "simulated database failure",
    }
    assert events() == [("retry", {**told, "lab.attempt": 1}), ("dead_letter", {**told, "lab.attempt": 2})]
    traced.http.patch("/admin/config", json={"simulate_db_failure": False})
    assert traced.http.post("/admin/dlq/requeue").json()["requeued"] == 1
    _, link = traced.flush_of(trace)
    assert link["lab.write.version"] == answer.json()["version"]
    life = traced.http.get(f"/products/{answer.json()['id']}/life").json()
    assert life["now"]["dead_lettered"] is False


def test_a_write_that_a_killed_worker_had_claimed_is_linked_by_its_successor(traced: Traced) -> None:
    settings = traced.servers.settings(**traced.settings, otel_service_name="worker")
    with (
        psycopg.connect(traced.servers.database_url) as holder,
        running_worker(settings) as killed,
    ):
        holder.execute("LOCK TABLE products IN EXCLUSIVE MODE")
        _, trace = traced.send("POST", "/products", json=WIDGET)
        wait_until(
            lambda: traced.http.get("/admin/queue").json()["inflight"] == 1,
            seconds=60,
            reason="the worker has claimed it",
            hint="",
        )
        os.kill(killed, signal.SIGKILL)
        holder.rollback()
    assert traced.collector.named("flush") == []
    with running_worker(settings):
        flush, _ = traced.flush_of(trace)
        assert set(traced.children(flush)) == {"claim", "upsert products", "ack"}


def test_a_write_through_has_both_databases_below_it(traced: Traced) -> None:
    headers = {"X-Write-Policy": "write_through"}
    _, trace = traced.send("POST", "/products", json=WIDGET, headers=headers)
    request = traced.request_span(trace)
    assert plain(request.attributes)["lab.write.policy"] == "write_through"
    assert set(traced.children(request)) == {"EVALSHA begin", "upsert products", "EVALSHA settle"}


def test_a_refused_write_has_its_reason(traced: Traced) -> None:
    _, trace = traced.send("PUT", "/products/none", json=WIDGET)
    request = traced.request_span(trace)
    told = plain(request.attributes)
    assert (told["http.response.status_code"], told["lab.product.id"]) == (404, "none")
    # As semantic conventions have it, the server did not fail.
    assert request.status.code == 0
    assert "lab.write.version" not in told


@pytest.mark.usefixtures("worker")
def test_what_asks_for_no_trace_leaves_none(traced: Traced) -> None:
    traced.http.post("/products", json=WIDGET)
    refused = {"traceparent": f"00-{os.urandom(16).hex()}-{CALLER.hex()}-00"}
    traced.http.post("/products", json=WIDGET, headers=refused)
    answer, trace = traced.send("POST", "/products", json=WIDGET)
    flush, _ = traced.flush_of(trace)
    assert len(flush.links) == 1
    assert [span.trace_id for span in traced.collector.named("POST /products")] == [trace]
    newest = traced.http.get(f"/traces?product={answer.json()['id']}").json()["writes"]
    assert [span["trace_id"] for span in newest] == [trace.hex()]


def test_the_last_spans_of_a_server_process_are_kept(servers: Servers, tmp_path: Path) -> None:
    trace = os.urandom(16).hex()
    with running_api(servers, telemetry_dir=str(tmp_path), api_processes=1) as api:
        headers = {"traceparent": f"00-{trace}-{CALLER.hex()}-01"}
        httpx.get(f"http://127.0.0.1:{api.port}/products", headers=headers, timeout=60, trust_env=False)
        os.kill(api.main, signal.SIGTERM)
        api.ended(seconds=60)
    with closing(TraceStore(tmp_path)) as store:
        spans, _ = store.trace(trace)
        assert "GET /products" in [span.name for span in spans]


@pytest.mark.usefixtures("worker")
def test_the_docs_name_every_span_with_its_attributes(traced: Traced) -> None:
    _, trace = traced.send("POST", "/products?why=not", json=WIDGET)
    traced.send("POST", "/products", json=WIDGET, headers={"X-Write-Policy": "write_through"})
    traced.send("PUT", "/products/none", json=WIDGET)
    traced.send("GET", "/products")
    flush, _ = traced.flush_of(trace)
    traced.collector.wait_for("rq.job flush", of=flush.trace_id)
    traced.collector.wait_for("GET /products")
    documented = documented_spans()
    seen = set()
    for _, span in traced.collector.spans:
        name = "POST /products" if span.kind == Span.SPAN_KIND_SERVER else span.name
        row = documented["EVALSHA write" if name.startswith("EVALSHA ") else name]
        seen.add(row)
        assert set(plain(span.attributes)) <= row.attributes, span.name
        assert Span.SpanKind.Name(span.kind).endswith(f"_{row.kind.upper()}")
    # What takes a row that PostgreSQL refuses is not in this test.
    assert seen == set(documented.values()) - {documented["rehearse products"]}


def test_a_row_that_postgres_refuses_is_told(traced: Traced) -> None:
    settings = traced.servers.settings(**traced.settings, otel_service_name="worker")
    with psycopg.connect(traced.servers.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE products ADD CONSTRAINT odd CHECK (name <> 'Refused')")
        try:
            with running_worker(settings):
                good, good_trace = traced.send("POST", "/products", json=WIDGET)
                _, trace = traced.send("POST", "/products", json={**WIDGET, "name": "Refused"})
                traced.flush_of(good_trace)
                traced.collector.wait_for("rehearse products")
                wait_until(
                    lambda: any(each.events for each in traced.collector.named("flush")),
                    seconds=60,
                    reason="the dead letter is told",
                    hint="",
                )
        finally:
            connection.execute("ALTER TABLE products DROP CONSTRAINT odd")
    (event,) = [event for span in traced.collector.named("flush") for event in span.events]
    told = plain(event.attributes)
    assert (event.name, told["error.type"]) == ("dead_letter", "23514")
    assert trace.hex() in told["lab.write.traceparent"]
    assert told["lab.product.id"] != good.json()["id"]
