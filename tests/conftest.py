"""Fixtures that every kind of test may use.

Docker tests are skipped if no engine answers. If one was promised (`LABCTL_TEST_DOCKER=required`, as in CI),
they fail instead.
"""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from stack.docker.engine import answers
from stack.settings import StackSettings
from tests.leaks import LeakWatch, Left, freeze_what_stays
from tests.servers import Servers, running
from tests.write_path import OpenPath, Parts, WritePath
from worker.stopping import StopRequest

# As labctl does: libpq would take every parameter that is not given from these.
for _name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[_name]

#: Groups of tests, in the order in which they start.
_GROUPS: Final = {"docker": 0, "acceptance": 1}
_WATCH: Final = pytest.StashKey[LeakWatch]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WATCH] = LeakWatch()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark and sort the tests, before xdist reads the groups and pytest evaluates `-m`."""
    in_docker = [item for item in items if item.get_closest_marker("docker")]
    for item in in_docker:
        # One engine, one set of well-known ports: one test process.
        item.add_marker(pytest.mark.xdist_group("docker"))
        if item.get_closest_marker("slow_in_docker"):
            item.add_marker(pytest.mark.slow)
    for cases in _sweeps(items):
        for item in cases[1:]:
            item.add_marker(pytest.mark.slow)
    # The groups first, because they take longest.
    items.sort(key=lambda item: _GROUPS.get(_group(item), len(_GROUPS)))


def _sweeps(items: Iterable[pytest.Item]) -> Iterable[list[pytest.Item]]:
    """The cases of each sweep on each runtime, in the order of their names."""
    cases: dict[tuple[Path, str | None, bool], list[pytest.Item]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("sweep"):
            in_docker = item.get_closest_marker("docker") is not None
            cases.setdefault((item.path, item.originalname, in_docker), []).append(item)
    return [sorted(each, key=lambda item: item.name) for each in cases.values()]


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Do not blame the first test for what a fixture shared by several tests opens."""
    if fixturedef.scope == "function":
        return (yield)
    with request.config.stash[_WATCH].excusing():
        return (yield)


@pytest.fixture(autouse=True)
def _leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a socket, a file, a thread or a process behind."""
    watch = request.config.stash[_WATCH]
    freeze_what_stays()
    before, failed = Left.now(), request.session.testsfailed
    yield
    left = watch.left_since(before)
    # A failed test may keep things alive through its traceback.
    if left and request.session.testsfailed == failed:
        pytest.fail(f"the test leaves behind:\n{left}")


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
    """A write path without a coalescing window: everything is due at once."""
    return open_path()


@pytest.fixture(scope="session")
def engine() -> str:
    """The version of the Docker engine; skips the test if none answers."""
    version = answers(StackSettings.from_env())
    if not version and os.environ.get("LABCTL_TEST_DOCKER") == "required":
        pytest.fail("no Docker engine answers, and LABCTL_TEST_DOCKER=required promises one")
    if not version:
        pytest.skip("no Docker engine answers")
    return version


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    """A stop request that has not been made yet."""
    with closing(StopRequest()) as stop:
        yield stop
