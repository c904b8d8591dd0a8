"""Labs for the integration tests: real servers in a temporary home, on ports of their own.

The same tests run on both runtimes.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from scenarios.lab.context import Run
from service.writebehind import keys
from stack.factory import open_lab
from stack.lab import Lab
from stack.spec.runtime import RuntimeKind
from stack.state import kept_settings
from tests.refusals import Refusing
from tests.servers import Servers
from tests.write_path import OpenPath

BOTH = (pytest.param("local"), pytest.param("docker", marks=pytest.mark.docker))


@contextmanager
def _running(name: str, kind: RuntimeKind, home: Path) -> Iterator[Lab]:
    own_lab = open_lab(name, kind, home=home)
    try:
        list(own_lab.up(observability=False))
        yield own_lab
    finally:
        list(own_lab.down())


def _unique(name: str) -> str:
    """A name for a lab: all test processes, of all checkouts, share one engine."""
    return f"{name}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def shared_local_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with _running("shared", "local", tmp_path_factory.mktemp("home")) as own_lab:
        yield own_lab


@pytest.fixture(scope="session")
def shared_docker_lab(tmp_path_factory: pytest.TempPathFactory, engine: str) -> Iterator[Lab]:
    with _running(_unique("shared"), "docker", tmp_path_factory.mktemp("home")) as own_lab:
        yield own_lab


@pytest.fixture(params=BOTH)
def lab(request: pytest.FixtureRequest) -> Lab:
    """A running lab, one per runtime and test process. A test that breaks it repairs it: `list(lab.up())`."""
    found = request.getfixturevalue(f"shared_{request.param}_lab")
    assert isinstance(found, Lab)
    # Settings that one test changed live must not come back in a test that empties Redis.
    (found.directory / kept_settings.FILE).unlink(missing_ok=True)
    with redis.Redis.from_url(found.urls()["redis"]) as client, suppress(redis.RedisError):
        client.delete(keys.CONFIG)
    return found


@pytest.fixture
def mended(lab: Lab) -> Iterator[None]:
    """All of the lab runs before the test, and again after it."""
    list(lab.up())
    yield
    list(lab.up())


@pytest.fixture
def local_lab(tmp_path: Path) -> Iterator[Lab]:
    own = open_lab("own", "local", home=tmp_path / "home")
    try:
        yield own
    finally:
        list(own.down())


@pytest.fixture
def docker_lab(tmp_path: Path, engine: str) -> Iterator[Lab]:
    own = open_lab(_unique("own"), "docker", home=tmp_path / "home")
    try:
        yield own
    finally:
        list(own.down())


@pytest.fixture(params=BOTH)
def own_lab(request: pytest.FixtureRequest) -> Lab:
    """A lab of the test's own, not started. Whatever becomes of it is removed."""
    found = request.getfixturevalue(f"{request.param}_lab")
    assert isinstance(found, Lab)
    return found


@pytest.fixture
def database(servers: Servers, open_path: OpenPath) -> Iterator[Refusing]:
    """PostgreSQL with rules that a test changes; restored afterwards."""
    refusing = Refusing(servers, open_path)
    try:
        yield refusing
    finally:
        refusing.restore()


@pytest.fixture
def run(lab: Lab) -> Iterator[Run]:
    """A run on the lab, without dead letters and live settings before and after the test."""
    list(lab.up())
    with Run(lab) as run:
        run.probe.delete(keys.DLQ)
        run.probe.delete(keys.CONFIG)
        yield run
        run.probe.delete(keys.DLQ)
        run.probe.delete(keys.CONFIG)
