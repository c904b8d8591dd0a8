"""Every block of the runbook, run as written in stack/, on the lab that labctl started and on compose's own.

It needs the well-known ports. Only `docker system prune` is not run, because it would reach beyond the lab.
Without the compose plugin, docker-compose is used.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import docker
import pytest

from stack.docker.labels import own_filter
from stack.factory import open_lab
from stack.package_files import compose_file
from stack.ports import is_free

pytestmark = pytest.mark.docker

_RUNBOOK: Final = Path(__file__).parents[2] / "docs" / "runbook.md"
_BLOCKS: Final = dict(
    re.findall(r'^```bash \{"name": "([^"]+)"\}\n(.*?)^```', _RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
)
_SECONDS: Final = 120
_SHIM: Final = """#!/bin/bash
case "$1 $2" in
"system prune") exit 0 ;;
"compose "*) {compose} ;;
esac
exec {docker} "$@"
"""
#: compose 1.29 does not notice a missing terminal, and wants options before services.
_OLD: Final = """shift; verb=$1
  case "$verb" in exec|run) shift; exec docker-compose "$verb" -T "$@" ;; esac
  case "$*" in "logs "*" --tail="*) exec docker-compose logs "${@:$#}" "${@:2:$#-2}" ;; esac
  exec docker-compose "$@" """
#: What a block must print. All others only need to succeed.
_SAID: Final = {
    "check-docker": "Docker is running",
    "verify-services": '"status": "ok"',
    "create-product": '"source": "cache"',
    "verify-persistence": "Demo Widget",
    "read-final-state": "Coalesced-Update-",
    "create-doomed": "Created (doomed): ",
    "crash-cache": "OK",
    "verify-loss": "*** DATA LOSS CONFIRMED ***",
    "watch-retries": " failed for ",
    "load-test-basic": "kept",
    "load-test-coalescing": "coalesced",
    "count-products": "total_products",
    "product-stats": "total_inventory",
    "check-redis": "PONG",
    "check-postgres": "accepting connections",
}


@pytest.fixture
def alone() -> Iterator[None]:
    """One test process at a time: the ports and the lab's name in the engine exist only once."""
    with (Path(tempfile.gettempdir()) / "labctl-runbook-test.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def environment(engine: str, alone: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a user's shell, with short loads. Whatever is left of the lab is removed."""
    lacks = [f"the program {name}" for name in ("docker", "jq", "bc", "curl") if shutil.which(name) is None]
    lacks += [f"port {port}" for port in (8000, 6379, 5432, 9090, 3001, 16686) if not is_free(port)]
    program = shutil.which("docker")
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode and shutil.which("docker-compose") is None:
        lacks.append("docker compose")
    if lacks:
        required = os.environ.get("LABCTL_TEST_DOCKER") == "required"
        (pytest.fail if required else pytest.skip)(f"needs {', '.join(lacks)}")
    compose = _OLD if plugin.returncode else f'exec {program} "$@"'
    shim = tmp_path / "bin" / "docker"
    shim.parent.mkdir()
    shim.write_text(_SHIM.format(compose=compose, docker=program))
    shim.chmod(0o755)
    path = f"{shim.parent}{os.pathsep}{os.environ['PATH']}"
    try:
        yield {**os.environ, "PATH": path, "DURATION": "2s", "SIMULATE_DB_FAILURE": "true"}
    finally:
        list(open_lab("lab42", "docker", home=tmp_path / "home").down())


def _run(name: str, environment: dict[str, str]) -> str:
    done = subprocess.Popen(
        ["bash", "-c", _BLOCKS[name]],
        cwd=compose_file().parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    endless = name == "watch-retries"
    try:
        said, _ = done.communicate(timeout=5 if endless else _SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(done.pid, 2)
        said, _ = done.communicate(timeout=20)
        assert endless, f"{name} did not end:\n{said}"
    assert endless or done.returncode == 0, f"{name} ended with {done.returncode}:\n{said}"
    assert _SAID.get(name, "") in said, f"{name} said:\n{said}"
    return said


def test_the_runbook_has_all_its_blocks() -> None:
    assert len(_BLOCKS) == 36


@pytest.mark.slow
@pytest.mark.parametrize("by", ["labctl", "compose"])
def test_every_block_does_what_it_says(by: str, environment: dict[str, str], tmp_path: Path) -> None:
    if by == "labctl":
        list(open_lab("lab42", "docker", home=tmp_path / "home").up())
    quiet = {**environment, "SIMULATE_DB_FAILURE": "false"}
    # The troubleshooting blocks come after the cleanup, but need a running lab.
    for name in [*(name for name in _BLOCKS if name != "cleanup"), "cleanup"]:
        if by == "labctl" and name in ("clean-previous", "start-lab"):
            continue
        _run(name, environment if name == "enable-failures" else quiet)
        if name == "enable-failures":
            # Give the worker something to fail on: the next block only watches.
            _run("quick-load", quiet)
    with closing(docker.from_env()) as client:
        own: dict[str, str | list[str] | bool] = {**own_filter("lab42")}
        assert client.containers.list(all=True, filters=own) == []
        assert client.networks.list(filters=own) == []
        assert client.volumes.list(filters=own) == []
