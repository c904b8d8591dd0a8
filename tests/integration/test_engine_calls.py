"""What an `up` asks of the engine where there is nothing to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stack.lab import Lab
from tests.integration.engine_proxy import engine_proxy

pytestmark = pytest.mark.docker

#: Calls of the engine: its version, a list each of containers, images, networks and volumes, and one for each
#: of the seven containers.
_MOST_CALLS = 12
_TRIES = 3


def _labctl(lab: Lab, engine: str, *words: str) -> str:
    env = {**os.environ, "LABCTL_HOME": str(lab.directory.parent), "DOCKER_HOST": engine}
    argv = [sys.executable, "-m", "labctl", *words, "--name", lab.name, "--runtime", "docker"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_up_of_a_lab_that_runs_asks_the_engine_for_one_snapshot(docker_lab: Lab, tmp_path: Path) -> None:
    list(docker_lab.up())
    assert len(docker_lab.services()) == 7
    for options in ((), ("--json",)):
        asked = _asked(docker_lab, tmp_path / "engine.sock", *options)
        assert not any(request.startswith("POST") for request in asked), "\n".join(asked)
        assert len(asked) <= _MOST_CALLS, "\n".join(asked)


def _asked(lab: Lab, socket: Path, *options: str) -> list[str]:
    """What an `up` asks of the engine."""
    with engine_proxy(socket) as proxy:
        for _ in range(_TRIES):
            proxy.requests.clear()
            _labctl(lab, proxy.url, "up", *options)
            # Other tests move the tag that compose uses; an `up` puts it right, which is something to do.
            if not any(request.startswith("POST") for request in proxy.requests):
                break
        return list(proxy.requests)
