"""Fixtures that every kind of test may use.

Tests of Docker skip where no engine answers; where one was promised (`LABCTL_TEST_DOCKER=required`, as in CI)
its absence is a failure.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from stack.docker_client import answers
from stack.settings import StackSettings
from tests.servers import Servers, running
from tests.write_path import OpenPath, Parts, WritePath

# As labctl does for itself: libpq takes what is not given from these.
for _name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture
def servers(_servers: Servers) -> Servers:
    """Redis and PostgreSQL of this test process, emptied."""
    for name in ("redis", "postgres"):
        if _servers.runtime.observe()[name].state != "running":
            _servers.runtime.start(_servers.specs[name])
        _servers.wait_for(name)
    _servers.empty()
    return _servers


@pytest.fixture
def open_path(servers: Servers) -> Iterator[OpenPath]:
    """Opens write paths on the servers, and closes them at the end."""
    with ExitStack() as opened:

        def open_one(parts: Parts | None = None, **settings: object) -> WritePath:
            path = WritePath.on(servers, parts, **settings)
            opened.callback(path.close)
            return path

        yield open_one


@pytest.fixture
def path(open_path: OpenPath) -> WritePath:
    """A write path without a window: everything is due at once."""
    return open_path()


@pytest.fixture(scope="session")
def engine() -> str:
    """The version of the Docker engine that answers."""
    version = answers(StackSettings.from_env())
    if not version and os.environ.get("LABCTL_TEST_DOCKER") == "required":
        pytest.fail("no Docker engine answers, and LABCTL_TEST_DOCKER=required promises one")
    if not version:
        pytest.skip("no Docker engine answers")
    return version
