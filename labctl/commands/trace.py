"""trace: one write's life as a waterfall."""

import re
import sys
from contextlib import suppress
from shlex import quote
from typing import Annotated, Any, Final

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.api import request
from labctl.cli.lab_command import lab_command
from labctl.cli.life import ask_life
from labctl.cli.named import is_id, product_named
from labctl.cli.session import Session, write_json
from labctl.render.text.marks import marks_for
from labctl.render.text.printable import printable
from labctl.render.text.waterfall import draw_waterfall
from labctl.render.text.wrap import fitted, reading_width
from labctl.runs.store import open_runs
from scenarios.life.unflushed import unflushed
from scenarios.life.waterfall import Waterfall, waterfall
from scenarios.life.wording import clock, zone
from service.traces.spans import Span
from stack.errors import LabError, UsageError
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
            help="A product's id or name, for its newest traced write; a trace's id; or `last`, for the "
            "newest of all.",
        ),
    ] = LAST,
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            autocompletion=completions.runs,
            help="The run in which a name is looked up (the newest).",
        ),
    ] = None,
) -> None:
    """Show one write's life as a waterfall.

    It goes from the request by way of Redis and the wait in the queue to the flush that ended it. Bars are to
    scale. Where a wait would dwarf everything else, the axis is broken, and it says so.
    """
    trace_id = _trace_of(session, which, run)
    try:
        answer = request(session, "GET", f"/traces/{trace_id}")
    except UsageError as error:
        hint = f"{labctl('trace last')} shows the newest traced write"
        raise UsageError(error.message, hint=hint) from error
    if session.json:
        write_json(answer)
        return
    found = msgspec.convert(answer, _Trace)
    for line in _told(session, waterfall(trace_id, found.spans, found.linked), reading_width(sys.stdout)):
        # Whoever reaches the API may have sent the spans.
        sys.stdout.write(f"{printable(line)}\n")


def _trace_of(session: Session, which: str, run: str | None) -> str:
    """Raises UsageError: no traced write is known by that word, several products have that name, or a run was
    named to look up what is not a name.
    """
    if which == LAST or _TRACE_ID.fullmatch(which):
        if run is not None:
            raise UsageError(
                f"--run has no meaning for {which}: it says where the name of a product is looked up",
                hint=f"leave it out, or name a product: {labctl(f'trace PRODUCT --run {quote(run)}')}",
            )
        return _newest_of_all(session) if which == LAST else which
    if is_id(which) and (found := _newest(session, which)) is not None:
        return found
    product = product_named(open_runs(session.lab.name, session.runtime), which, run)
    if product is not None and (found := _newest(session, product)) is not None:
        return found
    raise UsageError(
        f"no write of {which} was traced, or its trace is too old",
        hint=f"{labctl(f'explain {quote(which)}')} tells what the run's journal knows; "
        f"{labctl('trace last')} shows the newest traced write",
    )


def _newest_of_all(session: Session) -> str:
    found = _newest(session)
    if found is None:
        raise UsageError(
            "no write was traced yet", hint=f"the writes of demos are: try {labctl('demo coalescing')}"
        )
    return found


def _newest(session: Session, product: str = "") -> str | None:
    """The trace of the newest traced write of a product, by its id, or of all; None: there is none."""
    path = f"/traces?limit=1&product={product}" if product else "/traces?limit=1"
    writes: list[dict[str, Any]] = request(session, "GET", path)["writes"]
    return str(writes[0]["trace_id"]) if writes else None


def _told(session: Session, shown: Waterfall, width: int | None) -> list[str]:
    """The waterfall below what it is about."""
    lines = fitted(
        f"{_subject(shown)}, at {clock(shown.began_us)} {zone(shown.began_us)} (trace {shown.trace_id})",
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
    elif not shown.flushed and not shown.written_through and shown.version is not None:
        lines += fitted(
            f"{_unflushed(session, shown)} {session.hint(f'explain {shown.product}')} tells what is known.",
            width,
        )
    return lines if lines[-1] else lines[:-1]


def _unflushed(session: Session, shown: Waterfall) -> str:
    """What the API knows of a write that no flush is known to have taken."""
    life = None
    with suppress(LabError, msgspec.ValidationError):
        life = ask_life(session, str(shown.product))
    return unflushed(life, shown.version or 0)


def _subject(shown: Waterfall) -> str:
    if shown.product is None:
        return f"A {shown.operation or 'request'} without a product"
    version = "" if shown.version is None else f", version {shown.version}"
    return f"{(shown.operation or 'write').capitalize()} of {shown.product}{version}"
