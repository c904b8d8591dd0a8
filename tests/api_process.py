"""The API as its own processes, on the servers of the tests."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from stack.ports import choose_free
from stack.wait import wait_until
from tests.raw_http import RawClient, request
from tests.servers import Servers


class Api:
    """`python -m service` on a port of its own."""

    def __init__(self, servers: Servers, log: Path = Path(os.devnull), **settings: object) -> None:
        (self.port,) = choose_free(1)
        self._log = log
        self._settings = servers.settings(api_port=self.port, **settings)
        self._server = self._launch()

    @property
    def main(self) -> int:
        """The pid of the parent process, which supervises the others."""
        return self._server.pid

    def children(self) -> list[psutil.Process]:
        """The server processes that are alive."""
        with suppress(psutil.NoSuchProcess):
            # Without the resource tracker that multiprocessing starts.
            return [
                child
                for child in psutil.Process(self.main).children()
                if "resource_tracker" not in " ".join(child.cmdline())
            ]
        return []

    def start(self) -> None:
        """Start it again on the same port, after it has ended."""
        self._server = self._launch()

    def ended(self, *, seconds: float) -> int:
        """Wait for it to end and return the exit code."""
        return self._server.wait(seconds)

    def answers(self) -> bool:
        try:
            with RawClient(self.port, seconds=2) as client:
                return client.ask(request("GET", "/openapi.json")).status == 200
        except OSError:
            return False

    def wait_until_up(self, *, seconds: float) -> None:
        wait_until(self.answers, seconds=seconds, reason="the API answers", hint="see its output")

    def end(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.main, signal.SIGCONT)
        self._server.terminate()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def _launch(self) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "service"],
                env={**os.environ, **self._settings.to_env()},
                start_new_session=True,
                stdout=output,
                stderr=output,
            )


@contextmanager
def running_api(servers: Servers, log: Path = Path(os.devnull), **settings: object) -> Iterator[Api]:
    api = Api(servers, log, **settings)
    try:
        api.wait_until_up(seconds=15)
        yield api
    finally:
        api.end()
