"""Writes a file that a person names, and leaves files alone that labctl did not write."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack.errors import EnvironmentFault, UsageError

#: As much of a file is looked at: titles and summaries come before what tells where it is from.
_BEGINNING_BYTES: Final = 16_384


def check_target(path: Path, own: re.Pattern[bytes], what: str) -> None:
    """See that a file could be written there, before the work is done.

    Args:
        own: How a file begins that may be overwritten.
        what: What such a file is: "a report".

    Raises:
        UsageError: the folder is missing, or something else would be overwritten.
        EnvironmentFault: what is there can't be read.
    """
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", hint="make it, or name another")
    if path.is_symlink():
        _check_link(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a regular file", hint="name another file")
    if path.exists() and not _is_own(path, own):
        raise UsageError(
            f"{path} exists, and is not {what} that labctl wrote", hint="name another file, or remove it"
        )


def _check_link(path: Path) -> None:
    """Raises UsageError: the link goes round in a circle, or leads into a folder that does not exist."""
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError(
            f"{path} is a link that leads nowhere", hint="name another file, or remove it"
        ) from error
    if not target.parent.is_dir():
        raise UsageError(
            f"{path} is a link to {target}, and the folder {target.parent} does not exist",
            hint="make it, or name another file",
        )


def write_target(path: Path, content: bytes, *, executable: bool = False) -> None:
    """Write a file in one go: a reader sees the old one or the new one.

    Raises:
        EnvironmentFault: it can't be written.
    """
    target = path.resolve()
    partial = target.with_name(f".labctl-{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        if executable:
            partial.chmod(partial.stat().st_mode | 0o111)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise EnvironmentFault(
            f"{path} can't be written: {error.strerror or error}", hint="name a file in another folder"
        ) from error


def _is_own(path: Path, own: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING_BYTES)
    except OSError as error:
        raise EnvironmentFault(
            f"{path} can't be read: {error.strerror or error}", hint="name another file"
        ) from error
    return not beginning or own.match(beginning) is not None
