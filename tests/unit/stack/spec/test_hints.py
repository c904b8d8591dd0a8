"""Hints name the lab that they are read for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.spec.hints import for_lab, labctl

HINT = f"see {labctl('status')}; {labctl('exec redis -- redis-cli PING')} shows whether it answers"


def test_the_default_lab_need_not_be_named() -> None:
    assert for_lab(HINT, "lab42") == (
        "see `labctl status`; `labctl exec redis -- redis-cli PING` shows whether it answers"
    )


def test_another_lab_is_named_in_every_command() -> None:
    assert for_lab(HINT, "second") == (
        "see `labctl --name second status`; "
        "`labctl --name second exec redis -- redis-cli PING` shows whether it answers"
    )


def test_text_without_a_command_stays_as_it_is() -> None:
    assert for_lab("free some space in /tmp/{name}", "second") == "free some space in /tmp/{name}"


def _hints(path: Path) -> Iterator[ast.expr]:
    """The arguments `hint=` of all calls in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "hint")


@pytest.mark.parametrize("package", ["labctl", "scenarios", "stack"])
def test_no_hint_spells_a_command_for_the_default_lab_only(package: str) -> None:
    root = Path(__file__).parents[3] / package
    spelled = [
        f"{path.relative_to(root.parent)}:{hint.lineno}: {ast.unparse(hint)}"
        for path in sorted(root.rglob("*.py"))
        for hint in _hints(path)
        if re.search(r"`labctl (?!--name)", ast.unparse(hint))
    ]
    assert spelled == []
