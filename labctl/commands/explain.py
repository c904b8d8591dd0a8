"""explain: what became of a product's writes, and why, in words."""

import sys
from typing import Annotated, Any

import msgspec
import typer

from labctl.cli import completions
from labctl.cli.lab_command import lab_command
from labctl.cli.life import ask_life
from labctl.cli.named import is_id, product_named
from labctl.cli.session import Session, write_json
from labctl.render.text.printable import printable
from labctl.render.text.wrap import fitted, reading_width
from labctl.runs.store import open_runs
from scenarios.life.facts import ProductFacts
from scenarios.life.gather import gather
from scenarios.life.story import Story, tell
from stack.errors import EnvironmentFault, UsageError
from stack.spec.hints import for_lab, labctl

app = typer.Typer()


@lab_command(app, tends=False)
def explain(
    session: Session,
    product: Annotated[
        str, typer.Argument(metavar="PRODUCT", help="The product's id, or its name in the run.")
    ],
    run: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="RUN",
            autocompletion=completions.runs,
            help="The run to tell of, as `labctl runs` lists it. By default it is the newest that wrote the "
            "product; a name is looked up in the newest of all.",
        ),
    ] = None,
) -> None:
    """Tell in words what became of a product's writes, and why.

    From the journal of the run that wrote it, from traces, and from a look at PostgreSQL and Redis. It also
    works while the lab is down, with what the journal alone knows.
    """
    facts = _find(session, product, run)
    story = tell(facts)
    if session.json:
        write_json(_document(facts, story))
        return
    width = reading_width(sys.stdout)
    about = story.about if facts.product == product else f"{product} is {story.about}"
    for line in _lines(about, story, width):
        # A name, and an error of PostgreSQL that quotes a value, may hold anything.
        sys.stdout.write(f"{printable(for_lab(line, session.lab.name))}\n")


def _find(session: Session, word: str, run: str | None) -> ProductFacts:
    """The facts of the product with this id, or else with this name.

    Raises:
        UsageError: nothing is known of one, or several have that name.
    """
    facts = _gather(session, word, run) if is_id(word) else None
    if facts is not None and _is_known(facts):
        return facts
    product = product_named(open_runs(session.lab.name, session.runtime), word, run)
    if product is not None:
        return _gather(session, product, run)
    if facts is not None and facts.unread:
        return facts
    unasked = "" if facts is None else facts.unasked
    raise UsageError(
        f"nothing is known of {word}" + (f": {unasked}" if unasked else ""),
        hint=f"{labctl('product list')} shows the newest products, {labctl('report')} those of the last run; "
        "names are looked up in that run alone, unless --run names another",
    )


def _gather(session: Session, product: str, run: str | None) -> ProductFacts:
    runs = open_runs(session.lab.name, session.runtime)
    journal = runs.newest_with(product) if run is None else runs.open(run)
    life, unasked = None, ""
    try:
        life = ask_life(session, product)
    except EnvironmentFault as error:
        unasked = error.message[:1].upper() + error.message[1:]
    return gather(product, journal, life, unasked=unasked)


def _is_known(facts: ProductFacts) -> bool:
    """Whether a run, a trace or the lab knows the product."""
    now = facts.now
    held = now is not None and (now.row_version, now.pending_version, now.cached_version) != (None,) * 3
    return bool(facts.writes) or held


def _lines(about: str, story: Story, width: int | None) -> list[str]:
    lines = fitted(about, width)
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
