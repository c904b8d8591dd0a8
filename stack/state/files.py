"""Files of the state directory: JSON, written whole or not at all, with the version of their format."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from stack.errors import StateUnusable
from stack.hints import labctl
from stack.refusals import explain, hint_for

#: Raised when a newer labctl writes what an older one would misread.
FORMAT: Final = 1


@contextmanager
def map_os_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system into ours.

    Raises:
        StateUnusable: naming the path: unwritable, full, in the way.
    """
    try:
        yield
    except OSError as error:
        raise StateUnusable(
            f"the state directory can't be used: {explain(error, path)}", hint=hint_for(error)
        ) from error


def resolved(path: Path) -> Path:
    """The path without symbolic links.

    Raises:
        StateUnusable: they lead in a circle, or nowhere that can be looked at.
    """
    with map_os_errors(path):
        try:
            return path.resolve()
        except RuntimeError as error:
            # Before 3.13, Python reports a circle like this.
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file at once, so that a reader sees the old content or the new, never a part.

    Raises:
        StateUnusable: it can't be written.
    """
    with map_os_errors(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump({"format": FORMAT, **content}, file, indent=2)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The content; None if the file does not exist.

    Raises:
        StateUnusable: it can't be read, is damaged, or comes from another version of labctl.
    """
    with map_os_errors(path):
        try:
            text = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        content = json.loads(text)
        found = content.pop("format")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise damaged(path) from error
    if found != FORMAT:
        raise StateUnusable(
            f"{path} is in format {found}, but this labctl reads format {FORMAT}",
            hint=f"use the labctl that wrote it, or take the lab away with {labctl('down')} and start anew",
        )
    assert isinstance(content, dict)
    return content


def damaged(path: Path) -> StateUnusable:
    return StateUnusable(
        f"{path} is damaged",
        hint=f"take the lab away with {labctl('down')}, then start it anew with {labctl('up')}",
    )
