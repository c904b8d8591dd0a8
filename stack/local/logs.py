"""Log files of the local runtime: the last lines, and new ones as they are written."""

import math
from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack.spec.runtime import LogLine
from stack.wait import waiting

#: A log of more bytes than this is set aside when its service starts again.
_ROTATE_BYTES: Final = 16 * 1024 * 1024
_POLL_SECONDS: Final = 0.1


def set_aside(log: Path) -> None:
    """Rename a log that has grown too large; only one older log is kept."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _ROTATE_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))


def read(
    logs: Mapping[str, Path], *, tail: int | None, follow: bool
) -> Generator[LogLine | None, None, None]:
    """The lines of several services' logs; with `follow`, until the iterator is closed or the lab is gone,
    with None whenever nothing came for a moment."""
    tails = [_Tail(service, log) for service, log in logs.items()]
    for part in tails:
        yield from part.begin(tail)
    if not follow:
        return
    yield None
    fresh: list[LogLine] = []

    def collect() -> bool:
        fresh.extend(line for part in tails for line in part.added())
        return bool(fresh) or not any(log.parent.exists() for log in logs.values())

    while True:
        for _ in waiting(
            collect, seconds=math.inf, reason="the log grows", hint="interrupt it", poll=_POLL_SECONDS
        ):
            yield None
        if not fresh:
            return
        yield from fresh
        fresh.clear()


class _Tail:
    """Follows one log file as it grows, also after it is set aside and begun anew."""

    def __init__(self, service: str, log: Path) -> None:
        self._service = service
        self._log = log
        self._inode = 0
        self._position = 0
        self._rest = b""

    def begin(self, count: int | None) -> list[LogLine]:
        """The last lines that the file holds now."""
        lines = self.added()
        if self._rest:
            lines.append(LogLine(self._service, self._rest.decode(errors="replace")))
            self._rest = b""
        return lines if count is None else lines[max(0, len(lines) - count) :]

    def added(self) -> list[LogLine]:
        """The whole lines that were written since the last call."""
        try:
            status = self._log.stat()
            if status.st_ino != self._inode or status.st_size < self._position:
                self._inode, self._position, self._rest = status.st_ino, 0, b""
            if status.st_size == self._position:
                return []
            with self._log.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except OSError:
            return []
        self._position += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [LogLine(self._service, line.decode(errors="replace")) for line in whole]
