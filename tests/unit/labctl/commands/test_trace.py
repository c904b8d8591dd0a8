"""trace, against an API that answers as a test says."""

import json

import msgspec
import pytest

from service.traces.life import Now, life_of
from tests.unit.labctl.commands.lives import ANSWER, NEWEST, routes
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.life.spans import REQUEST, TRACE
from tests.unit.scenarios.scripted_api import ScriptedApi


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
    answers = {"/traces?limit=1": NEWEST, "/traces?limit=1&product=p": NEWEST, f"/traces/{TRACE}": ANSWER}
    api.answer = routes(answers)
    code, out, _ = cli("trace", word)
    assert code == 0
    assert out.startswith("Create of p, version 7, at ")
    assert f"(trace {TRACE})" in " ".join(out.split())
    assert "waits in the queue" in out
    assert api.asked[0][1] == path


def test_a_trace_as_json(cli: Cli, api: ScriptedApi) -> None:
    api.answer = routes({f"/traces/{TRACE}": ANSWER})
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
    api.answer = routes({"/traces?limit=1": {"writes": []}, "/traces?limit=1&product=p": {"writes": []}})
    code, _, err = cli("trace", word)
    assert code == 2
    assert message in err
    assert "what to do:" in err


@pytest.mark.parametrize("words", [(), ("last",), (TRACE,)])
def test_a_run_is_named_for_a_product_alone(cli: Cli, api: ScriptedApi, words: tuple[str, ...]) -> None:
    code, _, err = cli("trace", *words, "--run", "data-loss")
    assert code == 2
    assert f"--run has no meaning for {words[0] if words else 'last'}" in err
    assert "trace PRODUCT --run data-loss" in err
    assert not api.asked


def test_a_trace_of_a_lab_that_is_down(cli: Cli) -> None:
    cli.lab.is_up = False
    code, _, err = cli("trace")
    assert (code, "is not running" in err) == (4, True)


def test_a_flush_that_is_not_known_yet(cli: Cli, api: ScriptedApi) -> None:
    api.answer = routes({f"/traces/{TRACE}": {**ANSWER, "linked": []}})
    _, out, _ = cli("trace", TRACE)
    told = " ".join(out.split())
    assert told.endswith("its spans have not arrived yet. `labctl explain p` tells what is known.")


def test_a_trace_of_a_write_that_is_lost_says_so(cli: Cli, api: ScriptedApi) -> None:
    life = life_of("p", [REQUEST[1]], Now(), [])
    api.answer = routes({f"/traces/{TRACE}": {**ANSWER, "linked": []}, "/products/p/life": life})
    _, out, _ = cli("trace", TRACE)
    told = " ".join(out.split())
    assert "neither Redis nor PostgreSQL holds it: it is lost. `labctl explain p` tells" in told


def test_a_write_that_was_written_through_waits_for_no_flush(cli: Cli, api: ScriptedApi) -> None:
    through = msgspec.structs.replace(
        REQUEST[1], attributes={**REQUEST[1].attributes, "lab.write.policy": "write_through"}
    )
    api.answer = routes({f"/traces/{TRACE}": {**ANSWER, "spans": [REQUEST[0], through], "linked": []}})
    code, out, _ = cli("trace", TRACE)
    assert (code, "flush" in out) == (0, False)


def test_a_span_does_not_steer_the_screen(cli: Cli, api: ScriptedApi) -> None:
    hostile = msgspec.structs.replace(
        REQUEST[1],
        name="\x1b[2J",
        attributes={"lab.product.id": "\x1b]0;x\x07", "lab.write.operation": "\x1b[2J"},
    )
    api.answer = routes({f"/traces/{TRACE}": {**ANSWER, "spans": [hostile], "linked": []}})
    code, out, _ = cli("trace", TRACE)
    assert (code, "\x1b" in out, "?]0;x?" in out) == (0, False, True)
