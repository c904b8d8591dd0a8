"""logs: what the services say, side by side."""

import re
import sys
import time
from contextlib import closing
from shlex import quote
from typing import Annotated, Final

import typer

from labctl.cli import completions
from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session
from labctl.cli.since import parse_since
from labctl.render.log_lines import plain, terminal_paint, write_as_json, write_for_people
from stack.errors import UsageError
from stack.logs.formats import LEVELS, Level
from stack.logs.records import Keep, LogRecord

app = typer.Typer()

#: Lines of each service to begin with, unless --tail or --since says otherwise.
_TAIL: Final = 50


@lab_command(app, tends=False)
def logs(
    session: Session,
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SERVICE]...",
            autocompletion=completions.services,
            help="Only these services; by default all.",
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail",
            "-n",
            min=0,
            metavar="N",
            help=f"How many lines of each service to begin with ({_TAIL}; with --since all).",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="AGE|TIME", help="Only later lines: 90s, 5m, 2026-01-31T18:00."),
    ] = None,
    grep: Annotated[
        str | None,
        typer.Option(
            "--grep", metavar="REGEX", help="Only lines that match; (?i) at its beginning ignores case."
        ),
    ] = None,
    level: Annotated[
        Level | None, typer.Option("--level", help="Only lines that are at least as serious.")
    ] = None,
) -> None:
    """Show the services' logs, in order of time.

    All times are UTC. People get the same lines whatever LOG_FORMAT says; with --json, every line is an
    object: service, at, level, message, trace_id.
    """
    number = tail if tail is not None else None if since else _TAIL
    keep = _keep(since, grep, level)
    paint = terminal_paint() if session.live else plain
    with closing(session.lab.logs(services or (), tail=number, follow=follow, keep=keep)) as records:
        found = False
        for record in records:
            found = True
            if session.json:
                write_as_json(sys.stdout, record)
            else:
                write_for_people(sys.stdout, record, paint)
            if follow:
                sys.stdout.flush()
    if not found and tail != 0:
        sys.stderr.write(f"{_nothing(since, narrowed=grep is not None or level is not None)}\n")


def _nothing(since: str | None, *, narrowed: bool) -> str:
    """That no line was shown, and why.

    >>> _nothing("30s", narrowed=True)
    'no lines since 30s that match'
    """
    words = ["no lines", f"since {since}" if since is not None else "", "that match" if narrowed else ""]
    return " ".join(filter(None, words))


def _keep(since: str | None, grep: str | None, level: Level | None) -> Keep | None:
    """Which lines the options ask for; None for all. A line without a time is not later than any."""
    if since is None and grep is None and level is None:
        return None
    began = parse_since(since, time.time()) if since is not None else None
    pattern = _pattern(grep) if grep is not None else None
    least = LEVELS.index(level) if level is not None else 0

    def keep(record: LogRecord) -> bool:
        return (
            (began is None or (record.at is not None and record.at >= began))
            and LEVELS.index(record.level) >= least
            and (pattern is None or any(map(pattern.search, (record.text, record.error))))
        )

    return keep


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"--grep can't be {text!r}: {error}",
            hint="give a regular expression of Python; to find the text itself: --grep "
            f"{quote(re.escape(text))}",
        ) from error
