"""Labs for the integration tests: real servers in a temporary home, on ports of their own.

The same tests run on both runtimes.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stack.factory import open_stack
from stack.spec.runtime import RuntimeKind
from stack.stack import Stack
from stack.state import kept_settings
from tests.refusals import Refusing
from tests.servers import Servers
from tests.write_path import OpenPath

BOTH = (pytest.param("local"), pytest.param("docker", marks=pytest.mark.docker))


@contextmanager
def _running(name: str, kind: RuntimeKind, home: Path) -> Iterator[Stack]:
    lab = open_stack(name, kind, home=home)
    try:
        list(lab.up(observability=False))
        yield lab
    finally:
        list(lab.down())


def _unique(name: str) -> str:
    """All test processes, of all checkouts, share one engine."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with _running("shared", "local", tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(scope="session")
def docker_stack(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Stack]:
    with _running(_unique("shared"), "docker", tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(params=BOTH)
def stack(request: pytest.FixtureRequest) -> Stack:
    """A running lab, one a runtime and test process. Who breaks it repairs it: `list(stack.up())`."""
    found = request.getfixturevalue(f"{request.param}_stack")
    assert isinstance(found, Stack)
    # What one test set live must not come back in another that takes Redis' memory away.
    (found.directory / kept_settings.FILE).unlink(missing_ok=True)
    return found


@pytest.fixture
def local_lab(tmp_path: Path) -> Iterator[Stack]:
    own = open_stack("own", "local", home=tmp_path / "home")
    try:
        yield own
    finally:
        list(own.down())


@pytest.fixture
def docker_lab(tmp_path: Path, engine: str) -> Iterator[Stack]:
    own = open_stack(_unique("own"), "docker", home=tmp_path / "home")
    try:
        yield own
    finally:
        list(own.down())


@pytest.fixture(params=BOTH)
def lab(request: pytest.FixtureRequest) -> Stack:
    """A lab of the test's own, not started; whatever becomes of it is taken away."""
    found = request.getfixturevalue(f"{request.param}_lab")
    assert isinstance(found, Stack)
    return found


@pytest.fixture
def database(servers: Servers, open_path: OpenPath) -> Iterator[Refusing]:
    """PostgreSQL whose rules a test changes; as new afterwards."""
    refusing = Refusing(servers, open_path)
    try:
        yield refusing
    finally:
        refusing.restore()
