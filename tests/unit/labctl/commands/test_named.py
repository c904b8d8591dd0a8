"""explain and trace of a product that is called by the name a run gave it."""

import json
from typing import Any

import pytest

from scenarios.journal import files
from scenarios.judge.final_read import Findings
from scenarios.judge.history import History
from tests.journals import RUN, write_journal
from tests.unit.labctl.commands.lives import ANSWER, NAMES, NEWEST, OLDER, PLAIN, life, record, routes
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.histories import acknowledged, deleted
from tests.unit.scenarios.life.spans import TRACE
from tests.unit.scenarios.scripted_api import ScriptedApi


def test_a_product_is_explained_by_its_name(cli: Cli, api: ScriptedApi) -> None:
    record(cli, names=NAMES)
    api.answer = routes({"/products/q/life": life("q"), "/products/Kept-1/life": life("Kept-1")})
    code, out, _ = cli("explain", "Lost 1")
    assert code == 0
    assert out.startswith("Lost 1 is q: 1 write known. The run is ")
    # It has a blank, so it is no id: the lab is not asked for it.
    assert [asked[1] for asked in api.asked] == ["/products/q/life"]
    document = json.loads(cli("explain", "Lost 1", "--json")[1])
    assert (document["product"], document["writes"][0]["fate"]) == ("q", "lost")


def test_a_name_is_looked_up_while_the_lab_is_down(cli: Cli) -> None:
    record(cli, names=NAMES)
    cli.lab.is_up = False
    code, out, _ = cli("explain", "Kept-1")
    assert (code, out.startswith("Kept-1 is p: 1 write known.")) == (0, True)


@pytest.mark.parametrize("command", ["explain", "trace"])
def test_several_products_of_that_name(cli: Cli, api: ScriptedApi, command: str) -> None:
    record(cli)
    answers = {"/products/Widget/life": life("Widget"), "/traces?limit=1&product=Widget": {"writes": []}}
    api.answer = routes(answers)
    code, _, err = cli(command, "Widget")
    assert code == 2
    assert f"2 products are called Widget in {RUN}" in err
    assert "give the id of one: p, q\n" in err


def test_an_id_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    record(cli, names={"p": "q", "q": "p"})
    api.answer = routes({"/products/q/life": life("q")})
    assert cli("explain", "q")[1].startswith("q: 1 write known.")


def test_a_product_of_an_older_run_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    record(cli, OLDER, {"old": "Kept-1", "p": "Lost 1"})
    record(cli, names={"p": "old", "q": "Lost 1"})
    api.answer = routes({"/products/old/life": life("old")})
    assert cli("explain", "old")[1].startswith(f"old: 1 write known. The run is {OLDER}.")


def test_a_product_that_only_the_lab_has_wins_over_a_name(cli: Cli, api: ScriptedApi) -> None:
    record(cli, names={"p": "seed-001", "q": "Lost 1"})
    api.answer = routes({"/products/seed-001/life": {**PLAIN, "product_id": "seed-001"}})
    assert cli("explain", "seed-001")[1].startswith("No write of seed-001 is known")


def test_a_name_counts_in_the_newest_run_or_in_the_one_that_is_named(cli: Cli, api: ScriptedApi) -> None:
    record(cli, OLDER, {"a": "Kept-1", "b": "Gone-1"})
    record(cli, names=NAMES)
    lives = {f"/products/{word}/life": life(word) for word in ("a", "b", "p", "Kept-1", "Gone-1")}
    api.answer = routes(lives)
    assert cli("explain", "Kept-1")[1].startswith("Kept-1 is p: ")
    assert cli("explain", "Kept-1", "--run", OLDER)[1].startswith("Kept-1 is a: ")
    code, _, err = cli("explain", "Gone-1")
    assert (code, "nothing is known of Gone-1" in err) == (2, True)
    assert "unless --run names another" in err


def test_a_name_does_not_steer_the_screen(cli: Cli, api: ScriptedApi) -> None:
    record(cli, names={"p": "\x1b[2J", "q": "Lost 1"})
    api.answer = routes({"/products/p/life": life("p")})
    assert cli("explain", "\x1b[2J")[1].startswith("?[2J is p: ")


def test_a_name_that_a_delete_does_not_have(cli: Cli, api: ScriptedApi) -> None:
    folder = cli.lab.directory.parent / files.FOLDER
    folder.mkdir(parents=True)
    writes = [acknowledged("p", 7), deleted("p", 8)]
    write_journal(folder, History(writes=writes), Findings(since=1))
    api.answer = routes({"/products/Widget/life": life("Widget"), "/products/p/life": life("p")})
    assert cli("explain", "Widget")[1].startswith("Widget is p: 2 writes known.")


def test_a_trace_is_found_by_the_name_of_its_product(cli: Cli, api: ScriptedApi) -> None:
    record(cli, OLDER, {"a": "Kept-1", "b": "Lost 1"})
    record(cli, names=NAMES)
    answers: dict[str, Any] = {
        "/traces?limit=1&product=Kept-1": {"writes": []},
        "/traces?limit=1&product=p": NEWEST,
        "/traces?limit=1&product=a": {"writes": []},
        f"/traces/{TRACE}": ANSWER,
    }
    api.answer = routes(answers)
    code, out, _ = cli("trace", "Kept-1")
    assert (code, out.startswith("Create of p, version 7, at ")) == (0, True)
    code, _, err = cli("trace", "Kept-1", "--run", OLDER)
    assert (code, "no write of Kept-1 was traced" in err) == (2, True)


def test_a_name_is_shown_as_it_is_typed(cli: Cli, api: ScriptedApi) -> None:
    code, _, err = cli("trace", "no such")
    assert code == 2
    assert "explain 'no such'` tells" in err
    # No run is recorded, and it is no id.
    assert not api.asked
