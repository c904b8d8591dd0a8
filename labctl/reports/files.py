"""Writes a report into a file, in the format that the file's ending names."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from labctl.render.json_text import encode
from labctl.reports.run_report import RunReport
from stack.errors import EnvironmentFault, UsageError

#: How each report begins, so that it is known as one: only a report is overwritten by another.
_BEGINNINGS: Final = {
    ".html": b"<!DOCTYPE html>\n<!-- labctl report -->",
    ".md": b"<!-- labctl report -->",
    ".json": b'{"schema":',
    ".xml": b'name="labctl"',
}
ENDINGS: Final = tuple(_BEGINNINGS)
_BEGINNING_BYTES: Final = 200


def check_target(path: Path) -> None:
    """See that a report could be written there, before the work is done.

    Raises:
        UsageError: the ending names no format, the folder is missing, or another file would be overwritten.
        EnvironmentFault: what is there can't be read.
    """
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"the ending of '{path}' names no format",
            hint=f"end the file's name in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}",
        )
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", hint="make it, or name another")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="name a file")
    if path.exists() and not _is_report(path):
        raise UsageError(
            f"{path} exists, and is not a report that labctl wrote", hint="name another file, or remove it"
        )


def write_report(report: RunReport, path: Path) -> int:
    """Write a report, in one go: a reader of the file sees the old one or the new one.

    Args:
        path: Its ending names the format; see `ENDINGS`.

    Returns:
        The size in bytes.

    Raises:
        EnvironmentFault: it can't be written.
    """
    content = _writer(path.suffix.lower())(report)
    target = path.resolve()
    partial = target.with_name(f".labctl-{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise EnvironmentFault(
            f"{path} can't be written: {error.strerror or error}", hint="name a file in another folder"
        ) from error
    return len(content)


def _writer(ending: str) -> Callable[[RunReport], bytes]:
    # What a format needs is imported only where it is written.
    if ending == ".html":
        from labctl.reports.page import html

        return lambda report: html(report).encode(errors="replace")
    if ending == ".md":
        from labctl.reports.markdown import markdown

        return lambda report: markdown(report).encode(errors="replace")
    if ending == ".xml":
        from labctl.reports.junit import junit

        return lambda report: junit(report).encode(errors="replace")
    return lambda report: encode(report.document) + b"\n"


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING_BYTES)
    except OSError as error:
        raise EnvironmentFault(
            f"{path} can't be read: {error.strerror or error}", hint="name another file"
        ) from error
    return not beginning or _BEGINNINGS[path.suffix.lower()] in beginning
