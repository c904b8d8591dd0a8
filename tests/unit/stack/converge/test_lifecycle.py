"""The life cycle, on a fake runtime."""

import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import pytest

from stack.converge import faults
from stack.converge.lifecycle import Converged, Lifecycle, Surroundings
from stack.converge.plan import Plan
from stack.converge.planner import plan_stop, plan_up
from stack.converge.readiness import Readiness
from stack.errors import DeadlinePassed, EnvironmentFault, NotRunning, PortHeld
from stack.ports import choose_free
from stack.spec.events import ServiceChanged, ServiceState, StackEvent
from stack.spec.runtime import (
    ExecResult,
    FaultSignal,
    LogLine,
    Observed,
    Runtime,
    RuntimeKind,
    Snapshot,
    Usage,
)
from stack.spec.service import HealthCheck, ServiceSpec


class FakeRuntime:
    """A runtime whose services are entries of a dictionary."""

    def __init__(self) -> None:
        self.services: dict[str, Observed] = {}
        self.calls: list[str] = []
        #: Services that were observed singly.
        self.looks: list[str] = []
        #: Services that end as soon as they are started.
        self.doomed: set[str] = set()
        #: Output of the health checks that have given up, by service.
        self.outputs: dict[str, str] = {}

    @property
    def kind(self) -> RuntimeKind:
        return "local"

    def connect(self) -> None:
        """Always there."""

    def observe(self) -> Mapping[str, Observed]:
        return dict(self.services)

    def observe_service(self, service: str) -> Observed | None:
        self.looks.append(service)
        return self.services.get(service)

    def snapshot(self) -> Snapshot:
        return Snapshot(services=self.observe())

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


class Lab:
    """Plans and carries out, on what there is by now."""

    def __init__(
        self,
        runtime: FakeRuntime,
        specs: Mapping[str, ServiceSpec],
        probe: Callable[[HealthCheck, Observed], str] = _well,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.runtime = runtime
        self.specs = specs
        self.readiness = Readiness(runtime, probe, lambda _: "")
        self.surroundings = surroundings or Surroundings()

    def run(self, plan: Plan) -> Converged:
        snapshot = self.runtime.snapshot()
        return Lifecycle(self.runtime, self.specs, snapshot, self.readiness, self.surroundings).run(plan)

    def converge(self, *services: str) -> Converged:
        return self.run(plan_up(self.specs, self.runtime.snapshot(), services or None))

    def end(self, *services: str) -> Converged:
        return self.run(plan_stop(self.specs, services, self.runtime.snapshot()))


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
    states = _states(Lab(runtime, specs).converge())
    assert states[:2] == ["redis starting", "redis healthy"]
    assert sorted(states[2:]) == ["api healthy", "api starting", "worker healthy", "worker starting"]


def test_a_second_time_changes_nothing(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    list(Lab(runtime, specs).converge())
    runtime.calls.clear()
    assert sorted(_states(Lab(runtime, specs).converge())) == [
        "api healthy",
        "redis healthy",
        "worker healthy",
    ]
    assert runtime.calls == []


def test_the_schema_is_completed_whenever_postgres_came_up(specs: dict[str, ServiceSpec]) -> None:
    runtime, applied = FakeRuntime(), list[str]()

    def apply_schema() -> str:
        applied.append(runtime.services["postgres"].state)
        return "its tables are locked"

    specs = {"postgres": _spec("postgres"), "api": _spec("api", "postgres")}
    lab = Lab(runtime, specs, surroundings=Surroundings(apply_schema=apply_schema))
    events = list(lab.converge())
    list(lab.converge())
    assert applied == ["running", "running"]
    told = events.index(ServiceChanged("postgres", "healthy", "its tables are locked"))
    assert told < events.index(ServiceChanged("api", "starting"))


def test_what_runs_is_not_looked_at_again(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    list(Lab(runtime, specs).converge())
    assert sorted(runtime.looks) == sorted(specs)
    runtime.looks.clear()
    list(Lab(runtime, specs).converge())
    assert runtime.looks == []


def test_a_service_that_ends_at_once_fails_fast_and_takes_along_what_was_begun(
    specs: dict[str, ServiceSpec],
) -> None:
    runtime = FakeRuntime()
    runtime.put(specs["worker"], "running")
    runtime.doomed = {"api"}
    with pytest.raises(EnvironmentFault, match="api ended while it was starting") as caught:
        list(Lab(runtime, specs).converge())
    assert "api says why" in caught.value.message
    assert {name: seen.state for name, seen in runtime.services.items()} == {
        "redis": "stopped",
        "api": "stopped",
        "worker": "running",
    }


def test_an_interruption_ends_what_was_begun(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    with closing(Lab(runtime, specs).converge()) as events:
        next(events)
        assert runtime.services, "something was begun"
    assert {seen.state for seen in runtime.services.values()} == {"stopped"}


def test_held_ports_are_told_before_anything_starts(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    port = specs["api"].port or 0
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortHeld, match=f"port {port} for api"):
        list(Lab(runtime, specs).converge())
    assert runtime.calls == []


def test_a_hanging_service_is_given_up_at_its_deadline() -> None:
    runtime = FakeRuntime()
    specs = {"worker": _spec("worker")}
    with pytest.raises(DeadlinePassed, match=r"worker is not healthy after 0\.2 s: it does not answer"):
        list(Lab(runtime, specs, _hanging).converge())
    assert runtime.calls == ["start worker", "stop worker"]


def test_a_service_that_its_own_health_check_has_given_up_fails_at_once() -> None:
    runtime = FakeRuntime()
    runtime.outputs["worker"] = "no route to Redis"
    specs = {"worker": _spec("worker")}
    with pytest.raises(EnvironmentFault) as caught:
        list(Lab(runtime, specs, _hanging).converge())
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
        list(Lab(runtime, {"worker": spec}, _hanging).converge("worker"))
    assert [
        event.state
        for event in Lab(runtime, {"worker": spec}).converge("worker")
        if isinstance(event, ServiceChanged)
    ] == ["healthy"]


def test_a_service_without_its_dependency_runs_and_says_what_it_waits_for(
    specs: dict[str, ServiceSpec],
) -> None:
    runtime = FakeRuntime()
    events = list(Lab(runtime, specs).converge("worker"))
    assert events[-1] == ServiceChanged("worker", "running", "waits for redis")


def test_services_end_before_those_that_they_depend_on(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    lab = Lab(runtime, specs)
    list(lab.converge())
    assert _states(lab.end(*specs))[-2:] == ["redis stopping", "redis stopped"]


def test_faults_need_a_running_service(specs: dict[str, ServiceSpec]) -> None:
    runtime = FakeRuntime()
    lab = Lab(runtime, specs)
    with pytest.raises(NotRunning, match="redis does not run"):
        list(faults.kill(runtime, "redis"))
    list(lab.converge("redis"))
    assert _states(faults.pause(runtime, "redis")) == ["redis paused"]
    assert _states(lab.converge("redis")) == ["redis healthy"]
    assert _states(faults.kill(runtime, "redis")) == ["redis died"]
