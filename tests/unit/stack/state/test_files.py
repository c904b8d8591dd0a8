import json
import subprocess
import sys
from pathlib import Path

import pytest

from stack.errors import StateUnusable
from stack.local import records as local_records
from stack.local.process import ProcessId
from stack.local.records import ProcessRecord
from stack.spec.hints import for_lab
from stack.state import lab as lab_state
from stack.state.files import read_json, write_json
from stack.state.lab import LabState
from stack.wait import wait_until


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": [1, "two"]})
    assert read_json(tmp_path / "a.json") == {"x": [1, "two"]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_absent_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "missing" / "a.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '"x"', "\x00\xff"])
def test_damage_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lab.json"
    path.write_text(text)
    with pytest.raises(StateUnusable, match=r"lab\.json is damaged") as caught:
        read_json(path)
    assert "labctl down" in for_lab(caught.value.hint, "lab42")


def test_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lab.json"
    path.write_text('{"format": 99}')
    with pytest.raises(StateUnusable, match="format 99"):
        read_json(path)


def test_a_full_disk_is_named_with_the_path() -> None:
    with pytest.raises(StateUnusable, match="/proc"):
        write_json(Path("/proc/lab.json"), {})


_WRITER = """
import itertools, sys
from pathlib import Path
from stack.state.files import write_json

for number in itertools.count():
    write_json(Path(sys.argv[1]), {"x": "y" * (number % 20000)})
"""


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {})
    seen = set()

    def has_read_enough() -> bool:
        document = read_json(path)
        assert document is not None
        seen.add(str(document))
        return len(seen) > 50

    with subprocess.Popen([sys.executable, "-c", _WRITER, path]) as writer:
        try:
            wait_until(has_read_enough, seconds=20, reason="50 versions have been read", hint="", poll=0)
        finally:
            writer.kill()


def test_the_lab_is_remembered(tmp_path: Path) -> None:
    state = LabState(runtime="local", ports={"api": 1, "redis": 2, "postgres": 3}).with_settings(
        {"BATCH_SIZE": "1"}
    )
    lab_state.save(tmp_path, state.with_service_settings("worker", {"MAX_RETRIES": "2"}))
    found = lab_state.load(tmp_path)
    assert found == state.with_service_settings("worker", {"MAX_RETRIES": "2"})


_PORTS = {"api": 1, "redis": 2, "postgres": 3}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"runtime": "cloud", "ports": {}},
        {"runtime": "local", "ports": 1},
        {"runtime": "local", "ports": {}, "settings": {}, "service_settings": {}},
        {"runtime": "local", "ports": {**_PORTS, "api": 99_999}, "settings": {}, "service_settings": {}},
        {"runtime": "local", "ports": _PORTS, "settings": {"OLD": "1"}, "service_settings": {}},
        {
            "runtime": "local",
            "ports": _PORTS,
            "settings": {},
            "service_settings": {"api": {"BATCH_SIZE": "x"}},
        },
    ],
)
def test_a_lab_that_makes_no_sense_is_damaged(tmp_path: Path, content: dict[str, object]) -> None:
    (tmp_path / lab_state.FILE).write_text(json.dumps({"format": 1, **content}))
    with pytest.raises(StateUnusable, match="damaged"):
        lab_state.load(tmp_path)


def test_a_process_is_remembered(tmp_path: Path) -> None:
    record = ProcessRecord(
        service="api", leader=ProcessId(7, "boot/1"), spec_hash="abc", port=8000, env={"A": "1"}
    )
    local_records.write(tmp_path, record)
    assert local_records.read(tmp_path, "api") == record
    assert local_records.read(tmp_path, "worker") is None


def test_a_damaged_process_record_is_no_reason_to_give_up(tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text('{"format": 1, "pid": "many"}')
    found = local_records.read(tmp_path, "api")
    assert found is not None
    assert found.damaged
