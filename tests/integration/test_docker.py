"""What only a lab in Docker has: images, labels, and an engine shared with others."""

import shutil
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from stack.docker.labels import own_filter
from stack.docker.owner import AnothersLab
from stack.errors import EnvironmentFault, PortHeld
from stack.factory import open_lab
from stack.lab import Lab
from stack.spec.events import ServiceChanged, StackNoted
from stack.spec.services import REDIS
from tests.integration.engine_proxy import engine_proxy

pytestmark = pytest.mark.docker


@pytest.fixture
def client(engine: str) -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


def _own(lab: Lab) -> dict[str, str | list[str] | bool]:
    return {**own_filter(lab.name)}


def _left(client: docker.DockerClient, lab: Lab) -> list[object]:
    """Everything of the lab that is left in the engine."""
    own = _own(lab)
    return [
        *client.containers.list(all=True, filters=own),
        *client.networks.list(filters=own),
        *client.volumes.list(filters=own),
    ]


def _stranger(client: docker.DockerClient, name: str, labels: dict[str, str]) -> Container:
    return client.containers.run(
        REDIS.container.image, ["sleep", "600"], name=name, labels=labels, detach=True, init=True
    )


def _core(lab: Lab) -> None:
    list(lab.up(observability=False))


def test_down_takes_all_that_is_the_labs_and_nothing_else(
    docker_lab: Lab, client: docker.DockerClient
) -> None:
    """Its name, its network, or one of the two sets of labels alone do not make a container the lab's."""
    name = docker_lab.name
    volumes = {volume.id for volume in client.volumes.list()}
    _core(docker_lab)
    assert docker_lab.running()
    assert len(_left(client, docker_lab)) == 4 + 1 + 2
    assert {volume.id for volume in client.volumes.list(filters={"dangling": True})} <= volumes
    ours, composes = {"labctl.lab": name}, {"com.docker.compose.project": name}
    with ExitStack() as strange:
        containers = [
            _stranger(client, f"{name}-stranger-{number}", labels)
            for number, labels in enumerate(({}, ours, composes))
        ]
        for each in containers:
            strange.callback(each.remove, force=True, v=True)
        network = client.networks.create(f"{name}_strange", labels=composes)
        strange.callback(network.remove)
        volume = client.volumes.create(f"{name}_strange", labels=ours)
        strange.callback(volume.remove)
        guest, *others = containers
        joined = client.networks.get(f"{name}_default")
        joined.connect(guest)
        with pytest.raises(EnvironmentFault, match=f"{name}-stranger-0"):
            list(docker_lab.down())
        joined.disconnect(guest)
        list(docker_lab.down())
        assert _left(client, docker_lab) == []
        assert not docker_lab.directory.exists()
        for each in (guest, *others):
            each.reload()
            assert each.status == "running"
        network.reload()
        volume.reload()


@pytest.mark.slow
@pytest.mark.parametrize("service", ["redis", "worker"])
def test_a_strangers_container_of_our_name_is_left_alone(
    docker_lab: Lab, client: docker.DockerClient, service: str
) -> None:
    stranger = _stranger(client, f"{docker_lab.name}-{service}", {})
    try:
        with pytest.raises(
            EnvironmentFault, match=f"{docker_lab.name}-{service} that does not belong to this lab"
        ):
            _core(docker_lab)
        stranger.reload()
        assert stranger.status == "running"
        assert _left(client, docker_lab) == []
    finally:
        stranger.remove(force=True, v=True)


def test_a_strangers_volume_of_our_name_is_left_alone(docker_lab: Lab, client: docker.DockerClient) -> None:
    volume = client.volumes.create(f"{docker_lab.name}_postgres-data")
    try:
        with pytest.raises(EnvironmentFault, match=r"volume .* that does not belong to this lab"):
            _core(docker_lab)
        assert _left(client, docker_lab) == []
    finally:
        volume.remove()


@pytest.mark.slow
def test_services_of_another_version_go_with_the_lab(docker_lab: Lab, client: docker.DockerClient) -> None:
    _core(docker_lab)
    both = {"labctl.lab": docker_lab.name, "com.docker.compose.project": docker_lab.name}
    mailer = _stranger(client, f"{docker_lab.name}-mailer", {**both, "labctl.service": "mailer"})
    assert "another version" in docker_lab.status()["mailer"].detail
    assert docker_lab.running()
    _core(docker_lab)
    mailer.reload()
    assert mailer.status == "exited"
    assert "mailer" not in docker_lab.status()
    list(docker_lab.down())
    assert _left(client, docker_lab) == []


@pytest.mark.slow
def test_a_lab_whose_directory_is_lost_can_be_taken_down(
    docker_lab: Lab, client: docker.DockerClient, tmp_path: Path
) -> None:
    _core(docker_lab)
    urls = dict(docker_lab.urls())
    shutil.rmtree(docker_lab.directory.parent)
    elsewhere = open_lab(docker_lab.name, "docker", home=docker_lab.directory.parent)
    assert elsewhere.running()
    assert elsewhere.urls() == urls
    before = {name: seen.pid for name, seen in docker_lab.status().items()}
    list(elsewhere.up())
    assert {name: seen.pid for name, seen in elsewhere.status().items()} == before
    list(elsewhere.down())
    assert _left(client, docker_lab) == []


@pytest.mark.slow
def test_a_lab_of_another_home_is_reported_and_not_taken(
    docker_lab: Lab, client: docker.DockerClient, tmp_path: Path
) -> None:
    """Two users share one engine."""
    _core(docker_lab)
    second = open_lab(docker_lab.name, "docker", home=tmp_path / "second")
    attempts: list[Any] = [second.up, second.down, second.status, second.running, second.urls]
    for attempt in attempts:
        with pytest.raises(AnothersLab, match=str(tmp_path / "home")) as caught:
            deque(attempt())
        assert "--name" in caught.value.hint
    assert not (tmp_path / "second").exists()
    assert docker_lab.running()
    # Nor its data, even if nothing else is left of it.
    list(docker_lab.down(keep_data=True))
    for attempt in (second.up, second.down):
        with pytest.raises(AnothersLab):
            deque(attempt())
    list(docker_lab.down())
    assert _left(client, docker_lab) == []


@pytest.mark.slow
def test_a_removed_network_is_created_again(docker_lab: Lab, client: docker.DockerClient) -> None:
    _core(docker_lab)
    for name in ("worker", "api", "redis", "postgres"):
        client.containers.get(f"{docker_lab.name}-{name}").stop(timeout=5)
    client.networks.get(f"{docker_lab.name}_default").remove()
    _core(docker_lab)
    assert docker_lab.running()


def test_a_held_port_is_named_before_anything_is_created(
    docker_lab: Lab, client: docker.DockerClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        lab = open_lab(docker_lab.name, "docker", home=docker_lab.directory.parent, ports={"api": port})
        with pytest.raises(PortHeld, match=f"port {port} for api is held by"):
            _core(lab)
    assert _left(client, docker_lab) == []


def test_a_port_that_a_container_holds_is_reported_with_its_name(
    shared_docker_lab: Lab, docker_lab: Lab, client: docker.DockerClient, tmp_path: Path
) -> None:
    """The port's holder is the container, not the engine's proxy that listens for it."""
    port = int(shared_docker_lab.urls()["api"].rpartition(":")[2])
    holder = f"port {port} for api is held by the container {shared_docker_lab.name}-api "
    for kind in ("docker", "local"):
        home = tmp_path / kind
        lab = open_lab(docker_lab.name, kind, home=home, ports={"api": port})
        with pytest.raises(PortHeld, match=rf"{holder}\(of the lab {shared_docker_lab.name}\)"):
            list(lab.up())
        assert not lab.directory.exists()
    assert _left(client, docker_lab) == []


def test_an_interrupted_up_leaves_nothing(docker_lab: Lab, client: docker.DockerClient) -> None:
    with closing(docker_lab.up(observability=False)) as events:
        for event in events:
            if event == ServiceChanged("api", "starting"):
                break
    assert _left(client, docker_lab) == []
    assert not docker_lab.directory.exists()


def test_an_engine_that_ends_meanwhile_is_reported_as_unreachable(
    docker_lab: Lab, client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_proxy(tmp_path / "engine.sock") as proxy, monkeypatch.context() as environment:
        environment.setenv("DOCKER_HOST", proxy.url)
        lab = open_lab(docker_lab.name, "docker", home=docker_lab.directory.parent)
        events = lab.up(observability=False)
        assert ServiceChanged("redis", "starting") in events
        proxy.cut()
        with pytest.raises(EnvironmentFault, match="engine") as caught:
            list(events)
        assert caught.value.hint
        with pytest.raises(EnvironmentFault, match="engine"):
            lab.status()
    list(docker_lab.down())
    assert _left(client, docker_lab) == []


def test_containers_are_hardened(shared_docker_lab: Lab, client: docker.DockerClient) -> None:
    for name in ("redis", "postgres", "api", "worker"):
        found: dict[str, Any] = client.containers.get(f"{shared_docker_lab.name}-{name}").attrs
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        # Redis refuses writes at a limit of its own; at one of the container it would be killed.
        assert (host["Memory"] > 0) == (name != "redis")
        assert host["PidsLimit"] > 0
        bound = [each["HostIp"] for ports in (host["PortBindings"] or {}).values() for each in ports]
        assert set(bound) <= {"127.0.0.1"}
    for name in ("redis", "postgres", "api", "worker"):
        uid = shared_docker_lab.exec(name, ["sh", "-c", "grep -h ^Uid: /proc/*/status"]).stdout
        servers = {line.split()[1] for line in uid.splitlines()}
        # The shell that asks, and a minimal init, may run as another user.
        assert servers - {"0"}, name


def test_nothing_is_built_or_started_twice(shared_docker_lab: Lab) -> None:
    before = {name: seen.pid for name, seen in shared_docker_lab.status().items()}
    events = list(shared_docker_lab.up())
    assert not [event for event in events if isinstance(event, StackNoted)]
    assert {name: seen.pid for name, seen in shared_docker_lab.status().items()} == before


def test_a_followed_log_goes_on_after_a_restart(shared_docker_lab: Lab) -> None:
    with closing(shared_docker_lab.logs(("redis",), tail=1, follow=True)) as lines:
        next(lines)
        list(shared_docker_lab.restart("redis"))
        texts = []
        for line in lines:
            texts.append(line.text)
            if "Ready to accept connections" in line.text:
                break
    assert texts
    list(shared_docker_lab.up())


def test_the_whole_lab_is_wired(docker_lab: Lab, client: docker.DockerClient) -> None:
    """Prometheus, Grafana and Jaeger beside the core; the next `up` can leave them out. Kept data comes
    back."""
    list(docker_lab.up())
    states = {name: seen.state for name, seen in docker_lab.status().items()}
    assert states == dict.fromkeys(
        ("redis", "postgres", "api", "worker", "prometheus", "grafana", "jaeger"), "healthy"
    )
    assert set(docker_lab.urls()) == {"api", "redis", "postgres", "prometheus", "grafana", "jaeger"}
    ask = "import urllib.request as r; print(r.urlopen('http://jaeger:4318/').status)"
    assert docker_lab.exec("api", ["python", "-c", ask]).stdout == "200\n"
    environment = docker_lab.exec("api", ["printenv", "OTEL_EXPORTER_OTLP_ENDPOINT"]).stdout
    assert environment == "http://jaeger:4318\n"
    _core(docker_lab)
    assert set(docker_lab.status()) == {"redis", "postgres", "api", "worker"}
    insert = "INSERT INTO products VALUES ('kept', 'Kept', 1, 1)"
    assert docker_lab.exec("postgres", ["psql", "-c", insert]).exit_code == 0
    urls = docker_lab.urls()
    list(docker_lab.down(keep_data=True))
    # The volumes of PostgreSQL, of Prometheus, and of what the API keeps of traces and metrics.
    assert len(_left(client, docker_lab)) == 3
    _core(docker_lab)
    assert docker_lab.running()
    assert docker_lab.urls() == urls
    found = docker_lab.exec("postgres", ["psql", "-At", "-c", "SELECT name FROM products WHERE id = 'kept'"])
    assert found.stdout == "Kept\n"
    list(docker_lab.down())
    assert _left(client, docker_lab) == []
    with pytest.raises(NotFound):
        client.containers.get(f"{docker_lab.name}-grafana")
