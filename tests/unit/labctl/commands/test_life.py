"""trace and explain, against an API that answers as a test says."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scenarios.journal import files
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from service.traces.life import Now
from tests.journals import write_journal
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.histories import acknowledged, row
from tests.unit.scenarios.life.spans import FLUSHED, REQUEST, TRACE
from tests.unit.scenarios.scripted_api import Answer, ScriptedApi, serving, status

_PLAIN = {"product_id": "p", "writes": [], "now": msgspec.to_builtins(Now(row_version=7)), "unread": []}


@pytest.fixture
def api(cli: Cli) -> Iterator[ScriptedApi]:
    with serving() as api:
        cli.lab.api = api.url
        yield api


def _routes(answers: dict[str, Any]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer each path as said, and 404 elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        known = handler.path in answers
        content = answers[handler.path] if known else {"title": "Not Found", "detail": "no such trace"}
        status(200 if known else 404, json.loads(msgspec.json.encode(content)))(handler)

    return answer


_TRACE = {"trace_id": TRACE, "spans": REQUEST, "linked": FLUSHED}
_NEWEST = {"writes": REQUEST[1:2]}


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("last", "/traces?limit=1"),
        ("p", "/traces?limit=1&product=p"),
        (TRACE, f"/traces/{TRACE}"),
    ],
)
def test_a_write_is_found_by_product_by_trace_or_as_the_last(
    cli: Cli, api: ScriptedApi, word: str, path: str
) -> None:
    answers = {"/traces?limit=1": _NEWEST, "/traces?limit=1&product=p": _NEWEST, f"/traces/{TRACE}": _TRACE}
    api.answer = _routes(answers)
    code, out, _ = cli("trace", word)
    assert code == 0
    assert out.startswith("Create of p, version 7, at ")
    assert f"(trace {TRACE})" in out
    assert "waits in the queue" in out
    assert api.asked[0][1] == path


def test_a_trace_as_json(cli: Cli, api: ScriptedApi) -> None:
    api.answer = _routes({f"/traces/{TRACE}": _TRACE})
    code, out, _ = cli("trace", TRACE, "--json")
    assert (code, json.loads(out)["schema"], len(json.loads(out)["spans"])) == (0, 1, 3)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("last", "no write was traced yet"),
        ("p", "no write of p was traced, or its trace is too old"),
        ("0" * 32, "the API answered 404: no such trace"),
    ],
)
def test_nothing_was_traced(cli: Cli, api: ScriptedApi, word: str, message: str) -> None:
    api.answer = _routes({"/traces?limit=1": {"writes": []}, "/traces?limit=1&product=p": {"writes": []}})
    code, _, err = cli("trace", word)
    assert code == 2
    assert message in err
    assert "what to do:" in err


def test_a_trace_of_a_lab_that_is_down(cli: Cli) -> None:
    cli.lab.is_up = False
    code, _, err = cli("trace")
    assert (code, "is not running" in err) == (4, True)


def test_a_flush_that_is_not_known_yet(cli: Cli, api: ScriptedApi) -> None:
    api.answer = _routes({f"/traces/{TRACE}": {**_TRACE, "linked": []}})
    _, out, _ = cli("trace", TRACE)
    assert out.endswith("its spans have not arrived yet. `labctl explain p` tells what is known.\n")


def _record(cli: Cli) -> None:
    folder = cli.lab.directory.parent / files.FOLDER
    folder.mkdir(parents=True)
    writes = [acknowledged("p", 7, at=(2.0, 2.001)), acknowledged("q", 8, at=(2.0, 2.001))]
    write_journal(folder, History(writes=writes), Findings(rows={"p": row(7)}, since=1))


def test_a_product_is_explained_from_journal_and_lab(cli: Cli, api: ScriptedApi) -> None:
    _record(cli)
    api.answer = _routes({"/products/p/life": _PLAIN})
    code, out, _ = cli("explain", "p")
    assert code == 0
    assert out.startswith("p: 1 write known. The run is 20260101T120000Z-data-loss.\n\n  Version 1 (7), an ")
    assert "It is in PostgreSQL; when it got there was not seen." in out
    assert out.endswith("told from the journal alone: not traced, or the trace is too old.\n")


def test_a_product_is_explained_while_the_lab_is_down(cli: Cli) -> None:
    _record(cli)
    cli.lab.is_up = False
    code, out, _ = cli("explain", "q", "--json")
    document = json.loads(out)
    assert code == 0
    assert [told["fate"] for told in document["writes"]] == ["lost"]
    assert document["end"][-1].startswith("The lab lab42 is not running, so there are no traces")


def test_a_product_that_no_run_wrote(cli: Cli, api: ScriptedApi) -> None:
    _record(cli)
    api.answer = _routes({"/products/seed-001/life": {**_PLAIN, "product_id": "seed-001"}})
    code, out, _ = cli("explain", "seed-001")
    assert code == 0
    assert out.startswith("No write of seed-001 is known")


def test_nothing_is_known_of_a_product(cli: Cli, api: ScriptedApi) -> None:
    api.answer = _routes({"/products/x/life": {**_PLAIN, "product_id": "x", "now": {}}})
    code, _, err = cli("explain", "x")
    assert (code, "nothing is known of x" in err) == (2, True)


def test_another_run_may_be_named(cli: Cli, api: ScriptedApi) -> None:
    _record(cli)
    api.answer = _routes({"/products/p/life": _PLAIN})
    assert cli("explain", "p", "--run", "data-loss")[0] == 0
    code, _, err = cli("explain", "p", "--run", "latency")
    assert (code, "no recorded run matches" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "answer", "name", "version"),
    [
        (("create",), status(201, {"id": "p", "version": 7}), "POST /products", 7),
        (("delete", "p"), status(200, {"id": "p", "version": 8}), "DELETE /products/{id}", 8),
        (("delete", "p"), status(404, {"detail": "no such product"}), "DELETE /products/{id}", None),
    ],
)
def test_a_typed_write_is_traced(
    cli: Cli, api: ScriptedApi, words: tuple[str, ...], answer: Answer, name: str, version: int | None
) -> None:
    api.answer = answer
    _, _, err = cli("product", *words)
    sent, exported = api.asked
    (span,) = ExportTraceServiceRequest.FromString(exported[3]).resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == sent[2]["traceparent"].split("-")[1]
    assert span.name == name
    values = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert values["lab.product.id"] == "p"
    assert values.get("lab.write.version") == version
    assert (span.status.code == 2) == (version is None)
    # Who repeats the command that is shown begins another trace, or none.
    assert "traceparent" not in err
