"""The life cycle over a runtime that only pretends."""

import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from stack.converge.lifecycle import Lifecycle
from stack.errors import DeadlinePassed, EnvironmentFault, NotRunning, PortHeld
from stack.ports import choose_free
from stack.spec.events import ServiceChanged, ServiceState, StackEvent
from stack.spec.runtime import ExecResult, FaultSignal, LogLine, Observed, Runtime, RuntimeKind, Usage
from stack.spec.service import HealthCheck, ServiceSpec


class FakeRuntime:
    """Services are entries of a dictionary."""

    def __init__(self) -> None:
        self.services: dict[str, Observed] = {}
        self.calls: list[str] = []
        #: Services that end as soon as they are started.
        self.doomed: set[str] = set()
        #: What their own health check says of those that it has given up.
        self.outputs: dict[str, str] = {}

    @property
    def kind(self) -> RuntimeKind:
        return "local"

    def observe(self) -> Mapping[str, Observed]:
        return dict(self.services)

    def put(self, spec: ServiceSpec, state: ServiceState) -> None:
        alive = state in ("running", "paused")
        self.services[spec.name] = Observed(
            service=spec.name,
            state=state,
            pid=1 if alive else None,
            spec_hash=spec.hash(),
            port=spec.port,
            health_output=self.outputs.get(spec.name, ""),
            unhealthy=spec.name in self.outputs,
        )

    def start(self, spec: ServiceSpec) -> None:
        self.calls.append(f"start {spec.name}")
        self.put(spec, "died" if spec.name in self.doomed else "running")

    def stop(self, service: str, *, seconds: float) -> None:
        self.calls.append(f"stop {service}")
        self.services[service] = replace(self.services[service], state="stopped", pid=None)

    def signal(self, service: str, fault: FaultSignal) -> None:
        self.calls.append(f"{fault} {service}")
        states: dict[FaultSignal, ServiceState] = {"kill": "died", "pause": "paused", "resume": "running"}
        self.services[service] = replace(self.services[service], state=states[fault])

    def remove(self, *, keep_data: bool) -> None:
        self.services.clear()

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        return ExecResult(0, "", "")

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine, None, None]:
        yield from (LogLine(service, f"{service} says why") for service in services)

    def usage(self) -> Mapping[str, Usage]:
        return {}


_: Runtime = FakeRuntime()


def _well(check: HealthCheck, seen: Observed) -> str:
    return ""


def _hanging(check: HealthCheck, seen: Observed) -> str:
    return "does not answer"


def _spec(name: str, *depends_on: str, port: int | None = None) -> ServiceSpec:
    health = HealthCheck(protocol="redis", host="127.0.0.1", port=port or 0, seconds=0.2)
    return ServiceSpec(name=name, program="redis", port=port, depends_on=depends_on, health=health)


def _states(events: Iterator[StackEvent]) -> list[str]:
    return [f"{event.service} {event.state}" for event in events if isinstance(event, ServiceChanged)]


@pytest.fixture
def specs() -> dict[str, ServiceSpec]:
    first, second = choose_free(2)
    return {
        "redis": _spec("redis", port=first),
        "api": _spec("api", "redis", port=second),
        "worker": _spec("worker", "redis"),
    }


def test_dependencies_are_healthy_before_others_start(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    states = _states(Lifecycle(runtime, specs, {}, _well).converge(specs))
    assert states[:2] == ["redis starting", "redis healthy"]
    assert sorted(states[2:]) == ["api healthy", "api starting", "worker healthy", "worker starting"]


def test_a_second_time_changes_nothing(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    list(Lifecycle(runtime, specs, {}, _well).converge(specs))
    runtime.calls.clear()
    assert sorted(_states(Lifecycle(runtime, specs, {}, _well).converge(specs))) == [
        "api healthy",
        "redis healthy",
        "worker healthy",
    ]
    assert runtime.calls == []


def test_furnishing_follows_whatever_made_a_service_healthy(specs: dict[str, ServiceSpec]) -> None:
    runtime, furnished = FakeRuntime(), list[str]()

    def post_start() -> str:
        furnished.append("redis")
        return "furnished"

    lifecycle = Lifecycle(runtime, specs, {"redis": post_start}, _well)
    list(lifecycle.converge(specs))
    list(lifecycle.converge(specs))
    assert furnished == ["redis", "redis"]


def test_a_service_that_ends_at_once_fails_fast_and_takes_along_what_was_begun(
    specs: dict[str, ServiceSpec],
) -> None:
    runtime = FakeRuntime()
    runtime.put(specs["worker"], "running")
    runtime.doomed = {"api"}
    with pytest.raises(EnvironmentFault, match="api ended while it was starting") as caught:
        list(Lifecycle(runtime, specs, {}, _well).converge(specs))
    assert "api says why" in caught.value.message
    assert {name: seen.state for name, seen in runtime.services.items()} == {
        "redis": "stopped",
        "api": "stopped",
        "worker": "running",
    }


def test_an_interruption_ends_what_was_begun(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    with closing(Lifecycle(runtime, specs, {}, _well).converge(specs)) as events:
        next(events)
        assert runtime.services, "something was begun"
    assert {seen.state for seen in runtime.services.values()} == {"stopped"}


def test_held_ports_are_told_before_anything_starts(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    port = specs["api"].port or 0
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortHeld, match=f"port {port} for api"):
        list(Lifecycle(runtime, specs, {}, _well).converge(specs))
    assert runtime.calls == []


def test_a_hanging_service_is_given_up_at_its_deadline() -> None:
    runtime = FakeRuntime()
    specs = {"worker": _spec("worker")}
    with pytest.raises(DeadlinePassed, match=r"worker is not healthy after 0\.2 s: it does not answer"):
        list(Lifecycle(runtime, specs, {}, _hanging).converge(specs))
    assert runtime.calls == ["start worker", "stop worker"]


def test_a_service_that_its_own_health_check_has_given_up_fails_at_once() -> None:
    runtime = FakeRuntime()
    runtime.outputs["worker"] = "no route to Redis"
    specs = {"worker": _spec("worker")}
    with pytest.raises(EnvironmentFault) as caught:
        list(Lifecycle(runtime, specs, {}, _hanging).converge(specs))
    assert caught.value.message.startswith(
        "worker is not healthy: it does not answer (its own health check says: no route to Redis)"
    )
    assert "worker says why" in caught.value.message


def test_an_opinion_from_before_the_repair_does_not_count() -> None:
    runtime = FakeRuntime()
    runtime.outputs["worker"] = "no route to Redis"
    spec = _spec("worker")
    runtime.put(spec, "running")
    with pytest.raises(DeadlinePassed, match=r"not healthy after 0\.2 s"):
        list(Lifecycle(runtime, {"worker": spec}, {}, _hanging).converge(("worker",)))
    assert [
        event.state
        for event in Lifecycle(runtime, {"worker": spec}, {}, _well).converge(("worker",))
        if isinstance(event, ServiceChanged)
    ] == ["healthy"]


def test_a_service_without_its_dependency_runs_and_says_what_it_waits_for(
    specs: dict[str, ServiceSpec],
) -> None:
    runtime = FakeRuntime()
    events = list(Lifecycle(runtime, specs, {}, _well).converge(("worker",)))
    assert events[-1] == ServiceChanged("worker", "running", "waits for redis")


def test_services_end_before_those_that_they_depend_on(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    lifecycle = Lifecycle(runtime, specs, {}, _well)
    list(lifecycle.converge(specs))
    assert _states(lifecycle.end(specs))[-2:] == ["redis stopping", "redis stopped"]


def test_faults_need_a_running_service(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    lifecycle = Lifecycle(runtime, specs, {}, _well)
    with pytest.raises(NotRunning, match="redis does not run"):
        list(lifecycle.inject("redis", "kill"))
    list(lifecycle.converge(("redis",)))
    assert _states(lifecycle.inject("redis", "pause")) == ["redis paused"]
    assert _states(lifecycle.inject("redis", "resume")) == ["redis healthy"]
    assert _states(lifecycle.inject("redis", "kill")) == ["redis died"]
