"""explain: what became of a product's writes, and why, in words."""

import sys
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.api import request
from labctl.cli.lab_command import lab_command
from labctl.cli.session import Session, write_json
from labctl.render.text.wrap import fitted, width_of
from labctl.runs.store import open_runs
from scenarios.life.facts import ProductFacts
from scenarios.life.gather import gather
from scenarios.life.story import Story, tell
from service.traces.life import Life
from stack.errors import EnvironmentFault, UsageError
from stack.spec.hints import for_lab, labctl

app = typer.Typer()


@lab_command(app, tends=False)
def explain(
    session: Session,
    product: Annotated[str, typer.Argument(metavar="PRODUCT", help="The product's id.")],
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            autocompletion=completions.runs,
            help="The run to tell of, as `labctl runs` lists it (the newest that wrote the product).",
        ),
    ] = None,
) -> None:
    """Tell in words what became of a product's writes, and why.

    From the journal of the run that wrote it, from traces, and from a look at PostgreSQL and Redis. It also
    works while the lab is down, with what the journal alone knows.
    """
    facts = _gather(session, product, run)
    _require_known(facts)
    story = tell(facts)
    if session.json:
        write_json(_document(facts, story))
        return
    width = width_of(sys.stdout)
    for line in _lines(story, width):
        sys.stdout.write(f"{for_lab(line, session.lab.name)}\n")


def _gather(session: Session, product: str, run: str | None) -> ProductFacts:
    runs = open_runs(session.lab.name, session.runtime)
    journal = runs.newest_with(product) if run is None else runs.open(run)
    life, unasked = None, ""
    try:
        answer = request(session, "GET", f"/products/{quote(product, safe='')}/life")
        life = msgspec.convert(answer, Life)
    except EnvironmentFault as error:
        unasked = error.message[:1].upper() + error.message[1:]
    return gather(product, journal, life, unasked=unasked)


def _require_known(facts: ProductFacts) -> None:
    """Raises UsageError: neither a run, nor a trace, nor the lab knows the product."""
    now = facts.now
    held = now is not None and (now.row_version, now.pending_version, now.cached_version) != (None,) * 3
    if facts.writes or held or facts.unread:
        return
    raise UsageError(
        f"nothing is known of {facts.product}" + (f": {facts.unasked}" if facts.unasked else ""),
        hint=f"{labctl('product list')} shows the newest products, {labctl('report')} those of the last run",
    )


def _lines(story: Story, width: int | None) -> list[str]:
    lines = fitted(story.about, width)
    for told in story.writes:
        lines += ["", *fitted(told.text, width, lead="  ")]
    if story.end:
        lines += ["", *fitted(" ".join(story.end), width)]
    return lines


def _document(facts: ProductFacts, story: Story) -> dict[str, Any]:
    """The story, and what it is told from."""
    return {
        "product": facts.product,
        "run": None if facts.run is None else facts.run.run,
        "about": story.about,
        "writes": [msgspec.to_builtins(told) for told in story.writes],
        "end": list(story.end),
        "facts": msgspec.to_builtins(facts),
    }
