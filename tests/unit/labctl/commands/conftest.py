"""An API for commands that ask one."""

from collections.abc import Iterator

import pytest

from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.scripted_api import ScriptedApi, serving


@pytest.fixture
def api(cli: Cli) -> Iterator[ScriptedApi]:
    with serving() as api:
        cli.lab.api = api.url
        yield api
