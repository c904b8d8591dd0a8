"""What the local runtime remembers of each process that it started: <service>.json."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stack.errors import StateUnusable
from stack.local.process import ProcessId
from stack.spec.service import StopSignal
from stack.state.files import read_json, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A service as it was started: its process, port and specification."""

    service: str
    #: None after it was stopped on purpose.
    leader: ProcessId | None
    spec_hash: str = ""
    port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: StopSignal = "SIGTERM"
    #: Whether its file was unreadable, so that its processes must be found by other means.
    damaged: bool = False


def path_of(directory: Path, service: str) -> Path:
    return directory / f"{service}.json"


def write(directory: Path, record: ProcessRecord) -> None:
    """Raises StateUnusable if it can't be written."""
    leader = record.leader
    write_json(
        path_of(directory, record.service),
        {
            "pid": leader.pid if leader else None,
            "birth": leader.start_time if leader else "",
            "spec_hash": record.spec_hash,
            "port": record.port,
            "env": dict(record.env),
            "stop_signal": record.stop_signal,
        },
    )


def read(directory: Path, service: str) -> ProcessRecord | None:
    """What is known of a service; None if it was never started. Never fails: a damaged file says so."""
    with suppress(StateUnusable, KeyError, TypeError, ValueError, AttributeError):
        content = read_json(path_of(directory, service))
        if content is None:
            return None
        pid = content["pid"]
        return ProcessRecord(
            service=service,
            leader=None if pid is None else ProcessId(int(pid), str(content["birth"])),
            spec_hash=str(content["spec_hash"]),
            port=content["port"],
            env={str(name): str(value) for name, value in content["env"].items()},
            stop_signal="SIGINT" if content["stop_signal"] == "SIGINT" else "SIGTERM",
        )
    return ProcessRecord(service=service, leader=None, damaged=True)
