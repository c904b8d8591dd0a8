"""What a dry run says of real labs, and that it leaves them as they are."""

from pathlib import Path

import docker
import pytest

from scenarios.lab.context import Run
from stack.converge.plan import Plan
from stack.docker import labels
from stack.factory import open_lab
from stack.lab import Lab
from stack.ports import choose_free
from stack.spec.runtime import Observed
from stack.state.lab import FILE


@pytest.fixture
def planned(tmp_path: Path) -> Lab:
    """A new lab of processes whose ports are known."""
    api, redis, postgres = choose_free(3)
    ports = {"api": api, "redis": redis, "postgres": postgres}
    return open_lab("planned", "local", home=tmp_path / "home", ports=ports)


def _text(plan: Plan) -> str:
    return "\n".join(plan.lines())


def _port(lab: Lab, endpoint: str) -> str:
    return lab.urls()[endpoint].rpartition(":")[2].partition("/")[0]


def _files(directory: Path) -> set[Path]:
    return {path for path in directory.iterdir() if path.is_file()}


def _pids(services: dict[str, Observed]) -> dict[str, int | None]:
    return {name: seen.pid for name, seen in services.items()}


def test_a_new_lab(planned: Lab) -> None:
    redis, postgres, api = (_port(planned, endpoint) for endpoint in ("redis", "postgres", "api"))
    assert _text(planned.plan_up()) == (
        f"""\
check machine: free ports: {redis} for redis, {postgres} for postgres, {api} for api
start redis
start postgres
apply schema: adds what is missing
start api
start worker"""
    )
    assert _text(planned.plan_down()) == "Nothing to do."
    assert not planned.directory.parent.exists()


def test_a_lab_that_runs_and_is_broken(local_lab: Lab) -> None:
    list(local_lab.up())
    before, files = _pids(dict(local_lab.services())), _files(local_lab.directory)
    remembered = (local_lab.directory / FILE).read_text()
    assert _text(local_lab.plan_up()) == (
        """\
keep redis
keep postgres
apply schema: adds what is missing
keep api
keep worker
Nothing to do."""
    )
    assert "replace worker: settings changed" in local_lab.plan_up({"BATCH_SIZE": "7"}).lines()
    assert _text(local_lab.plan_down(keep_data=True)) == (
        """\
stop api: nothing may be acknowledged while redis drains
drain redis: nothing waits in it yet
stop worker
stop redis
stop postgres
remove lab: its data stays"""
    )
    assert _pids(dict(local_lab.services())) == before
    assert _files(local_lab.directory) == files
    assert (local_lab.directory / FILE).read_text() == remembered

    list(local_lab.stop("worker"))
    list(local_lab.kill("api"))
    assert _text(local_lab.plan_up()) == (
        f"""\
clear api: it has died
check machine: free ports: {_port(local_lab, "api")} for api
keep redis
keep postgres
apply schema: adds what is missing
replace api: it has died
start worker: it was stopped"""
    )


def test_what_is_in_redis_alone_is_counted(local_lab: Lab) -> None:
    list(local_lab.up())
    list(local_lab.stop("worker"))
    with Run(local_lab) as run:
        for _ in range(3):
            run.client.create({"name": "alone", "price": 1.0, "quantity": 1})
    was, (port,) = _port(local_lab, "redis"), choose_free(1)
    moved = open_lab("own", "local", home=local_lab.directory.parent, ports={"redis": port})
    assert _text(moved.plan_up()) == (
        f"""\
stop api: nothing may be acknowledged while redis drains
drain redis: 3 writes in it alone
check machine: free ports: {port} for redis
replace redis: port changed from {was} to {port}; 3 writes to drain first
keep postgres
apply schema: adds what is missing
start api: it was stopped while redis drained
start worker: it was stopped"""
    )
    assert local_lab.services()["api"].state == "running"


@pytest.mark.docker
def test_a_dry_run_makes_nothing_in_the_engine(docker_lab: Lab) -> None:
    lines = docker_lab.plan_up(observability=False).lines()
    assert "create network" in lines
    assert "create volume postgres-data" in lines
    engine = docker.from_env()
    try:
        own = labels.own_filter(docker_lab.name)
        assert engine.api.containers(all=True, filters=own) == []
        assert engine.networks.list(filters=own) == []
        assert engine.volumes.list(filters=own) == []
    finally:
        engine.close()
    assert not docker_lab.directory.exists()
