"""The lab as ordinary processes of this machine, without Docker.

A lab's directory holds `<service>.json` (which process it is), `logs/`, `data/` (the databases' files),
`run/` (the working directories of the other services), `telemetry/` (what the API and the workers keep there)
and `bin/` (programs for `exec`).
"""

import os
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
from typing import Final

from stack.errors import DeadlinePassed, EnvironmentFault, NotRunning
from stack.local import exec as local_exec
from stack.local import logs as local_logs
from stack.local import postgres as local_postgres
from stack.local import records as local_records
from stack.local.process import ProcessTree, is_alive, is_paused, spawn, started_at
from stack.local.programs import redis_server
from stack.local.records import ProcessRecord
from stack.local.usage import UsageMeter
from stack.settings import StackSettings, inherited_env
from stack.spec.hints import labctl
from stack.spec.names import TELEMETRY
from stack.spec.runtime import ExecResult, FaultSignal, LogLine, Observed, RuntimeKind, Snapshot, Usage
from stack.spec.service import ServiceSpec
from stack.spec.services import CORE, WITH_DATA
from stack.state.files import map_os_errors
from stack.wait import wait_until

_SIGNALS: Final[Mapping[FaultSignal, Signals]] = {
    "kill": SIGKILL,
    "pause": SIGSTOP,
    "resume": SIGCONT,
}
#: Seconds until a killed process is gone.
_KILL_SECONDS: Final = 5.0


class LocalRuntime:
    """Implements `Runtime` (see spec/runtime.py)."""

    def __init__(self, directory: Path, settings: StackSettings) -> None:
        self._directory = directory
        self._settings = settings
        self._meters = {service: UsageMeter() for service in CORE}

    @property
    def kind(self) -> RuntimeKind:
        return "local"

    def connect(self) -> None:
        """This machine is always there."""

    def observe(self) -> Mapping[str, Observed]:
        observed = {service: self.observe_service(service) for service in CORE}
        return {service: seen for service, seen in observed.items() if seen is not None}

    def observe_service(self, service: str) -> Observed | None:
        record = local_records.read(self._directory, service)
        return None if record is None else self._observe(record)

    def snapshot(self) -> Snapshot:
        return Snapshot(services=self.observe())

    def start(self, spec: ServiceSpec) -> None:
        log = self._log(spec.name)
        argv, env = self._command(spec)
        with map_os_errors(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            self._workplace(spec.name).mkdir(parents=True, exist_ok=True)
            local_logs.set_aside(log)
        try:
            leader = spawn(argv, env=env, directory=self._workplace(spec.name), log=log)
        except OSError as error:
            raise EnvironmentFault(
                f"{spec.name} could not be started: {argv[0]}: {error.strerror or error}",
                hint=f"{labctl('doctor')} checks the programs and the state directory",
            ) from error
        record = ProcessRecord(
            service=spec.name,
            leader=leader,
            spec_hash=spec.hash(),
            port=spec.port,
            env=dict(spec.env),
            stop_signal=spec.stop_signal,
        )
        try:
            local_records.write(self._directory, record)
        except EnvironmentFault:
            self._end(ProcessTree(leader, self._workplace(spec.name), log))
            raise

    def stop(self, service: str, *, seconds: float) -> None:
        record = local_records.read(self._directory, service)
        group = self._group(service, record)
        leader = record.leader if record else None
        if leader is not None and is_alive(leader) and seconds > 0:
            assert record is not None
            self._ask_to_end(group, Signals[record.stop_signal], seconds)
        self._end(group)
        if record is not None:
            stopped = ProcessRecord(service=service, leader=None, env=record.env, port=record.port)
            # A lab can be stopped even if the disk is full; the old record then says that the service died.
            with suppress(EnvironmentFault):
                local_records.write(self._directory, stopped)

    def signal(self, service: str, fault: FaultSignal) -> None:
        group = self._group(service)
        if fault == "kill":
            self._end(group)
        else:
            group.send(_SIGNALS[fault])

    def remove(self, *, keep_data: bool) -> None:
        for service in CORE:
            self._end(self._group(service))
        local_postgres.end_abandoned(self._workplace("postgres"))
        local_postgres.forget_dead_server(self._workplace("postgres"))
        with map_os_errors(self._directory):
            for name in ("logs", "run", "bin", TELEMETRY, *(() if keep_data else ("data",))):
                with suppress(FileNotFoundError):
                    shutil.rmtree(self._directory / name)
            for service in CORE:
                local_records.path_of(self._directory, service).unlink(missing_ok=True)

    def exec(self, service: str, argv: Sequence[str], stdin: bytes = b"") -> ExecResult:
        record = local_records.read(self._directory, service)
        if record is None or record.leader is None or not is_alive(record.leader):
            raise NotRunning(f"{service} does not run", hint=f"start it with {labctl('up')}")
        return local_exec.run(
            argv,
            stdin=stdin,
            env={**inherited_env(), **record.env},
            directory=self._directory,
            ports={name: seen.port for name, seen in self.observe().items() if seen.port},
        )

    def logs(
        self, services: Sequence[str], *, tail: int | None, follow: bool
    ) -> Generator[LogLine | None, None, None]:
        return local_logs.read({name: self._log(name) for name in services}, tail=tail, follow=follow)

    def usage(self) -> Mapping[str, Usage]:
        running = [name for name, seen in self.observe().items() if seen.pid is not None]
        return {name: self._meters[name].read(self._group(name).members()) for name in running}

    def _observe(self, record: ProcessRecord) -> Observed:
        service, leader = record.service, record.leader
        if record.damaged:
            return Observed(service=service, state="died", detail="its record is damaged")
        if leader is None:
            return Observed(service=service, state="stopped", port=record.port)
        if not is_alive(leader):
            return Observed(service=service, state="died", port=record.port, spec_hash=record.spec_hash)
        return Observed(
            service=service,
            state="paused" if is_paused(leader) else "running",
            pid=leader.pid,
            own_pid=leader.pid,
            started_at=started_at(leader),
            spec_hash=record.spec_hash,
            port=record.port,
        )

    def _command(self, spec: ServiceSpec) -> tuple[list[str], dict[str, str]]:
        env = {**inherited_env(), **dict(spec.env)}
        data = self._workplace(spec.name)
        match spec.program:
            case "redis":
                server = redis_server(self._settings.redis_server)
                return [
                    str(server),
                    *spec.args,
                    *spec.tuned_args(),
                    "--dir",
                    str(data),
                    "--daemonize",
                    "no",
                ], env
            case "postgres":
                local_postgres.prepare(data, env, env)
                return local_postgres.command("postgres", data, ["-D", str(data), *spec.args]), env
            case "python":
                return [sys.executable, *spec.args], env
            case "image":
                raise EnvironmentFault(
                    f"{spec.name} runs only in Docker", hint="start the lab with --runtime docker"
                )

    def _ask_to_end(self, group: ProcessTree, number: Signals, seconds: float) -> None:
        if group.leader is None:
            return
        # Resume a paused process first: a signal that reaches it frozen may go to a thread other than the one
        # that waits for it.
        group.send(SIGCONT)
        with suppress(ProcessLookupError):
            os.kill(group.leader.pid, number)
        with suppress(DeadlinePassed):
            wait_until(lambda: not group.members(), seconds=seconds, reason="it has ended", hint="")

    def _end(self, group: ProcessTree) -> None:
        def gone() -> bool:
            group.send(SIGKILL)
            return not group.members()

        wait_until(
            gone,
            seconds=_KILL_SECONDS,
            reason=f"the processes in {group.directory} have ended after SIGKILL",
            hint="they may hang in the kernel or belong to another user; try again, or end them by hand",
        )

    def _group(self, service: str, record: ProcessRecord | None = None) -> ProcessTree:
        current = record or local_records.read(self._directory, service)
        return ProcessTree(current.leader if current else None, self._workplace(service), self._log(service))

    def _log(self, service: str) -> Path:
        return self._directory / "logs" / f"{service}.log"

    def _workplace(self, service: str) -> Path:
        return self._directory / ("data" if service in WITH_DATA else "run") / service
