"""The Lua scripts: their names, their text, and the seam through which they run."""

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, Literal, Protocol

Script = Literal[
    "abandon", "ack", "ack_rows", "begin", "claim", "condition", "config", "dead_letter", "fill",
    "flush_now", "follow", "has_work", "heartbeat", "inspect", "read", "release", "repair", "requeue",
    "resolve", "restore", "retry", "room", "settle", "write",
]  # fmt: skip

#: Files of functions that scripts share, each in a paragraph of its own, below those that it uses.
_SHARED: Final = ("entry", "mark")
_FUNCTION: Final = re.compile(rb"^local function (\w+)", re.MULTILINE)
_COMMENT: Final = re.compile(rb"--[^\n]*")


class Runner(Protocol):
    """Runs one script on Redis (see `runner.Scripts`)."""

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Return the reply, strings as bytes. Raises `CacheUnavailable` and `OutcomeUnknown`."""


def load(name: Script) -> bytes:
    """A script with the shared functions that it uses behind its `#!lua` line. Redis makes every function
    anew on each call, so those that it does not use would cost time."""
    folder = files("service.writebehind") / "lua"
    engine, body = (folder / f"{name}.lua").read_bytes().split(b"\n", 1)
    shared = b"\n\n".join((folder / f"{file}.lua").read_bytes() for file in _SHARED)
    for paragraph in reversed(shared.split(b"\n\n")):
        function = _FUNCTION.search(paragraph)
        if function and re.search(rb"\b%b\b" % function[1], _COMMENT.sub(b"", body)):
            body = paragraph + b"\n\n" + body
    return engine + b"\n" + body
