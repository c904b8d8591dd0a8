"""A running lab for the tests that need no more than that, and a browser for those that look at pages."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import npm, page_story
from tests.acceptance.shown import Shown
from tests.acceptance.terminal import pipe
from tests.browser import Browser, chromium
from tests.page_server import Player, playing

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


def _without(why: str) -> Any:
    """Skip, but fail where tests must not be skipped."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium() or _without("Chromium is not installed (Debian: apt-get install chromium)")
    with Browser(program, tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="session")
def axe_core(request: pytest.FixtureRequest) -> str:
    cache = request.config.cache
    assert cache is not None
    try:
        return npm.axe_core(cache.mkdir("axe-core"))
    except npm.Missing as missing:
        _without(str(missing))
        raise


@pytest.fixture
def player() -> Iterator[Player]:
    with playing(page_story.greeting(time.time(), seconds=120)) as player:
        yield player


@pytest.fixture
def shown(browser: Browser, player: Player) -> Shown:
    browser.look(width=1100)
    return Shown(browser, player)
