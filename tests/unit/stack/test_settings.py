from pathlib import Path

from stack.settings import StackSettings, inherited_env


def test_the_home_is_where_the_environment_says() -> None:
    assert StackSettings.from_env({"LABCTL_HOME": "/x"}).home == Path("/x")
    assert StackSettings.from_env({"LABCTL_HOME": "x"}).home == Path.cwd() / "x"


def test_without_a_word_it_is_the_users_state_directory() -> None:
    assert StackSettings.from_env({"LABCTL_HOME": " "}).home.name == "labctl"


def test_the_shell_does_not_steer_the_labs_processes() -> None:
    shell = {"PATH": "/bin", "PGHOST": "elsewhere", "BATCH_SIZE": "1", "REDIS_URL": "x", "OTEL_X": "y"}
    assert inherited_env(shell) == {"PATH": "/bin", "OTEL_X": "y"}
