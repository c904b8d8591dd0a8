"""What the documentation names and shows is there, and the architecture page names every script."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from scenarios.demos import data_loss
from tests.documented_metrics import rows
from tests.documented_traces import proving_tests
from tests.observed import PAGE, render

_ROOT: Final = Path(__file__).parents[2]
_ARCHITECTURE: Final = _ROOT / "docs" / "architecture.md"
#: The runbook is not ours: it shows what its readers type.
_PAGES: Final = (
    "README.md",
    "CONTRIBUTING.md",
    *(f"docs/{page.name}" for page in sorted((_ROOT / "docs").glob("*.md")) if page.name != "runbook.md"),
)
_TEST: Final = re.compile(r"`(test_\w+)`")
_SCRIPT: Final = re.compile(r"\b\w+\.lua\b")
_LINK: Final = re.compile(r"\]\(([^)#]+)")
_CODE: Final = re.compile(r"`([^`\n]+)`")
#: The folders that a path in a page may begin with.
_FOLDERS: Final = (
    "bench",
    "dashboards",
    "docs",
    "labctl",
    "scenarios",
    "service",
    "stack",
    "tests",
    "worker",
)
_PATH: Final = re.compile(rf"(?:{'|'.join(_FOLDERS)})/[\w./-]*")


def test_the_architecture_names_every_script_and_no_other() -> None:
    scripts = {path.name for path in (_ROOT / "service").rglob("*.lua")}
    assert scripts
    assert set(_SCRIPT.findall(_ARCHITECTURE.read_text())) == scripts


@pytest.mark.parametrize("page", _PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    paths = list(_paths(_ROOT / page))
    assert [str(path) for path in paths if not path.exists()] == []


def test_the_one_table_of_metrics_spans_and_panels_is_up_to_date() -> None:
    assert PAGE.read_text() == render(), "run python -m tests.observed > docs/observability.md"


def test_every_test_that_proves_a_metric_a_span_or_a_panel_exists() -> None:
    source = "".join(path.read_text() for path in (_ROOT / "tests").rglob("test_*.py"))
    named = {row.test for row in rows()} | proving_tests() | set(_TEST.findall(PAGE.read_text()))
    assert len(named) > 20
    assert sorted(name for name in named if f"def {name}(" not in source) == []


def test_paths_are_found() -> None:
    assert len(list(_paths(_ROOT / "README.md"))) > 5
    assert len(list(_paths(_ROOT / "docs" / "evidence.md"))) > 20


def test_the_readme_shows_what_the_demo_says() -> None:
    shown = (_ROOT / "README.md").read_text().partition("━━ Data loss")[2].partition("━━ Verdict")[0]
    # Prose is indented by three; figures and marks have gaps in their lines. What the lab itself says begins
    # with a count.
    prose = re.findall(r"^   (?! |[$✓·\d])(?!.*\S  )\S[^\n]*(?:\n   \w[^\n]*)*", shown, re.MULTILINE)
    said = [
        node.value
        for node in ast.walk(ast.parse(inspect.getsource(data_loss)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert len(prose) == 4
    assert [text for text in prose if " ".join(text.split()) not in said] == []


def _paths(page: Path) -> Iterator[Path]:
    """Targets of relative links, and whatever in `code` begins with one of our folders."""
    text = page.read_text()
    yield from (page.parent / target for target in _LINK.findall(text) if "://" not in target)
    # Blocks are for commands and trees; `[^`]` can't tell their fences from code.
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from (_ROOT / code for code in _CODE.findall(prose) if _PATH.fullmatch(code))
