"""Plans, compared as the whole text that users see."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stack.converge.plan import Node, Plan
from stack.converge.planner import plan_down, plan_stop, plan_up
from stack.docker.services import docker_specs
from stack.local.services import lab_specs
from stack.spec.events import ServiceState
from stack.spec.runtime import Observed, Snapshot
from stack.spec.service import ServiceSpec
from stack.spec.services import DEFAULT_PORTS, OBSERVABILITY_PORTS
from stack.state.lab import LabState

_STATE = LabState(runtime="local", ports={**DEFAULT_PORTS, **OBSERVABILITY_PORTS})
_SPECS = lab_specs(_STATE, Path("/lab"))
_IMAGE = "write-behind-lab:0123"
_DOCKER = docker_specs(_STATE, _IMAGE)
_LIVES = ("running", "paused")
#: Everything that the containers need.
_READY = Snapshot(
    images={
        **{spec.container.image: "sha256:1" for spec in _DOCKER.values() if spec.container},
        "write-behind-lab:compose": "sha256:1",
    },
    network=True,
    volumes=("postgres-data", "telemetry", "prometheus-data"),
)


def _seen(spec: ServiceSpec, state: ServiceState = "running") -> Observed:
    return Observed(
        service=spec.name,
        state=state,
        pid=1 if state in _LIVES else None,
        spec_hash=spec.hash(),
        port=spec.port,
        image=spec.container.image if spec.container else "",
    )


def _of(*observed: Observed, around: Snapshot = _READY) -> Snapshot:
    return replace(around, services={seen.service: seen for seen in observed})


def _running(specs: dict[str, ServiceSpec], *others: Observed, around: Snapshot = _READY) -> Snapshot:
    """All services run, except those given another state."""
    return _of(*(_seen(spec) for spec in specs.values()), *others, around=around)


def _text(plan: Plan) -> str:
    return "\n".join(plan.lines())


def test_a_new_lab_of_processes() -> None:
    assert _text(plan_up(_SPECS, Snapshot())) == (
        """\
check machine: free ports: 6379 for redis, 5432 for postgres, 8000 for api
start redis
start postgres
apply schema: adds what is missing
start api
start worker"""
    )


def test_a_new_lab_of_containers() -> None:
    assert _text(plan_up(_DOCKER, Snapshot(images={"write-behind-lab:earlier": "sha256:0"}))) == (
        """\
pull image grafana/grafana:12.3.1: it is not here
pull image jaegertracing/jaeger:2.14.1: it is not here
pull image postgres:18-alpine: it is not here
pull image prom/prometheus:v3.7.3: it is not here
pull image redis:8-alpine: it is not here
build image write-behind-lab:0123: context changed
check machine: free ports: 6379 for redis, 5432 for postgres, 8000 for api, 9090 for prometheus, 3001 for \
grafana, 16686 for jaeger
create network
create volume postgres-data
create volume telemetry
create volume prometheus-data
start redis
start postgres
start prometheus
start grafana
start jaeger
apply schema: adds what is missing
start api
start worker"""
    )


def test_a_lab_that_runs() -> None:
    plan = plan_up(_SPECS, _running(_SPECS))
    assert not plan.changes
    assert _text(plan) == (
        """\
keep redis
keep postgres
apply schema: adds what is missing
keep api
keep worker
Nothing to do."""
    )


def test_a_paused_redis_that_must_be_replaced_goes_on_first_and_drains() -> None:
    outdated = replace(_seen(_SPECS["redis"], "paused"), spec_hash="other")
    snapshot = replace(_running(_SPECS, outdated, _seen(_SPECS["worker"], "paused")), unwritten=None)
    lines = plan_up(_SPECS, snapshot).lines()
    unknown = "it does not answer, so what waits in it is unknown"
    order = [
        "stop api: nothing may be acknowledged while redis drains",
        "thaw redis: it is paused, and needed for the drain",
        "thaw worker: it is paused, and needed for the drain",
        f"drain redis: {unknown}",
        f"replace redis: settings changed; {unknown}",
    ]
    assert [line for line in lines if line in order] == order


def test_another_memory_for_a_running_redis() -> None:
    around = replace(_READY, redis_options={"maxmemory": str(300 << 20)})
    plan = plan_up(_SPECS, _running(_SPECS, around=around))
    assert plan.changes
    assert "tune redis: maxmemory becomes 512mb" in plan.lines()
    same = replace(_READY, redis_options={"maxmemory": str(512 << 20)})
    assert not plan_up(_SPECS, _running(_SPECS, around=same)).changes


def test_each_state_has_its_remedy() -> None:
    observed = (
        _seen(_SPECS["redis"], "died"),
        _seen(_SPECS["postgres"], "paused"),
        _seen(_SPECS["api"], "stopped"),
        replace(_seen(_SPECS["worker"]), spec_hash="another"),
    )
    assert _text(plan_up(_SPECS, _of(*observed))) == (
        """\
clear redis: it has died
check machine: free ports: 6379 for redis, 8000 for api
replace redis: it has died
resume postgres: it was paused
apply schema: adds what is missing
start api: it was stopped
replace worker: settings changed"""
    )


def test_redis_drains_before_it_is_replaced() -> None:
    outdated = replace(_seen(_SPECS["redis"]), spec_hash="another")
    snapshot = replace(_running(_SPECS, outdated), unwritten=12)
    assert _text(plan_up(_SPECS, snapshot)) == (
        """\
stop api: nothing may be acknowledged while redis drains
drain redis: 12 writes in it alone
check machine
replace redis: settings changed; 12 writes to drain first
keep postgres
apply schema: adds what is missing
start api: it was stopped while redis drained
keep worker"""
    )


def test_a_dead_redis_has_nothing_to_drain() -> None:
    dead = replace(_seen(_SPECS["redis"], "died"), spec_hash="another", detail="it was killed")
    assert _text(plan_up(_SPECS, _running(_SPECS, dead))).splitlines()[:3] == [
        "clear redis: it has died",
        "check machine: free ports: 6379 for redis",
        "replace redis: it was killed",
    ]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda seen: replace(seen, port=1234), "port changed from 1234 to 6379"),
        (
            lambda seen: replace(seen, image="redis:7-alpine"),
            "image changed from redis:7-alpine to redis:8-alpine",
        ),
        (lambda seen: seen, "settings changed"),
    ],
)
def test_what_differs_is_named(change: Callable[[Observed], Observed], cause: str) -> None:
    outdated = change(replace(_seen(_DOCKER["redis"]), spec_hash="another"))
    lines = plan_up(_DOCKER, _running(_DOCKER, outdated)).lines()
    assert f"replace redis: {cause}" in lines


def test_observability_off() -> None:
    wanted = docker_specs(replace(_STATE, observability=False), _IMAGE)
    snapshot = _running(wanted, *(_seen(_DOCKER[name]) for name in ("prometheus", "grafana", "jaeger")))
    assert _text(plan_up(wanted, snapshot)) == (
        """\
stop prometheus: the lab has it no more
stop grafana: the lab has it no more
stop jaeger: the lab has it no more
keep redis
keep postgres
apply schema: adds what is missing
keep api
keep worker"""
    )


def test_compose_gets_the_image_that_the_lab_runs() -> None:
    images = {**_READY.images, "write-behind-lab:compose": "sha256:0"}
    lines = plan_up(_DOCKER, _running(_DOCKER, around=replace(_READY, images=images))).lines()
    assert lines[0] == "tag image write-behind-lab:0123: compose would start another one"


def test_one_service_waits_for_those_that_do_not_run() -> None:
    plan = plan_up(_SPECS, _of(_seen(_SPECS["postgres"], "stopped")), ("worker",))
    assert _text(plan) == "check machine\nstart worker"
    assert plan.nodes[-1].waits_for == ("redis", "postgres")


def test_down() -> None:
    snapshot = _running(_SPECS, _seen(_SPECS["worker"], "died"))
    assert _text(plan_down(_SPECS, snapshot, keep_data=False)) == (
        """\
stop api
stop worker: it does not run
stop redis
stop postgres
remove lab: with all its data"""
    )


def test_down_that_keeps_the_data() -> None:
    snapshot = replace(_running(_SPECS), unwritten=1)
    assert _text(plan_down(_SPECS, snapshot, keep_data=True)) == (
        """\
stop api: nothing may be acknowledged while redis drains
drain redis: 1 write in it alone
stop worker
stop redis
stop postgres
remove lab: its data stays"""
    )


def test_down_takes_along_what_another_version_started() -> None:
    stranger = Observed(service="mailer", state="running", pid=1)
    assert "stop mailer" in plan_down(_SPECS, _running(_SPECS, stranger), keep_data=False).lines()


def test_services_end_before_those_that_they_depend_on() -> None:
    assert plan_stop(_SPECS, ("redis", "api"), _running(_SPECS)).lines() == ("stop api", "stop redis")
    stopped = _running(_SPECS, _seen(_SPECS["api"], "stopped"))
    lines = plan_stop(_SPECS, ("redis", "api"), stopped).lines()
    assert lines == ("stop api: it does not run", "stop redis")


def test_dependencies_come_first_whatever_the_order() -> None:
    shuffled = {name: _SPECS[name] for name in ("worker", "postgres", "api", "redis")}
    names = [node.name for node in plan_up(shuffled, Snapshot()).nodes if node.verb == "start"]
    assert names == ["postgres", "redis", "worker", "api"]


def test_a_circle_is_refused() -> None:
    circle = {**_SPECS, "redis": replace(_SPECS["redis"], depends_on=("api",))}
    with pytest.raises(ValueError, match="depend on one another"):
        plan_up(circle, Snapshot())


def test_the_plan_for_programs() -> None:
    plan = Plan.of([Node(verb="start", name="api", after=("start redis",)), Node(verb="start", name="redis")])
    assert plan.document() == {
        "changes": True,
        "plan": [
            {"verb": "start", "subject": "redis", "cause": "", "after": []},
            {"verb": "start", "subject": "api", "cause": "", "after": ["start redis"]},
        ],
    }
