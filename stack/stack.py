"""The stack as scenarios and commands see it: one lab, by name, on one runtime."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from stack.events import StackEvent
from stack.runtime import ExecResult, LogLine, Observed, RuntimeKind, Usage


class Stack:
    """One lab. Iterators do their work as they are consumed; close one to interrupt it."""

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def kind(self) -> RuntimeKind:
        raise NotImplementedError

    @property
    def reason(self) -> str:
        raise NotImplementedError

    @property
    def directory(self) -> Path:
        raise NotImplementedError

    def up(self, settings: Mapping[str, str] = {}) -> Iterator[StackEvent]:
        raise NotImplementedError

    def down(self, *, keep_data: bool = False) -> Iterator[StackEvent]:
        raise NotImplementedError

    def status(self) -> Mapping[str, Observed]:
        raise NotImplementedError

    def running(self) -> bool:
        raise NotImplementedError

    def urls(self) -> Mapping[str, str]:
        raise NotImplementedError

    def stop(self, service: str) -> Iterator[StackEvent]:
        raise NotImplementedError

    def start(self, service: str) -> Iterator[StackEvent]:
        raise NotImplementedError

    def kill(self, service: str) -> Iterator[StackEvent]:
        raise NotImplementedError

    def pause(self, service: str) -> Iterator[StackEvent]:
        raise NotImplementedError

    def resume(self, service: str) -> Iterator[StackEvent]:
        raise NotImplementedError

    def restart(self, service: str, settings: Mapping[str, str] = {}) -> Iterator[StackEvent]:
        raise NotImplementedError

    def exec(self, service: str, argv: Sequence[str]) -> ExecResult:
        raise NotImplementedError

    def logs(self, services: Sequence[str], *, tail: int | None, follow: bool) -> Iterator[LogLine]:
        raise NotImplementedError

    def usage(self) -> Mapping[str, Usage]:
        raise NotImplementedError


def open_stack(
    name: str = "lab42",
    runtime: Literal["auto", "local", "docker"] = "auto",
    *,
    home: Path | None = None,
    ports: Mapping[str, int] | None = None,
) -> Stack:
    raise NotImplementedError
