"""Writes a report into a file, in the format that the file's ending names."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from labctl.cli import target
from labctl.render.json_text import encode
from labctl.reports.run_report import RunReport
from stack.errors import UsageError

#: How each report begins, so that it is known as one: only a report is overwritten by another.
_BEGINNINGS: Final = {
    ".html": re.compile(rb"<!DOCTYPE html>\n<!-- labctl report -->"),
    ".md": re.compile(rb"<!-- labctl report -->"),
    ".json": re.compile(rb'\{"schema":\d+,"scenario":"[^"]*","title":'),
    ".xml": re.compile(rb"<\?xml [^>]*\?>\n<testsuites name=\"labctl\" [^>]*>\s*<!-- labctl report -->"),
}
ENDINGS: Final = tuple(_BEGINNINGS)


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
    target.check_target(path, _BEGINNINGS[path.suffix.lower()], "a report")


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
    target.write_target(path, content)
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
