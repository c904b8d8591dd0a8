"""Logs of containers: the last lines, and new ones as they are written, also across restarts."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from stack.docker.engine import connect, map_docker_errors
from stack.errors import LabError
from stack.settings import StackSettings
from stack.spec.runtime import LogLine

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds between checks whether a container that ended, or does not exist yet, runs.
_LOOK_SECONDS: Final = 0.3
#: Seconds without a line before checking whether the lab still exists.
_GONE_SECONDS: Final = 1.0


class _Stream(Protocol):
    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


def read(
    settings: StackSettings, containers: Mapping[str, str], *, tail: int | None
) -> Generator[LogLine, None, None]:
    """The lines that the logs hold now, service by service.

    Args:
        settings: Which engine.
        containers: Container by service.
        tail: How many last lines of each service; None for all.
    """
    from docker.errors import NotFound

    with closing(connect(settings)) as client:
        for service, container in containers.items():
            with map_docker_errors(f"the log of {service} can't be read"), suppress(NotFound):
                text = client.logs(container, tail="all" if tail is None else tail)
                for line in text.decode(errors="replace").splitlines():
                    yield LogLine(service, line)


def follow(
    settings: StackSettings,
    containers: Mapping[str, str],
    *,
    tail: int | None,
    is_there: Callable[[], bool],
) -> Generator[LogLine, None, None]:
    """The lines of all services as they are written, until the iterator is closed or the lab is gone.

    Args:
        settings: Which engine.
        containers: Container by service.
        tail: How many last lines of each service to begin with; None for all.
        is_there: Whether anything of the lab still exists.
    """
    fresh: queue.SimpleQueue[LogLine | LabError] = queue.SimpleQueue()
    followers = [
        _Follower(connect(settings, patient=True), service, container, fresh)
        for service, container in containers.items()
    ]
    try:
        for follower in followers:
            follower.start(tail)
        while True:
            try:
                line = fresh.get(timeout=_GONE_SECONDS)
            except queue.Empty:
                if not is_there():
                    return
                continue
            if isinstance(line, LabError):
                raise line
            yield line
    finally:
        for follower in followers:
            follower.close()


class _Follower:
    """A thread that waits for one container's lines."""

    def __init__(
        self,
        client: "APIClient",
        service: str,
        container: str,
        lines: "queue.SimpleQueue[LogLine | LabError]",
    ) -> None:
        self._client = client
        self._service = service
        self._container = container
        self._queue = lines
        self._ended = threading.Event()
        self._stream: _Stream | None = None
        self._thread: threading.Thread | None = None

    def start(self, tail: int | None) -> None:
        self._thread = threading.Thread(target=self._run, args=(tail,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, which may be waiting for a line that never comes."""
        self._ended.set()
        stream = self._stream
        if stream is not None:
            # The engine may close it at the same moment.
            with suppress(OSError, AttributeError, ValueError):
                stream.close()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self._client.close()

    def _run(self, tail: int | None) -> None:
        followed, since = "", 0.0
        try:
            while not self._ended.is_set():
                began = self._began()
                if began != followed:
                    since = self._follow_once("all" if tail is None or followed else tail, since)
                    followed = began
                self._ended.wait(_LOOK_SECONDS)
        except LabError as error:
            if not self._ended.is_set():
                self._queue.put(error)

    def _began(self) -> str:
        """Which container runs, and since when; a change means new lines to follow. '' for none."""
        from docker.errors import NotFound

        with map_docker_errors(f"the log of {self._service} can't be read"), suppress(NotFound):
            container = self._client.inspect_container(self._container)
            return f"{container['Id']} {container['State']['StartedAt']}"
        return ""

    def _follow_once(self, tail: str | int, since: float) -> float:
        """Pass on lines until the container ends; the engine's time of the last one, in s."""
        from docker.errors import NotFound

        rest = b""
        # It may be removed at any moment.
        with map_docker_errors(f"the log of {self._service} can't be read"), suppress(NotFound):
            logs: Any = self._client.logs
            stream: _Stream = logs(
                self._container, stream=True, follow=True, timestamps=True, tail=tail, since=since or None
            )
            self._stream = stream
            for chunk in () if self._ended.is_set() else stream:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    since = self._pass_on(line, since)
        return since

    def _pass_on(self, line: bytes, since: float) -> float:
        from stack.docker.inspect import unix_time

        moment, _, text = line.decode(errors="replace").partition(" ")
        self._queue.put(LogLine(self._service, text.rstrip("\r")))
        with suppress(ValueError):
            # The engine's `since` is inclusive: one microsecond later is the next line.
            return unix_time(moment) + 1e-6
        return since
