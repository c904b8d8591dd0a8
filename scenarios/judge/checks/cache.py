"""Whether the cache agrees with the rows."""

from scenarios.judge.case import Case
from scenarios.judge.checks.result import Counted, Result
from scenarios.judge.final_read import StoredValue
from scenarios.judge.values import same


def diverged(case: Case) -> Result:
    """Once everything is flushed, a cache entry is the same as its row."""
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
        reasons=(Counted(len(products), f"product is {what}", f"products are {what}"),),
        evidence=tuple(products),
    )


def _differs(row: StoredValue | None, cached: StoredValue) -> bool:
    if row is None:
        # A cached delete needs no row. A cached value without a row is shown to clients and does not exist.
        return cached.value is not None
    return cached.version != row.version or not same(cached.value, row.value)
