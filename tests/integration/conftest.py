"""Labs for the integration tests: real servers in a temporary home, on ports of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.stack import Stack, open_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running local lab, one a test process. Who breaks it repairs it: `list(stack.up())`."""
    lab = open_stack("shared", "local", home=tmp_path_factory.mktemp("home"))
    try:
        list(lab.up())
        yield lab
    finally:
        list(lab.down())


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Stack]:
    """A lab of the test's own, not started; whatever becomes of it is taken away."""
    own = open_stack("own", "local", home=tmp_path / "home")
    try:
        yield own
    finally:
        list(own.down())
