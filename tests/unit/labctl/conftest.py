"""Commands without a running lab."""

from pathlib import Path

import pytest

from labctl.__main__ import run
from labctl.cli.context import Invocation
from tests.unit.labctl.fake_lab import FakeLab


class Cli:
    """Runs commands on a fake lab."""

    def __init__(self, lab: FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
        self.lab = lab
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Run a command; returns exit code, stdout and stderr."""
        code = run(list(words), Invocation(open_lab=self.lab.opener))
        return (code, *self._capsys.readouterr())


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("LABCTL_HOME", str(tmp_path))
    return Cli(FakeLab(tmp_path / "lab42"), capsys)
