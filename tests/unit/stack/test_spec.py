from dataclasses import replace

from stack.lab_state import LabState
from stack.topology import DEFAULT_PORTS, lab_specs

_STATE = LabState(runtime="local", ports=DEFAULT_PORTS)


def test_the_hash_is_stable_across_processes() -> None:
    assert lab_specs(_STATE)["redis"].hash() == lab_specs(_STATE)["redis"].hash()
    assert len(lab_specs(_STATE)["redis"].hash()) == 16


def test_another_setting_or_port_gives_another_hash() -> None:
    spec = lab_specs(_STATE)["api"]
    assert replace(spec, port=8001).hash() != spec.hash()
    assert replace(spec, env=(("BATCH_SIZE", "7"),)).hash() != spec.hash()


def test_a_setting_of_one_service_leaves_the_others_as_they_are() -> None:
    before = lab_specs(_STATE)
    after = lab_specs(_STATE.with_service_settings("worker", {"SIMULATE_DB_FAILURE": "true"}))
    assert [name for name in before if before[name].hash() != after[name].hash()] == ["worker"]
