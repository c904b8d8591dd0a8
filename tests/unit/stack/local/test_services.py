from pathlib import Path

import pytest

from service.writebehind.settings import Settings
from stack.errors import UsageError
from stack.local.services import lab_specs
from stack.spec.services import CORE, DEFAULT_PORTS, urls
from stack.spec.validate import check_name, check_ports, check_settings, short_name
from stack.state.lab import LabState

_STATE = LabState(runtime="local", ports={"api": 18000, "redis": 16379, "postgres": 15432})


def test_api_and_worker_are_given_settings_that_they_read_back() -> None:
    state = _STATE.with_settings({"BATCH_SIZE": "7"}).with_service_settings("worker", {"BATCH_SIZE": "9"})
    specs = lab_specs(state, Path("/lab"))
    api, worker = (Settings.from_env(dict(specs[name].env)) for name in ("api", "worker"))
    assert (api.batch_size, worker.batch_size) == (7, 9)
    assert api.api_port == 18000
    assert api.redis_url == worker.redis_url == "redis://127.0.0.1:16379/0"
    assert api.database_url == "postgresql://labuser:labpass@127.0.0.1:15432/labdb"


def test_redis_can_evict_the_cache_but_not_the_queue_and_keeps_nothing_on_disk() -> None:
    spec = lab_specs(_STATE.with_settings({"REDIS_MAXMEMORY": "64mb"}), Path("/lab"))["redis"]
    words = (*spec.args, *spec.tuned_args())
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--maxmemory"] == "64mb"
    assert options["--maxmemory-policy"] == "volatile-lru"
    assert (options["--save"], options["--appendonly"]) == ("", "no")


def test_more_memory_is_no_reason_to_start_redis_anew() -> None:
    more = lab_specs(_STATE.with_settings({"REDIS_MAXMEMORY": "64mb"}), Path("/lab"))["redis"]
    assert more.hash() == lab_specs(_STATE, Path("/lab"))["redis"].hash()
    assert more.tuned == (("maxmemory", "64mb"),)


def test_everything_listens_on_the_loopback_only() -> None:
    specs = lab_specs(_STATE, Path("/lab"))
    assert "127.0.0.1" in specs["redis"].args
    assert "listen_addresses=127.0.0.1" in specs["postgres"].args
    assert dict(specs["api"].env)["API_HOST"] == "127.0.0.1"


def test_a_service_started_by_hand_looks_for_the_lab_with_the_well_known_ports() -> None:
    reached = urls(DEFAULT_PORTS)
    assert (Settings().redis_url, Settings().database_url) == (reached["redis"], reached["postgres"])


def test_urls() -> None:
    assert urls(DEFAULT_PORTS) == {
        "api": "http://127.0.0.1:8000",
        "redis": "redis://127.0.0.1:6379/0",
        "postgres": "postgresql://labuser:labpass@127.0.0.1:5432/labdb",
    }


@pytest.mark.parametrize("service", ["worker", "lab42-worker", "other-worker"])
def test_services_go_by_two_names(service: str) -> None:
    assert short_name("other", service) == "worker"


def test_an_unknown_service_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'nginx'") as caught:
        short_name("lab42", "nginx")
    assert all(name in caught.value.hint for name in CORE)


@pytest.mark.parametrize("name", ["", "../etc", "Lab", "a b", "x" * 41, "-x", "lab\n"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"BATCHSIZE": "1"}, "'BATCHSIZE' is not a setting"),
        ({"BATCH_SIZE": "none"}, "BATCH_SIZE must be a whole number"),
        ({"FAILURE_RATE": "2"}, "FAILURE_RATE must be from 0 to 1"),
        ({"API_PORT": "1"}, "'API_PORT' is set by the lab itself"),
        ({"REDIS_MAXMEMORY": "much"}, "REDIS_MAXMEMORY must be a size"),
        ({"REDIS_MAXMEMORY": "999999999999999g"}, "REDIS_MAXMEMORY must be a size"),
    ],
)
def test_impossible_settings_are_refused_by_name(given: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        check_settings(given)


@pytest.mark.parametrize(
    ("service", "given"),
    [("redis", {"BATCH_SIZE": "1"}), ("postgres", {"BATCH_SIZE": "1"}), ("api", {"REDIS_MAXMEMORY": "1gb"})],
)
def test_a_setting_that_a_service_does_not_read_is_refused(service: str, given: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=f"not a setting of {service}"):
        check_settings(given, service)


def test_possible_settings_pass() -> None:
    given = {"BATCH_SIZE": "1", "REDIS_MAXMEMORY": "64mb", "SIMULATE_DB_FAILURE": "true"}
    assert check_settings(given) == given


@pytest.mark.parametrize("given", [{"web": 80}, {"api": 0}, {"api": 65536}, {"api": 7, "redis": 7}])
def test_impossible_ports_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        check_ports(given)
