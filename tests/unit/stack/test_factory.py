"""Which runtime a lab uses."""

from pathlib import Path

import pytest

from stack.errors import EnvironmentFault
from stack.factory import choose_runtime
from stack.settings import StackSettings
from stack.state import lab as lab_state
from stack.state.lab import LabState

_PORTS = {"api": 8000, "redis": 6379, "postgres": 5432}


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.factory.version", lambda _: "28.1")


def test_a_lab_stays_on_its_runtime(tmp_path: Path, answering: None) -> None:
    settings = StackSettings(home=tmp_path)
    lab_state.save(tmp_path, LabState(runtime="local", ports=_PORTS))
    assert choose_runtime("lab42", tmp_path, "auto", settings)[0] == "local"
    with pytest.raises(EnvironmentFault, match="runs on the local runtime, not on docker"):
        choose_runtime("lab42", tmp_path, "docker", settings)


@pytest.mark.parametrize("content", ['{"x', None])
def test_processes_that_were_recorded_tell_where_the_state_does_not(
    tmp_path: Path, answering: None, content: str | None
) -> None:
    """Otherwise `down` would ask Docker about a lab of local processes, find nothing, and leave them."""
    if content is not None:
        (tmp_path / lab_state.FILE).write_text(content)
    settings = StackSettings(home=tmp_path)
    assert choose_runtime("lab42", tmp_path, "auto", settings)[0] == "docker"
    (tmp_path / "redis.json").write_text("{}")
    assert choose_runtime("lab42", tmp_path, "auto", settings)[0] == "local"
