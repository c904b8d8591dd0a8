"""The life of a lab on real servers: up, again, keep, down."""

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from stack.errors import EnvironmentFault, NotRunning, PortHeld, StateUnusable, UsageError
from stack.factory import open_lab
from stack.lab import Lab
from stack.ports import choose_free, is_free
from stack.spec.events import ServiceChanged, StackNoted
from stack.spec.hints import for_lab
from stack.wait import wait_until


def _count(own_lab: Lab) -> str:
    return own_lab.exec("postgres", ["psql", "-At", "-c", "SELECT count(*) FROM products"]).stdout.strip()


def _processes_in(directory: Path) -> list[str]:
    """Every process on this machine with its working directory below this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(directory):
                found.append(str(process))
        except (psutil.Error, OSError):
            continue
    return found


def test_the_shared_lab_is_up_and_up_again_changes_nothing(lab: Lab) -> None:
    before = lab.status()
    assert {name: seen.state for name, seen in before.items()} == dict.fromkeys(
        ("redis", "postgres", "api", "worker"), "healthy"
    )
    events = [event for event in lab.up() if isinstance(event, ServiceChanged)]
    assert {event.state for event in events} == {"healthy"}
    assert {name: seen.pid for name, seen in lab.status().items()} == {
        name: seen.pid for name, seen in before.items()
    }


def test_a_whole_life(local_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {seen.state for seen in local_lab.status().values()} == {"missing"}
    list(local_lab.up())
    assert local_lab.running()
    local_lab.exec("postgres", ["psql", "-c", "INSERT INTO products VALUES ('kept', 'Kept', 1, 1)"])

    list(local_lab.down(keep_data=True))
    assert {seen.state for seen in local_lab.status().values()} == {"missing"}
    assert _processes_in(local_lab.directory) == []
    urls = local_lab.urls()

    # An `up` that fails keeps the rows that were there.
    monkeypatch.setenv("LABCTL_REDIS_SERVER", "/bin/false")
    with pytest.raises(EnvironmentFault):
        list(open_lab("own", "local", home=local_lab.directory.parent).up())
    assert _processes_in(local_lab.directory) == []
    monkeypatch.delenv("LABCTL_REDIS_SERVER")

    list(local_lab.up())
    assert local_lab.urls() == urls
    assert _count(local_lab) == "6"

    list(local_lab.down())
    assert not local_lab.directory.exists()
    assert _processes_in(local_lab.directory.parent) == []
    assert all(is_free(int(url.rpartition(":")[2].partition("/")[0])) for url in urls.values())


@pytest.mark.slow_in_docker
def test_two_labs_side_by_side(lab: Lab, own_lab: Lab) -> None:
    list(own_lab.up())
    assert not set(lab.urls().values()) & set(own_lab.urls().values())
    own_lab.exec("postgres", ["psql", "-c", "DELETE FROM products"])
    assert _count(own_lab) == "0"
    assert int(_count(lab)) > 0
    list(own_lab.down())
    assert lab.running()


def test_down_without_a_lab(own_lab: Lab) -> None:
    (event,) = own_lab.down()
    assert isinstance(event, StackNoted)
    assert not own_lab.directory.exists()


def test_a_missing_lab_is_reported_as_missing(own_lab: Lab) -> None:
    for use in (
        lambda: own_lab.exec("redis", ["true"]),
        lambda: list(own_lab.stop("redis")),
        lambda: own_lab.urls(),
    ):
        with pytest.raises(NotRunning, match="there is no lab own"):
            use()


def test_a_held_port_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    api, redis, postgres = choose_free(3)
    own_lab = open_lab(
        "held", "local", home=tmp_path, ports={"api": api, "redis": redis, "postgres": postgres}
    )
    with socket.create_server(("127.0.0.1", api)), pytest.raises(PortHeld) as caught:
        list(own_lab.up())
    assert f"port {api} for api is held by" in caught.value.message
    assert f"pid {psutil.Process().pid}" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_failed_up_leaves_nothing(local_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It claims to be a Redis, and then dies.
    server = tmp_path / "redis-server"
    server.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=8.0.0 sha=0:0"\n')
    server.chmod(0o755)
    monkeypatch.setenv("LABCTL_REDIS_SERVER", str(server))
    broken = open_lab("own", "local", home=local_lab.directory.parent)
    with pytest.raises(EnvironmentFault, match="redis ended while it was starting"):
        list(broken.up())
    assert not local_lab.directory.exists()
    assert _processes_in(local_lab.directory.parent) == []


def test_an_interrupted_up_leaves_nothing(local_lab: Lab) -> None:
    with closing(local_lab.up()) as events:
        for event in events:
            if event == ServiceChanged("api", "starting"):
                break
    assert not local_lab.directory.exists()
    assert _processes_in(local_lab.directory.parent) == []


@pytest.mark.slow
def test_rows_of_another_version_are_left_alone(local_lab: Lab) -> None:
    list(local_lab.up())
    list(local_lab.down(keep_data=True))
    version = local_lab.directory / "data" / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(StateUnusable, match="PostgreSQL 16") as caught:
        list(local_lab.up())
    assert "labctl down" in for_lab(caught.value.hint, "lab42")
    assert version.exists()


def test_an_unwritable_home_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    own_lab = open_lab("own", "local", home=tmp_path / "file")
    with pytest.raises(StateUnusable, match=str(tmp_path / "file")):
        list(own_lab.up())
    list(own_lab.down())


def test_a_directory_of_another_program_is_left_alone(own_lab: Lab) -> None:
    own_lab.directory.mkdir(parents=True)
    (own_lab.directory / "thesis.tex").write_text("precious")
    (own_lab.directory / "data").mkdir()
    with pytest.raises(StateUnusable, match=r"thesis\.tex"):
        list(own_lab.up())
    list(own_lab.down())
    assert sorted(path.name for path in own_lab.directory.iterdir() if path.name != "lock") == [
        "data",
        "thesis.tex",
    ]


@pytest.mark.slow
def test_a_damaged_state_can_be_taken_away(local_lab: Lab) -> None:
    list(local_lab.up())
    (local_lab.directory / "lab.json").write_text("{")
    (local_lab.directory / "api.json").write_text("{")
    with pytest.raises(StateUnusable, match=r"lab\.json is damaged"):
        list(local_lab.up())
    list(local_lab.down())
    assert not local_lab.directory.exists()
    assert _processes_in(local_lab.directory.parent) == []


def test_an_impossible_setting_changes_nothing(own_lab: Lab) -> None:
    with pytest.raises(UsageError, match="BATCH_SIZE"):
        list(own_lab.up({"BATCH_SIZE": "-1"}))
    assert not own_lab.directory.exists()


@pytest.mark.slow
def test_a_failed_up_forgets_what_it_was_given(local_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that prevents a service from starting must not keep the next `up` from repairing the lab."""
    list(local_lab.up({"REDIS_MAXMEMORY": "100mb"}))
    list(local_lab.stop("redis"))
    with monkeypatch.context() as broken:
        broken.setenv("LABCTL_REDIS_SERVER", "/bin/false")
        own_lab = open_lab("own", "local", home=local_lab.directory.parent)
        with pytest.raises(EnvironmentFault) as caught:
            list(own_lab.up({"REDIS_MAXMEMORY": "200mb"}))
    assert "`labctl up` goes on from there" in for_lab(caught.value.hint, "lab42")
    list(local_lab.up())
    assert local_lab.running()
    told = local_lab.exec("redis", ["redis-cli", "CONFIG", "GET", "maxmemory"]).stdout
    assert told.split() == ["maxmemory", str(100 << 20)]


@pytest.mark.slow
def test_a_labctl_killed_while_it_creates_the_database_does_not_keep_the_next_from_it(
    local_lab: Lab,
) -> None:
    """The next `up` must not trip over the orphaned initdb, and `down` must not leave it behind."""
    code = f"""
import pathlib, stack.factory
list(stack.factory.open_lab("own", "local", home=pathlib.Path({str(local_lab.directory.parent)!r})).up())
"""
    first = subprocess.Popen([sys.executable, "-c", code])
    unfinished = local_lab.directory / "data" / "postgres.new" / "base"
    wait_until(unfinished.exists, seconds=20, reason="initdb works", hint="")
    first.kill()
    first.wait(timeout=10)
    list(local_lab.up())
    assert local_lab.running()
    list(local_lab.down())
    assert _processes_in(local_lab.directory.parent) == []
