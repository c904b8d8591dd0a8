"""trace and explain, against an API that answers as a test says."""

import json
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scenarios.journal import files
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from scenarios.lab import tracing
from service.traces.life import Now, life_of
from tests.journals import ENVIRONMENT, RUN, write_journal
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.histories import acknowledged, deleted, row, unknown, value
from tests.unit.scenarios.life.spans import FLUSHED, REQUEST, TRACE
from tests.unit.scenarios.scripted_api import Answer, ScriptedApi, serving, status

_PLAIN = {"product_id": "p", "writes": [], "now": msgspec.to_builtins(Now(row_version=7)), "unread": []}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the last spans may need more than the second that a person waits for them."""
    monkeypatch.setattr(tracing, "_CLOSE_TIMEOUT_S", 30.0)


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
    assert f"(trace {TRACE})" in " ".join(out.split())
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
    told = " ".join(out.split())
    assert told.endswith("its spans have not arrived yet. `labctl explain p` tells what is known.")


def test_a_trace_of_a_write_that_is_lost_says_so(cli: Cli, api: ScriptedApi) -> None:
    life = life_of("p", [REQUEST[1]], Now(), [])
    api.answer = _routes({f"/traces/{TRACE}": {**_TRACE, "linked": []}, "/products/p/life": life})
    _, out, _ = cli("trace", TRACE)
    told = " ".join(out.split())
    assert "neither Redis nor PostgreSQL holds it: it is lost. `labctl explain p` tells" in told


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("", 80), ("none", 80)])
def test_a_pipe_is_as_wide_as_columns_says(
    cli: Cli, api: ScriptedApi, columns: str, widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    _record(cli)
    api.answer = _routes({"/products/p/life": _PLAIN})
    lines = cli("explain", "p")[1].splitlines()
    assert widest - 15 < max(map(len, lines)) <= widest


def test_a_write_that_was_written_through_waits_for_no_flush(cli: Cli, api: ScriptedApi) -> None:
    through = msgspec.structs.replace(
        REQUEST[1], attributes={**REQUEST[1].attributes, "lab.write.policy": "write_through"}
    )
    api.answer = _routes({f"/traces/{TRACE}": {**_TRACE, "spans": [REQUEST[0], through], "linked": []}})
    code, out, _ = cli("trace", TRACE)
    assert (code, "flush" in out) == (0, False)


def _record(cli: Cli, run: str = RUN, names: Mapping[str, str] | None = None) -> None:
    """A run that wrote two products, of which only the first reached PostgreSQL.

    Args:
        names: By product; by default, both have the same.
    """
    folder = cli.lab.directory.parent / files.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (one, first), (two, second) = (names or {"p": "Widget", "q": "Widget"}).items()
    writes = [
        acknowledged(one, 7, value(first), at=(2.0, 2.001)),
        acknowledged(two, 8, value(second), at=(2.0, 2.001)),
        unknown(None, value(first), operation="create"),
    ]
    findings = Findings(rows={one: row(7, value(first))}, since=1)
    environment = msgspec.structs.replace(ENVIRONMENT, run=run)
    write_journal(folder, History(writes=writes), findings, environment=environment)


def test_a_product_is_explained_from_journal_and_lab(cli: Cli, api: ScriptedApi) -> None:
    _record(cli)
    api.answer = _routes({"/products/p/life": _PLAIN})
    code, out, _ = cli("explain", "p")
    assert code == 0
    told = " ".join(out.split())
    assert told.startswith("p: 1 write known. The run is 20260101T120000Z-data-loss. Times are ")
    assert " Version 1 (7), an " in told
    assert "It is in PostgreSQL; when it got there was not seen." in told
    assert told.endswith("told from the journal alone: not traced, or the trace is too old.")


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


_NAMES = {"p": "Kept-1", "q": "Lost 1"}
_OLDER = "20251231T120000Z-data-loss"


def _life(product: str) -> dict[str, Any]:
    """What the API tells of a product that it does not know."""
    return {"product_id": product, "writes": [], "now": {}, "unread": []}


def test_a_product_is_explained_by_its_name(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, names=_NAMES)
    api.answer = _routes({"/products/q/life": _life("q"), "/products/Kept-1/life": _life("Kept-1")})
    code, out, _ = cli("explain", "Lost 1")
    assert code == 0
    assert out.startswith("Lost 1 is q: 1 write known. The run is ")
    # It has a blank, so it is no id: the lab is not asked for it.
    assert [asked[1] for asked in api.asked] == ["/products/q/life"]
    document = json.loads(cli("explain", "Lost 1", "--json")[1])
    assert (document["product"], document["writes"][0]["fate"]) == ("q", "lost")


def test_a_name_is_looked_up_while_the_lab_is_down(cli: Cli) -> None:
    _record(cli, names=_NAMES)
    cli.lab.is_up = False
    code, out, _ = cli("explain", "Kept-1")
    assert (code, out.startswith("Kept-1 is p: 1 write known.")) == (0, True)


@pytest.mark.parametrize("command", ["explain", "trace"])
def test_several_products_of_that_name(cli: Cli, api: ScriptedApi, command: str) -> None:
    _record(cli)
    answers = {"/products/Widget/life": _life("Widget"), "/traces?limit=1&product=Widget": {"writes": []}}
    api.answer = _routes(answers)
    code, _, err = cli(command, "Widget")
    assert code == 2
    assert f"2 products are called Widget in {RUN}" in err
    assert "give the id of one: p, q\n" in err


def test_an_id_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, names={"p": "q", "q": "p"})
    api.answer = _routes({"/products/q/life": _life("q")})
    assert cli("explain", "q")[1].startswith("q: 1 write known.")


def test_a_product_of_an_older_run_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, _OLDER, {"old": "Kept-1", "p": "Lost 1"})
    _record(cli, names={"p": "old", "q": "Lost 1"})
    api.answer = _routes({"/products/old/life": _life("old")})
    assert cli("explain", "old")[1].startswith(f"old: 1 write known. The run is {_OLDER}.")


def test_a_product_that_only_the_lab_has_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, names={"p": "seed-001", "q": "Lost 1"})
    api.answer = _routes({"/products/seed-001/life": {**_PLAIN, "product_id": "seed-001"}})
    assert cli("explain", "seed-001")[1].startswith("No write of seed-001 is known")


def test_a_name_counts_in_the_newest_run_or_in_the_one_that_is_named(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, _OLDER, {"a": "Kept-1", "b": "Gone-1"})
    _record(cli, names=_NAMES)
    lives = {f"/products/{word}/life": _life(word) for word in ("a", "b", "p", "Kept-1", "Gone-1")}
    api.answer = _routes(lives)
    assert cli("explain", "Kept-1")[1].startswith("Kept-1 is p: ")
    assert cli("explain", "Kept-1", "--run", _OLDER)[1].startswith("Kept-1 is a: ")
    code, _, err = cli("explain", "Gone-1")
    assert (code, "nothing is known of Gone-1" in err) == (2, True)
    assert "unless --run names another" in err


def test_a_span_does_not_steer_the_screen(cli: Cli, api: ScriptedApi) -> None:
    hostile = msgspec.structs.replace(
        REQUEST[1],
        name="\x1b[2J",
        attributes={"lab.product.id": "\x1b]0;x\x07", "lab.write.operation": "\x1b[2J"},
    )
    api.answer = _routes({f"/traces/{TRACE}": {**_TRACE, "spans": [hostile], "linked": []}})
    code, out, _ = cli("trace", TRACE)
    assert (code, "\x1b" in out, "?]0;x?" in out) == (0, False, True)


def test_a_name_does_not_steer_the_screen(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, names={"p": "\x1b[2J", "q": "Lost 1"})
    api.answer = _routes({"/products/p/life": _life("p")})
    assert cli("explain", "\x1b[2J")[1].startswith("?[2J is p: ")


def test_a_name_that_a_delete_does_not_have(cli: Cli, api: ScriptedApi) -> None:
    folder = cli.lab.directory.parent / files.FOLDER
    folder.mkdir(parents=True)
    writes = [acknowledged("p", 7), deleted("p", 8)]
    write_journal(folder, History(writes=writes), Findings(since=1))
    api.answer = _routes({"/products/Widget/life": _life("Widget"), "/products/p/life": _life("p")})
    assert cli("explain", "Widget")[1].startswith("Widget is p: 2 writes known.")


def test_a_trace_is_found_by_the_name_of_its_product(cli: Cli, api: ScriptedApi) -> None:
    _record(cli, _OLDER, {"a": "Kept-1", "b": "Lost 1"})
    _record(cli, names=_NAMES)
    answers: dict[str, Any] = {
        "/traces?limit=1&product=Kept-1": {"writes": []},
        "/traces?limit=1&product=p": _NEWEST,
        "/traces?limit=1&product=a": {"writes": []},
        f"/traces/{TRACE}": _TRACE,
    }
    api.answer = _routes(answers)
    code, out, _ = cli("trace", "Kept-1")
    assert (code, out.startswith("Create of p, version 7, at ")) == (0, True)
    code, _, err = cli("trace", "Kept-1", "--run", _OLDER)
    assert (code, "no write of Kept-1 was traced" in err) == (2, True)


def test_a_name_is_shown_as_it_is_typed(cli: Cli, api: ScriptedApi) -> None:
    code, _, err = cli("trace", "no such")
    assert code == 2
    assert "explain 'no such'` tells" in err
    # No run is recorded, and it is no id.
    assert not api.asked


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
