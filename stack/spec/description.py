"""What the description of a service consists of. The descriptions themselves are in services.py."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from stack.spec.container import ContainerSpec
from stack.spec.names import HOST
from stack.spec.service import HealthCheck, ProbeKind, Program, ServiceSpec, StopSignal

#: Where a service in a container listens: its network is the lab's own.
EVERY_ADDRESS: Final = "0.0.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a service is asked for its health, in whichever lab."""

    protocol: ProbeKind
    #: The service at whose port it is asked; '' for its own.
    at: str = ""
    #: See `HealthCheck`.
    path: str = "/health"
    user: str = ""
    database: str = ""
    #: How long a process may take from its start, in s.
    seconds: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of the lab, as every lab has it: what differs between labs and runtimes is filled in.

    `{host}` and `{port}` in its URL stand for where it is reached; in its arguments, for where it listens.
    """

    name: str
    program: Program
    #: Its well-known port on this machine; None if it does not listen.
    port: int | None = None
    #: Its URL; '' if it has none.
    url: str = ""
    #: Its arguments, wherever it runs.
    args: tuple[str, ...] = ()
    #: Further arguments of a process.
    process_args: tuple[str, ...] = ()
    #: Its environment, apart from the lab's settings.
    env: tuple[tuple[str, str], ...] = ()
    depends_on: tuple[str, ...] = ()
    health: Health
    #: Whether it keeps something on disk.
    has_data: bool = False
    stop_signal: StopSignal = "SIGTERM"
    #: How long it may take to end in good order, in s.
    stop_seconds: float = 10.0
    #: What a container needs. `args` follow the command.
    container: ContainerSpec

    def url_at(self, host: str, port: int) -> str:
        """Its URL, where it is reached at this address."""
        return self.url.format(host=host, port=port)

    def container_url(self) -> str:
        """Its URL in the network of a lab's containers, where it goes by its short name.

        Raises:
            ValueError: its container does not listen.
        """
        if self.container.port is None:
            raise ValueError(self.name)
        return self.url_at(self.name, self.container.port)

    def as_process(
        self,
        ports: Mapping[str, int],
        env: tuple[tuple[str, str], ...],
        tuned: tuple[tuple[str, str], ...] = (),
    ) -> ServiceSpec:
        """Its specification as a process of this machine.

        Args:
            ports: Ports on this machine, by service.
            env: The lab's settings, for the services that read them.
            tuned: Options that change while it runs.
        """
        args = _filled((*self.args, *self.process_args), HOST, ports.get(self.name))
        return self._spec(ports, env, tuned, args=args, seconds=self.health.seconds)

    def as_container(
        self,
        ports: Mapping[str, int],
        env: tuple[tuple[str, str], ...],
        tuned: tuple[tuple[str, str], ...] = (),
        *,
        own_image: str,
    ) -> ServiceSpec:
        """Its specification as a container.

        Args:
            ports: Ports on this machine, by service.
            env: The lab's settings, for the services that read them.
            tuned: Options that change while it runs.
            own_image: The image of the API and the worker.
        """
        args = _filled(self.args, EVERY_ADDRESS, self.container.port)
        container = replace(
            self.container,
            image=self.container.image or own_image,
            command=(*self.container.command, *args),
        )
        probe = container.probe
        # An entry point may have a database to set up first, which is why the engine's own probe waits.
        seconds = max(self.health.seconds, probe.start_period if probe else 0.0)
        return self._spec(ports, env, tuned, container=container, seconds=seconds)

    def _spec(
        self,
        ports: Mapping[str, int],
        env: tuple[tuple[str, str], ...],
        tuned: tuple[tuple[str, str], ...],
        *,
        args: tuple[str, ...] = (),
        container: ContainerSpec | None = None,
        seconds: float,
    ) -> ServiceSpec:
        asked = self.health
        return ServiceSpec(
            name=self.name,
            program=self.program,
            args=args,
            tuned=tuned,
            env=tuple(sorted((*self.env, *env))),
            port=ports.get(self.name),
            depends_on=self.depends_on,
            stop_signal=self.stop_signal,
            stop_seconds=self.stop_seconds,
            container=container,
            health=HealthCheck(
                protocol=asked.protocol,
                host=HOST,
                port=ports[asked.at or self.name],
                path=asked.path,
                user=asked.user,
                database=asked.database,
                seconds=seconds,
            ),
        )


def _filled(args: tuple[str, ...], host: str, port: int | None) -> tuple[str, ...]:
    return tuple(arg.format(host=host, port=port) for arg in args)
