"""scenario new, lint, show and schema; and what `demo` makes of a path."""

import json
from pathlib import Path

import pytest

from tests.unit.labctl.conftest import Cli


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_new_writes_a_scenario_that_lint_and_show_accept(cli: Cli) -> None:
    code, out, err = cli("scenario", "new", "mine")
    assert (code, err) == (0, "")
    assert out == "mine.yaml is written. Change it, then run it with `labctl demo mine.yaml`.\n"
    assert cli("scenario", "lint", "mine.yaml")[:2] == (0, "mine.yaml: nothing is wrong\n")
    code, out, _ = cli("scenario", "show", "mine.yaml", "--json")
    plan = json.loads(out)
    assert (code, plan["name"], plan["steps"][0]["title"]) == (0, "mine", "Create 10 products (safe)")
    assert {"what": "doomed: lost", "predicted": "5"} in plan["expected"]
    out = cli("scenario", "show", "mine.yaml")[1]
    assert "Redis loses its memory" in out
    assert "doomed: lost" in out


def test_new_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    code, _, err = cli("scenario", "new", "mine.yaml")
    assert (code, "mine.yaml exists already" in err) == (2, True)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "elsewhere")
    assert cli("scenario", "new", "link")[0] == 2
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("word", "code"), [("My Own", 2), ("-x.yaml", 2), ("missing/mine.yaml", 4), ("nul\0.yaml", 2), ("", 2)]
)
def test_new_refuses_what_it_can_not_write(cli: Cli, word: str, code: int) -> None:
    assert cli("scenario", "new", "--", word)[0] == code


def test_lint_tells_file_line_and_column_of_every_problem_in_every_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntitle: A\nsteps:\n  - craete: {}\n  - fault: redis:eat\n")
    (tmp_path / "b.yaml").write_text("name: b\n")
    code, out, _ = cli("scenario", "lint", "a.yaml", "b.yaml")
    assert code == 2
    assert [line.partition(": ")[0] for line in out.splitlines()] == [
        "a.yaml:4:5", "a.yaml:5:12", "b.yaml:1:1", "b.yaml:1:1",
    ]  # fmt: skip
    assert "did you mean 'create'?" in out
    code, out, _ = cli("scenario", "lint", "a.yaml", "--json")
    (file,) = json.loads(out)["files"]
    assert code == 2
    assert (file["file"], file["problems"][0]["line"], file["problems"][0]["column"]) == ("a.yaml", 4, 5)


def test_a_file_that_is_not_there_is_a_mistake(cli: Cli) -> None:
    for words in (("scenario", "lint", "no.yaml"), ("scenario", "show", "no.yaml"), ("demo", "./no.yaml")):
        code, _, err = cli(*words)
        assert (code, "can't be read: No such file" in err) == (2, True), words


def test_a_file_that_can_not_be_read_does_not_hide_what_is_wrong_with_the_others(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntitle: A\nsteps:\n  - craete: {}\n")
    code, out, err = cli("scenario", "lint", "no.yaml", "a.yaml", "nor.yaml")
    assert (code, "a.yaml:4:5: 'craete'" in out) == (2, True)
    assert "no.yaml can't be read" in err
    assert "nor.yaml can't be read" in err


def test_demo_tells_what_is_wrong_before_it_touches_a_lab(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\ntitle: Bad\nsteps: []\n")
    code, _, err = cli("demo", "bad.yaml")
    assert code == 2
    assert "bad.yaml:3:8: the list has 0 items" in err
    assert cli.lab.asked == []


def test_a_demo_of_that_name_wins_unless_the_word_is_a_path(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "basics").write_text("not a scenario")
    assert "not a scenario" not in cli("demo", "basics", "--crash", "kill")[2]
    assert "is not a scenario" in cli("demo", "./basics")[2]


def test_a_scenario_does_not_take_the_options_of_a_demo(cli: Cli) -> None:
    cli("scenario", "new", "mine")
    code, _, err = cli("demo", "./mine.yaml", "--crash", "kill")
    assert (code, "`demo ./mine.yaml` has no --crash" in err) == (2, True)


def test_the_schema_is_printed(cli: Cli) -> None:
    code, out, _ = cli("scenario", "schema")
    assert (code, json.loads(out)["title"]) == (0, "A scenario of labctl")
