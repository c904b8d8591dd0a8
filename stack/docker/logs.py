"""Logs of containers: the last lines, and new ones as they are written, also across restarts."""

import queue
import threading
import time
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
#: Seconds without a line after which the reader is told so.
_MOMENT_SECONDS: Final = 0.1


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
                text = client.logs(container, tail="all" if tail is None else tail, timestamps=True)
                for line in text.rstrip(b"\n").split(b"\n") if text else ():
                    yield _line(service, line)


def follow(
    settings: StackSettings,
    containers: Mapping[str, str],
    *,
    tail: int | None,
    is_there: Callable[[], bool],
) -> Generator[LogLine | None, None, None]:
    """The lines of all services as they are written, until the iterator is closed or the lab is gone, with
    None whenever nothing came for a moment.

    Args:
        settings: Which engine.
        containers: Container by service.
        tail: How many last lines of each service to begin with; None for all.
        is_there: Whether anything of the lab still exists.
    """
    since: dict[str, float] = {}
    # Even if none is wanted, the last line says from when on lines are new.
    for line in read(settings, containers, tail=1 if tail == 0 else tail):
        since[line.service] = line.at or 0.0
        if tail != 0:
            yield line
    yield None
    fresh: queue.SimpleQueue[LogLine | LabError] = queue.SimpleQueue()
    followers = [
        _Follower(connect(settings, patient=True), service, container, fresh)
        for service, container in containers.items()
    ]
    try:
        for follower in followers:
            follower.start(since)
        yield from _arriving(fresh, is_there)
    finally:
        for follower in followers:
            follower.close()


def _arriving(
    fresh: "queue.SimpleQueue[LogLine | LabError]", is_there: Callable[[], bool]
) -> Generator[LogLine | None, None, None]:
    looked_at = time.monotonic()
    while True:
        try:
            line = fresh.get(timeout=_MOMENT_SECONDS)
        except queue.Empty:
            yield None
            if time.monotonic() - looked_at < _GONE_SECONDS:
                continue
            if not is_there():
                return
        else:
            if isinstance(line, LabError):
                raise line
            yield line
        looked_at = time.monotonic()


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

    def start(self, since: Mapping[str, float]) -> None:
        """Begin after these times; a service without one from its first line on."""
        last = since.get(self._service)
        self._thread = threading.Thread(target=self._run, args=(_after(last) if last else 0.0,), daemon=True)
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

    def _run(self, since: float) -> None:
        followed = ""
        try:
            while not self._ended.is_set():
                began = self._began()
                if began != followed:
                    since = self._follow_once(since)
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

    def _follow_once(self, since: float) -> float:
        """Pass on lines until the container ends; the engine's time of the last one, in s."""
        from docker.errors import NotFound

        rest = b""
        # It may be removed at any moment.
        with map_docker_errors(f"the log of {self._service} can't be read"), suppress(NotFound):
            logs: Any = self._client.logs
            stream: _Stream = logs(
                self._container, stream=True, follow=True, timestamps=True, since=since or None
            )
            self._stream = stream
            for chunk in () if self._ended.is_set() else stream:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    since = self._pass_on(line, since)
        return since

    def _pass_on(self, line: bytes, since: float) -> float:
        read = _line(self._service, line)
        self._queue.put(read)
        return since if read.at is None else _after(read.at)


def _after(at: float) -> float:
    """When to go on. The engine's `since` is inclusive: one microsecond later is the next line."""
    return at + 1e-6


def _line(service: str, line: bytes) -> LogLine:
    """A line that the engine put its time before."""
    from stack.docker.inspect import unix_time

    moment, _, text = line.decode(errors="replace").partition(" ")
    try:
        return LogLine(service, text.rstrip("\r"), unix_time(moment))
    except ValueError:
        return LogLine(service, text.rstrip("\r"))
