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
from stack.refusals import explain, hint_for
from stack.spec.hints import labctl

#: Increased when a newer labctl writes what an older one would misread.
FORMAT: Final = 1


@contextmanager
def map_os_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system into ours.

    Args:
        path: Named in the error if the system does not name one.

    Raises:
        StateUnusable: the path can't be read or written, or the disk is full.
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
        StateUnusable: they form a loop, or a directory on the way can't be read.
    """
    with map_os_errors(path):
        try:
            return path.resolve()
        except RuntimeError as error:
            # Before 3.13, Python reports a loop like this.
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file in one step: a reader sees the old content or the new, never a part of it.

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
        version = content.pop("format")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise damaged(path) from error
    if version != FORMAT:
        raise StateUnusable(
            f"{path} is in format {version}, but this labctl reads format {FORMAT}",
            hint=f"use the labctl that wrote it, or remove the lab with {labctl('down')} and start a new one",
        )
    assert isinstance(content, dict)
    return content


def damaged(path: Path) -> StateUnusable:
    """The error for a file whose content makes no sense."""
    return StateUnusable(
        f"{path} is damaged",
        hint=f"remove the lab with {labctl('down')}, then start a new one with {labctl('up')}",
    )
