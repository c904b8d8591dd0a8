"""What the engine reports about a container, in the lab's terms."""

from typing import Any

import pytest

from stack.docker.inspect import observed, unix_time
from stack.docker.labels import is_own, labels_of
from stack.spec.events import ServiceState


def _inspected(**state: Any) -> dict[str, Any]:
    whole = {
        "Status": "running",
        "Running": True,
        "Pid": 42,
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
        "ExitCode": 0,
        "OOMKilled": False,
    }
    return {
        "State": {**whole, **state},
        "Config": {"Labels": {"labctl.spec": "abc"}},
        "HostConfig": {"PortBindings": {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8001"}]}},
    }


def test_a_running_container() -> None:
    seen = observed("api", _inspected())
    assert (seen.state, seen.pid, seen.port, seen.spec_hash) == ("running", 42, 8001, "abc")
    assert seen.started_at == pytest.approx(1767323045.123457)
    # Inside the container, the same process has another pid.
    assert seen.own_pid is None


@pytest.mark.parametrize(
    ("code", "state", "detail"),
    [
        (0, "stopped", ""),
        (143, "stopped", ""),
        (130, "stopped", ""),
        (137, "died", "it was killed"),
        (1, "died", "it ended with exit code 1"),
    ],
)
def test_how_it_ended(code: int, state: ServiceState, detail: str) -> None:
    seen = observed("api", _inspected(Status="exited", Running=False, Pid=0, ExitCode=code))
    assert (seen.state, seen.detail, seen.pid, seen.started_at) == (state, detail, None, None)


def test_one_that_ran_out_of_memory_says_so() -> None:
    seen = observed("api", _inspected(Status="exited", Running=False, ExitCode=137, OOMKilled=True))
    assert seen.detail == "it ran out of memory"


def test_a_paused_one_still_has_its_process() -> None:
    seen = observed("api", _inspected(Status="paused", Paused=True))
    assert (seen.state, seen.pid) == ("paused", 42)


@pytest.mark.parametrize(
    ("status", "code", "output", "health_output", "unhealthy"),
    [
        ("healthy", 0, "fine\n", "", False),
        ("starting", 1, "first\nno route\n", "no route", False),
        ("unhealthy", 1, "", "exit code 1", True),
    ],
)
def test_what_its_own_health_check_says(
    status: str, code: int, output: str, health_output: str, unhealthy: bool
) -> None:
    looks = [{"ExitCode": 1, "Output": "long ago"}, {"ExitCode": code, "Output": output}]
    seen = observed("api", _inspected(Health={"Status": status, "Log": looks}))
    assert (seen.health_output, seen.unhealthy) == (health_output, unhealthy)
    assert seen.state == "running"


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z"])
def test_times_with_and_without_a_fraction(text: str) -> None:
    assert unix_time(text) == 1767323045.0


def test_both_sets_of_labels_make_it_the_labs_own() -> None:
    ours = {"labctl.lab": "lab42", "com.docker.compose.project": "lab42"}
    assert is_own("lab42", ours)
    assert not is_own("other", ours)
    for missing in ours:
        assert not is_own("lab42", {key: value for key, value in ours.items() if key != missing})
    assert not is_own("lab42", None)
    assert labels_of({"Labels": None, "Config": {"Labels": ours}}) == ours
