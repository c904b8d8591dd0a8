"""Finds a product by what a person calls it: an id, or the name that a run gave it."""

from labctl.render.text.sentences import named
from labctl.runs.store import Runs
from service.writebehind.entry import check_id
from service.writebehind.errors import InvalidProduct
from stack.errors import UsageError


def is_id(word: str) -> bool:
    """Whether a product can have this id."""
    try:
        check_id(word)
    except InvalidProduct:
        return False
    return True


def product_named(runs: Runs, name: str, run: str | None) -> str | None:
    """The product that a run wrote under this name; None: the run wrote none.

    Args:
        run: The run, as `Runs.find` takes it; None: the newest, if there is one.

    Raises:
        UsageError: several products had that name, or there is no such run.
        StateUnusable: the run's journal can't be read.
    """
    journal = runs.newest() if run is None else runs.open(run)
    if journal is None:
        return None
    products = journal.named(name)
    if len(products) > 1:
        raise UsageError(
            f"{len(products):,} products are called {name} in {journal.run}",
            hint=f"give the id of one: {named(products)}",
        )
    return next(iter(products), None)
