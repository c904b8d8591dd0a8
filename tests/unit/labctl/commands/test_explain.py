"""explain, against an API that answers as a test says."""

import json

import pytest

from tests.unit.labctl.commands.lives import PLAIN, record, routes
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.scripted_api import ScriptedApi


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("", 80), ("none", 80)])
def test_a_pipe_is_as_wide_as_columns_says(
    cli: Cli, api: ScriptedApi, columns: str, widest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    record(cli)
    api.answer = routes({"/products/p/life": PLAIN})
    lines = cli("explain", "p")[1].splitlines()
    assert widest - 15 < max(map(len, lines)) <= widest


def test_a_product_is_explained_from_journal_and_lab(cli: Cli, api: ScriptedApi) -> None:
    record(cli)
    api.answer = routes({"/products/p/life": PLAIN})
    code, out, _ = cli("explain", "p")
    assert code == 0
    told = " ".join(out.split())
    assert told.startswith("p: 1 write known. The run is 20260101T120000Z-data-loss. Times are ")
    assert " Version 1 (7), an " in told
    assert "It is in PostgreSQL; when it got there was not seen." in told
    assert told.endswith("told from the journal alone: it was not traced, or its trace is too old.")


def test_a_product_is_explained_while_the_lab_is_down(cli: Cli) -> None:
    record(cli)
    cli.lab.is_up = False
    code, out, _ = cli("explain", "q", "--json")
    document = json.loads(out)
    assert code == 0
    assert [told["fate"] for told in document["writes"]] == ["lost"]
    assert document["end"][-1].startswith("The lab lab42 is not running, so there are no traces")


def test_a_product_that_no_run_wrote(cli: Cli, api: ScriptedApi) -> None:
    record(cli)
    api.answer = routes({"/products/seed-001/life": {**PLAIN, "product_id": "seed-001"}})
    code, out, _ = cli("explain", "seed-001")
    assert code == 0
    assert out.startswith("No write of seed-001 is known")


def test_nothing_is_known_of_a_product(cli: Cli, api: ScriptedApi) -> None:
    api.answer = routes({"/products/x/life": {**PLAIN, "product_id": "x", "now": {}}})
    code, _, err = cli("explain", "x")
    assert (code, "nothing is known of x" in err) == (2, True)


def test_another_run_may_be_named(cli: Cli, api: ScriptedApi) -> None:
    record(cli)
    api.answer = routes({"/products/p/life": PLAIN})
    assert cli("explain", "p", "--run", "data-loss")[0] == 0
    code, _, err = cli("explain", "p", "--run", "latency")
    assert (code, "no recorded run matches" in err) == (2, True)
