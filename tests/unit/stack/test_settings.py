from pathlib import Path

import pytest

from stack.errors import StateUnusable
from stack.settings import StackSettings


def test_the_home_is_where_the_environment_says() -> None:
    assert StackSettings.from_env({"LABCTL_HOME": "/x"}).home == Path("/x")
    assert StackSettings.from_env({"LABCTL_HOME": "x"}).home == Path.cwd() / "x"


def test_without_a_word_it_is_the_users_state_directory() -> None:
    assert StackSettings.from_env({"LABCTL_HOME": " "}).home.name == "labctl"


@pytest.mark.parametrize("home", ["~nosuchuser-at-all/x", "~nosuchuser-at-all"])
def test_a_home_of_an_unknown_user_is_told(home: str) -> None:
    with pytest.raises(StateUnusable, match="LABCTL_HOME=~nosuchuser-at-all"):
        StackSettings.from_env({"LABCTL_HOME": home})


def test_without_any_home_no_directory_is_called_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _nobody)
    with pytest.raises(StateUnusable, match="no home directory") as caught:
        StackSettings.from_env({})
    assert "LABCTL_HOME" in caught.value.hint


def _nobody(uid: int) -> None:
    raise KeyError(uid)
