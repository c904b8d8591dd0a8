"""Commands without a running lab."""

from pathlib import Path

import pytest

from labctl.__main__ import run
from labctl.cli.context import Invocation
from tests.unit.labctl.fake_stack import FakeStack


class Cli:
    """Runs commands on a fake lab."""

    def __init__(self, stack: FakeStack, capsys: pytest.CaptureFixture[str]) -> None:
        self.stack = stack
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        code = run(list(words), Invocation(open_stack=self.stack.opener))
        return (code, *self._capsys.readouterr())


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("LABCTL_HOME", str(tmp_path))
    return Cli(FakeStack(tmp_path / "lab42"), capsys)
