from dataclasses import replace

import pytest

from stack.converge.plan import in_order, plan
from stack.local.services import lab_specs
from stack.spec.events import ServiceState
from stack.spec.runtime import Observed
from stack.spec.services import DEFAULT_PORTS
from stack.state.lab import LabState

_SPECS = lab_specs(LabState(runtime="local", ports=DEFAULT_PORTS))


def _seen(service: str, state: ServiceState) -> Observed:
    return Observed(service=service, state=state, pid=1, spec_hash=_SPECS[service].hash())


def _text(*observed: Observed) -> list[str]:
    return [str(action) for action in plan(_SPECS, {seen.service: seen for seen in observed})]


def test_nothing_there() -> None:
    assert _text() == ["start redis", "start postgres", "start api", "start worker"]


def test_everything_there() -> None:
    assert _text(*(_seen(name, "running") for name in _SPECS)) == [
        "keep redis",
        "keep postgres",
        "keep api",
        "keep worker",
    ]


def test_each_state_has_its_remedy() -> None:
    outdated = replace(_seen("worker", "running"), spec_hash="another")
    observed = (_seen("redis", "died"), _seen("postgres", "paused"), _seen("api", "stopped"), outdated)
    assert _text(*observed) == [
        "replace redis: it has died",
        "resume postgres: it was paused",
        "start api: it was stopped",
        "replace worker: what it is started from has changed",
    ]


def test_a_paused_service_from_another_spec_is_replaced() -> None:
    outdated = replace(_seen("redis", "paused"), spec_hash="another")
    assert _text(outdated)[0] == "replace redis: what it is started from has changed"


def test_dependencies_come_first_whatever_the_order() -> None:
    shuffled = {name: _SPECS[name] for name in ("worker", "postgres", "api", "redis")}
    assert in_order(shuffled) == ("postgres", "redis", "worker", "api")


def test_a_circle_is_refused() -> None:
    circle = {**_SPECS, "redis": replace(_SPECS["redis"], depends_on=("api",))}
    with pytest.raises(ValueError, match="depend on one another"):
        in_order(circle)
