"""A running lab for the tests that need no more than that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.terminal import pipe

NAME = "acceptance"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state directory with a running lab in it, called `acceptance`."""
    directory = tmp_path_factory.mktemp("acceptance-home")
    started = pipe(directory, "up", "--name", NAME)
    try:
        assert started.returncode == 0, started.stderr
        yield directory
    finally:
        pipe(directory, "down", "--name", NAME)
