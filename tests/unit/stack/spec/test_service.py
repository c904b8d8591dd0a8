import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from stack.local.services import lab_specs
from stack.spec.services import DEFAULT_PORTS
from stack.state.lab import LabState

_STATE = LabState(runtime="local", ports=DEFAULT_PORTS)


_HASH: Final = """
from pathlib import Path
from stack.state.lab import LabState
from stack.local.services import lab_specs
from stack.spec.services import DEFAULT_PORTS

print(lab_specs(LabState(runtime="local", ports=DEFAULT_PORTS), Path("/lab"))["redis"].hash())
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_is_the_same_in_every_process(seed: str) -> None:
    """What one labctl started, the next one must know again."""
    told = subprocess.run(
        [sys.executable, "-c", _HASH],
        env={"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == lab_specs(_STATE, Path("/lab"))["redis"].hash()


def test_another_setting_or_port_gives_another_hash() -> None:
    spec = lab_specs(_STATE, Path("/lab"))["api"]
    assert replace(spec, port=8001).hash() != spec.hash()
    assert replace(spec, env=(("BATCH_SIZE", "7"),)).hash() != spec.hash()


def test_a_setting_of_one_service_leaves_the_others_as_they_are() -> None:
    before = lab_specs(_STATE, Path("/lab"))
    after = lab_specs(_STATE.with_service_settings("worker", {"SIMULATE_DB_FAILURE": "true"}), Path("/lab"))
    assert [name for name in before if before[name].hash() != after[name].hash()] == ["worker"]
