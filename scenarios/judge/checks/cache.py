"""The cache beside the rows."""

from scenarios.judge.case import Case
from scenarios.judge.checks.result import Result, counted
from scenarios.judge.final_read import StoredValue
from scenarios.judge.values import same


def diverged(case: Case) -> Result:
    """Once it is quiet, a cache entry is what its row is."""
    read = case.read
    if not read.reads("rows", "cached", "pending"):
        return Result(validity="unknown")
    products = sorted(
        product
        for product, cached in read.cached.items()
        if not read.pending.get(product) and _differs(read.rows.get(product), cached)
    )
    if not products:
        return Result()
    what = "not the same in the cache and in the database"
    return Result(
        validity="invalid",
        reasons=(f"{counted(len(products), 'product is', 'products are')} {what}",),
        evidence=tuple(products),
    )


def _differs(row: StoredValue | None, cached: StoredValue) -> bool:
    if row is None:
        # Deleted and never persisted, or cached and nowhere: only a live entry shows a phantom.
        return cached.value is not None
    return cached.version != row.version or not same(cached.value, row.value)
