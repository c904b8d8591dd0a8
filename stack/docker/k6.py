"""k6 as a container in the lab's network, there for one run."""

import threading
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stack.docker import containers as docker_containers
from stack.docker import labels as docker_labels
from stack.docker.engine import connect, map_docker_errors
from stack.docker.images import DockerImages
from stack.errors import EnvironmentFault
from stack.settings import StackSettings
from stack.spec.events import StackEvents
from stack.spec.load_test import TAIL, Script, k6_arguments, require_success, shown_command, split_lines
from stack.spec.service import ProgramSpec
from stack.spec.services import API, K6, K6_SCRIPTS

if TYPE_CHECKING:
    from docker import APIClient


class DockerLoadTest:
    """Implements `LoadTest` (see spec/load_test.py)."""

    def __init__(
        self, lab: str, script: Script, load_settings: Mapping[str, str], settings: StackSettings
    ) -> None:
        self._lab = lab
        self._script = f"{K6_SCRIPTS}/{script}.js"
        self._load_settings = dict(load_settings)
        self._settings = settings
        self._stopped = threading.Event()

    @property
    def command(self) -> str:
        network = docker_labels.network_name(self._lab)
        # The shell puts the directory in: it may be a long one.
        mount = f'"$(labctl compose --directory)/assets/k6:{K6_SCRIPTS}:ro"'
        program = f"docker run --rm --network {network} -v {mount} {docker_containers.container_of(K6).image}"
        return shown_command(program, self._script, {"BASE_URL": API.container_url(), **self._load_settings})

    def prepare(self) -> StackEvents:
        return DockerImages(self._settings).ensure(docker_containers.container_of(K6).image)

    def lines(self) -> Generator[str, None, None]:
        printed: deque[str] = deque(maxlen=TAIL)
        with (
            closing(connect(self._settings, patient=True)) as client,
            map_docker_errors("k6 could not be run"),
        ):
            identity = self._create(client)
            try:
                client.start(identity)
                if self._stopped.is_set():
                    return
                logs: Any = client.logs  # the stubs know no stream
                for line in split_lines(logs(identity, stream=True, follow=True)):
                    printed.append(line)
                    yield line
                code = int(client.wait(identity)["StatusCode"])
                if not self._stopped.is_set():
                    require_success(code, printed)
            finally:
                docker_containers.discard(client, identity)

    def stop(self) -> None:
        from docker.errors import APIError

        self._stopped.set()
        with closing(connect(self._settings)) as client, map_docker_errors("k6 could not be stopped"):
            container = docker_containers.find(client, self._lab, "k6")
            # It may end by itself at this moment.
            if container is not None:
                with suppress(APIError):
                    client.stop(container["Id"], timeout=int(K6.stop_seconds))

    def _create(self, client: "APIClient") -> str:
        """Create the container; its id.

        Raises:
            EnvironmentFault: a load test is under way already.
        """
        container = docker_containers.find(client, self._lab, "k6")
        if container is not None and container["State"]["Running"]:
            raise EnvironmentFault(
                f"another load test runs in the lab {self._lab}",
                hint=f"wait for its end, or end it with `docker rm -f {container['Name'].lstrip('/')}`",
            )
        if container is not None:
            docker_containers.discard(client, container["Id"])
        return docker_containers.create(client, self._lab, self._spec())

    def _spec(self) -> ProgramSpec:
        container = replace(docker_containers.container_of(K6), command=k6_arguments(self._script))
        env = {**dict(K6.env), **self._load_settings, "REPORT": "lines"}
        return replace(K6, env=tuple(sorted(env.items())), container=container)
