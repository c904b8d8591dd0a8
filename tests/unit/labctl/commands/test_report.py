"""report: on the terminal, and into a file whose ending names the format."""

import json
import stat
from pathlib import Path

import pytest

from tests.unit.labctl.conftest import Cli
from tests.unit.labctl.reports.stories import journal


@pytest.fixture
def recorded(tmp_path: Path, cli: Cli) -> Cli:
    """A lab with one recorded run."""
    folder = tmp_path / "runs"
    folder.mkdir()
    journal(folder)
    return cli


@pytest.mark.parametrize("ending", ["html", "md", "json", "xml", "HTML"])
def test_the_ending_names_the_format(recorded: Cli, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"run.{ending}"
    for _ in range(2):
        # The second one replaces the first.
        code, _, err = recorded("report", "data-loss", "-o", str(target))
        assert (code, "Wrote" in err) == (0, True)
    beginnings = {"html": "<!DOCTYPE html>", "md": "<!-- labctl", "json": '{"schema":2', "xml": "<?xml"}
    assert target.read_text().startswith(beginnings[ending.lower()])
    assert not list(tmp_path.glob(".labctl-*"))


@pytest.mark.parametrize("name", ["run.pdf", "run", "run.", "-"])
def test_another_ending_is_a_mistake_that_names_the_four(recorded: Cli, tmp_path: Path, name: str) -> None:
    code, _, err = recorded("report", "-o", str(tmp_path / name))
    assert code == 2
    assert "end the file's name in .html, .md, .json or .xml" in err


def test_only_a_report_is_overwritten(recorded: Cli, tmp_path: Path) -> None:
    mine = tmp_path / "README.md"
    mine.write_text("# My own\n")
    code, _, err = recorded("report", "-o", str(mine))
    assert (code, mine.read_text()) == (2, "# My own\n")
    assert "is not a report that labctl wrote" in err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", '{"name": 1, "x": {"schema":1}}'),
        ("x.json", '{"schema":2}'),
        ("x.xml", '<?xml version="1.0"?>\n<a name="labctl"/>'),
        ("x.html", "<p>\n<!DOCTYPE html>\n<!-- labctl report -->"),
    ],
)
def test_a_file_that_only_resembles_a_report_is_left_alone(
    recorded: Cli, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    assert recorded("report", "-o", str(tmp_path / name))[0] == 2
    assert (tmp_path / name).read_text() == content


def test_a_report_replaces_what_a_link_leads_to(recorded: Cli, tmp_path: Path) -> None:
    target, link = tmp_path / "target.md", tmp_path / "link.md"
    link.symlink_to(target)
    assert recorded("report", "-o", str(link))[0] == 0
    assert (link.is_symlink(), target.read_text()[:4]) == (True, "<!--")


@pytest.mark.parametrize(
    ("leads_to", "says"), [("nowhere/x.md", "does not exist"), ("link.md", "a link that leads nowhere")]
)
def test_a_link_that_leads_nowhere_is_a_mistake_before_the_work(
    recorded: Cli, tmp_path: Path, leads_to: str, says: str
) -> None:
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / leads_to)
    code, _, err = recorded("report", "-o", str(link))
    assert code == 2
    assert says in " ".join(err.split())
    assert link.is_symlink()


def test_a_folder_that_is_missing_is_a_mistake(recorded: Cli, tmp_path: Path) -> None:
    code, _, err = recorded("report", "-o", str(tmp_path / "nowhere" / "x.html"))
    assert code == 2
    assert "does not exist" in err


def test_a_file_that_cannot_be_written_is_a_fault_of_the_surroundings(recorded: Cli) -> None:
    code, _, err = recorded("report", "-o", "/proc/x.html")
    assert code == 4
    assert "/proc/x.html can't be written" in err


def test_the_file_is_as_readable_as_others(recorded: Cli, tmp_path: Path) -> None:
    other, target = tmp_path / "other", tmp_path / "x.md"
    other.touch()
    recorded("report", "-o", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def test_programs_are_told_what_was_written(recorded: Cli, tmp_path: Path) -> None:
    target = tmp_path / "x.html"
    _, out, _ = recorded("report", "--output", str(target), "--json")
    document = json.loads(out)
    assert (document["report"], document["bytes"]) == (str(target), target.stat().st_size)
    assert (document["state"], document["damage"], document["differences"]) == ("complete", [], [])


def test_without_a_file_the_run_is_shown(recorded: Cli) -> None:
    code, out, _ = recorded("report")
    assert code == 0
    assert "queue size: 5 writes" in out
    assert "3 acknowledged = 1 persisted" in out
    assert "Queue depth" not in out


def test_a_list_is_not_written_into_a_file(recorded: Cli, tmp_path: Path) -> None:
    assert recorded("report", "--list", "-o", str(tmp_path / "x.md"))[0] == 2
