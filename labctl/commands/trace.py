"""trace: one write's life as a waterfall."""

import re
import sys
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.api import request
from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session, write_json
from labctl.render.text.marks import marks_for
from labctl.render.text.waterfall import draw_waterfall
from labctl.render.text.wrap import fitted, width_of
from scenarios.life.waterfall import Waterfall, waterfall
from service.traces.spans import Span
from stack.errors import UsageError
from stack.spec.hints import labctl

LAST: Final = "last"
_TRACE_ID: Final = re.compile("[0-9a-f]{32}")

app = typer.Typer()


class _Trace(msgspec.Struct, frozen=True):
    """An answer of `/traces/<id>`."""

    trace_id: str
    spans: list[Span]
    linked: list[Span]


@lab_command(app)
def trace(
    session: Session,
    which: Annotated[
        str,
        typer.Argument(
            metavar="PRODUCT|TRACE|last",
            autocompletion=completions.traces,
            help="A product, for its newest traced write; a trace's id; or `last`, for the newest of all.",
        ),
    ] = LAST,
) -> None:
    """Show one write's life as a waterfall.

    It goes from the request by way of Redis and the wait in the queue to the flush that ended it. Bars are to
    scale. Where a wait would dwarf everything else, the axis is broken, and it says so.
    """
    trace_id = _trace_of(session, which)
    try:
        answer = request(session, "GET", f"/traces/{trace_id}")
    except UsageError as error:
        hint = f"{labctl('trace last')} shows the newest traced write"
        raise UsageError(error.message, hint=hint) from error
    if session.json:
        write_json(answer)
        return
    found = msgspec.convert(answer, _Trace)
    for line in _told(session, waterfall(trace_id, found.spans, found.linked), width_of(sys.stdout)):
        sys.stdout.write(f"{line}\n")


def _trace_of(session: Session, which: str) -> str:
    """Raises UsageError: no traced write is known by that word."""
    if _TRACE_ID.fullmatch(which):
        return which
    path = "/traces?limit=1" if which == LAST else f"/traces?limit=1&product={quote(which, safe='')}"
    writes: list[dict[str, Any]] = request(session, "GET", path)["writes"]
    if writes:
        return str(writes[0]["trace_id"])
    if which == LAST:
        raise UsageError(
            "no write was traced yet", hint=f"the writes of demos are: try {labctl('demo coalescing')}"
        )
    raise UsageError(
        f"no write of {which} was traced, or its trace is too old",
        hint=f"{labctl(f'explain {which}')} tells what the run's journal knows; "
        f"{labctl('trace last')} shows the newest traced write",
    )


def _told(session: Session, shown: Waterfall, width: int | None) -> list[str]:
    """The waterfall below what it is about."""
    began = datetime.fromtimestamp(shown.began_us / 1e6).astimezone()
    lines = fitted(
        f"{_subject(shown)}, at {began:%H:%M:%S}.{shown.began_us // 1000 % 1000:03} (trace {shown.trace_id})",
        width,
    )
    lines += ["", *draw_waterfall(shown, width, marks_for(sys.stdout.encoding))]
    lines.append("")
    if shown.replaced_by is not None:
        version, trace_id = shown.replaced_by
        lines += fitted(
            f"Version {version} replaced it in the queue, so it was not written by itself: "
            f"{session.hint(f'trace {trace_id}')} goes on.",
            width,
        )
    elif not shown.flushed and shown.version is not None:
        lines += fitted(
            "No flush of it is in the trace store: either none took it, or its spans have not arrived yet. "
            f"{session.hint(f'explain {shown.product}')} tells what is known.",
            width,
        )
    return lines if lines[-1] else lines[:-1]


def _subject(shown: Waterfall) -> str:
    if shown.product is None:
        return f"A {shown.operation or 'request'} without a product"
    version = "" if shown.version is None else f", version {shown.version}"
    return f"{(shown.operation or 'write').capitalize()} of {shown.product}{version}"
