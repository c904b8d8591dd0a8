"""What labctl tells about itself."""

from itertools import pairwise

import pytest

from tests.unit.labctl.conftest import Cli


def test_no_command_shows_the_help(cli: Cli) -> None:
    code, out, _ = cli()
    assert code == 0
    for command in ("up", "down", "status", "urls", "doctor", "logs", "top", "demo", "load", "report"):
        assert f" {command} " in out


def test_a_group_without_a_command_is_a_mistake_that_shows_its_help(cli: Cli) -> None:
    code, out, _ = cli("product")
    assert code == 2
    assert "create" in out


def test_version(cli: Cli) -> None:
    code, out, _ = cli("--version")
    assert code == 0
    assert out.startswith("labctl 0.")


@pytest.mark.parametrize("command", ["explain", "trace"])
def test_help_is_wrapped_where_the_screen_ends(
    cli: Cli, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a sentence breaks in the source says nothing."""
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = cli(command, "--help")
    lines = [line.strip() for line in out.partition("╭")[0].splitlines()]
    pairs = [(line, after) for line, after in pairwise(lines) if line and after and "Usage" not in line]
    assert pairs
    for line, after in pairs:
        assert len(line) + 1 + len(after.split()[0]) > 78, (line, after)
