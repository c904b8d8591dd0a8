"""What the services use, as a table, and what is at stake: once, or live."""

import select
import sys
import termios
import tty
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from labctl.cli.api import Api
from labctl.render.text.figures import size
from labctl.render.text.sentences import plural
from labctl.render.text.table import lay_out
from scenarios.events import TableShown
from stack.errors import LabError
from stack.lab import Lab
from stack.spec.runtime import Usage

#: s between two looks.
_EVERY: Final = 1.0
#: s between the two looks that make the first figures.
_FIRST: Final = 0.5
#: s for the API to answer: a live table can't wait for one that is frozen.
_ANSWER: Final = 1.0

Exposed = Mapping[str, Any]


def measure(lab: Lab) -> Mapping[str, Usage]:
    """What the services use right now: a share of a processor is one of a stretch of time, so it takes
    two looks. One look would only give the average since each process started."""
    lab.usage()
    select.select([], [], [], _FIRST)
    return lab.usage()


def ask_exposed(lab: Lab, usage: Mapping[str, Usage]) -> Exposed | None:
    """What only Redis has, as /admin/queue tells it: `writes`, `products` and `seconds`; None if the API does
    not answer."""
    # Another program may hold the port of an API that does not run.
    if "api" not in usage:
        return None
    api = Api(lab.urls()["api"], timeout_s=_ANSWER)
    try:
        queue = api.call("GET", "/admin/queue", None, {})
    except LabError:
        return None
    return queue.get("exposed") or None


def at_stake(exposed: Exposed | None) -> str:
    """What a crash of Redis would cost, in a sentence.

    Args:
        exposed: As `ask_exposed` tells it; None: unknown.

    >>> at_stake({"writes": 31, "products": 12, "seconds": 0.8})
    'At stake if Redis died now: 31 acknowledged writes of 12 products, the oldest 0.8 s old'
    """
    if exposed is None:
        return "At stake if Redis died now: unknown, since the API does not say"
    if not exposed["writes"]:
        return "At stake if Redis died now: nothing"
    writes = plural(exposed["writes"], "acknowledged write")
    products = plural(exposed["products"], "product")
    return f"At stake if Redis died now: {writes} of {products}, the oldest {exposed['seconds']:.1f} s old"


def usage_document(usage: Mapping[str, Usage], exposed: Exposed | None) -> dict[str, Any]:
    """The document that --json prints."""

    return {"services": {name: asdict(used) for name, used in usage.items()}, "exposed": exposed}


_MOVED: Final = (
    ("received", "received_bytes"),
    ("sent", "sent_bytes"),
    ("disk read", "read_bytes"),
    ("written", "written_bytes"),
)


def usage_table(usage: Mapping[str, Usage], title: str = "") -> TableShown:
    """A row for each service, and their sum. A column appears where at least one service has a figure."""
    moved = [
        (title, field)
        for title, field in _MOVED
        if any(getattr(used, field) is not None for used in usage.values())
    ]
    fields = [field for _, field in moved]
    columns = ("service", "CPU %", "memory", *(title for title, _ in moved), "threads")
    rows = tuple(_row(name, used, fields) for name, used in usage.items())
    return TableShown("usage", title, columns, (*rows, _row("together", _sum(usage.values()), fields)))


def _row(name: str, used: Usage, fields: Iterable[str]) -> tuple[str, ...]:
    counts = [getattr(used, field) for field in fields]
    return (
        name,
        f"{used.cpu_percent:.1f}",
        size(used.memory_bytes),
        *("-" if count is None else size(count) for count in counts),
        str(used.threads),
    )


def _total(counts: Iterable[int | None]) -> int | None:
    """Of those that are known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _sum(usage: Collection[Usage]) -> Usage:
    """Of all services."""

    return Usage(
        cpu_percent=sum(used.cpu_percent for used in usage),
        memory_bytes=sum(used.memory_bytes for used in usage),
        read_bytes=_total(used.read_bytes for used in usage),
        written_bytes=_total(used.written_bytes for used in usage),
        received_bytes=_total(used.received_bytes for used in usage),
        sent_bytes=_total(used.sent_bytes for used in usage),
        threads=sum(used.threads for used in usage),
    )


def watch(lab: Lab) -> None:
    """Show the table until q or Ctrl-C."""

    console = Console(highlight=False, markup=False, emoji=False)
    first = _picture(lab, measure(lab))
    with _keys(), Live(first, console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while not _quit_pressed():
            live.update(_picture(lab, lab.usage()), refresh=True)


def _picture(lab: Lab, usage: Mapping[str, Usage]) -> Text:

    table = usage_table(usage, at_stake(ask_exposed(lab, usage)))
    heading, *rows = lay_out(table.columns, table.rows)
    lines = [Text(f"Lab {lab.name}    q: quit", style="bold"), Text(table.title), Text("")]
    lines += [Text(heading, style="underline"), *(Text(row) for row in rows[:-1])]
    return Text("\n", no_wrap=True, overflow="crop").join([*lines, Text(rows[-1], style="bold")])


@contextmanager
def _keys() -> Iterator[None]:
    """Keys arrive at once and unseen; Ctrl-C still interrupts."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        # A terminal that was closed has nothing to restore.
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _quit_pressed() -> bool:
    """Wait for a key until the next look is due."""
    ready, _, _ = select.select([sys.stdin] if sys.stdin.isatty() else [], [], [], _EVERY)
    return bool(ready) and sys.stdin.read(1) in ("q", "Q")
