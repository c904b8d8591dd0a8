"""Limits and permissions that the local runtime needs."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.errors import EnvironmentFault
from stack.local import limits as local_limits
from stack.local.services import lab_specs
from stack.settings import StackSettings
from stack.spec.services import DEFAULT_PORTS
from stack.state.lab import LabState


def _named(tmp_path: Path, says: str) -> StackSettings:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return StackSettings(home=tmp_path, redis_server=str(program))


@pytest.mark.parametrize(
    "says",
    [
        "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=1",
        "Redis server v=8.2.1 sha=00000000:1 malloc=libc bits=64 build=1",
        "Valkey server v=8.1.0 sha=00000000:0 malloc=libc bits=64 build=1",
    ],
)
def test_a_redis_that_is_new_enough(tmp_path: Path, says: str) -> None:
    assert local_limits.redis(_named(tmp_path, says)) is None


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("Redis server v=6.2.14 sha=00000000:0", "is Redis 6.2, and the lab needs Redis 7"),
        ("Redis server v=2.8.4", "is Redis 2.8"),
        ("nginx version: nginx/1.27", "is not a Redis"),
        ("", "is not a Redis"),
    ],
)
def test_one_that_is_too_old_or_something_else(tmp_path: Path, says: str, told: str) -> None:
    """A Redis before 7 would be healthy, and refuse every write."""
    fault = local_limits.redis(_named(tmp_path, says))
    assert fault is not None
    assert told in fault.message
    assert "LABCTL_REDIS_SERVER" in fault.hint
    specs = lab_specs(LabState(runtime="local", ports=DEFAULT_PORTS), Path("/lab"))
    with pytest.raises(EnvironmentFault, match="LABCTL_REDIS_SERVER"):
        local_limits.require(_named(tmp_path, says), specs)
    # Starting only the worker does not need it.
    local_limits.require(_named(tmp_path, says), {"worker": specs["worker"]})


@pytest.fixture
def limit() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_soft_limit_of_files_is_raised_and_the_hard_one_decides(limit: tuple[int, int]) -> None:
    _, hard = limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    local_limits.allow_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 128
    assert local_limits.files() is None


def test_too_few_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    fault = local_limits.files()
    assert fault is not None
    assert "64 open files" in fault.message
    assert "ulimit -n" in fault.hint
