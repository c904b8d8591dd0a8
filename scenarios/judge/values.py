"""When two values of a product are the same."""

from typing import Any

from scenarios.judge.final_read import Value

Comparable = tuple[str, str, str] | None


def same(one: Value | None, other: Value | None) -> bool:
    """Whether two values of a product, or two deletes (None), are the same."""
    return comparable(one) == comparable(other)


def comparable(value: Value | None) -> Comparable:
    """The fields that a client sets, as they compare: numbers as PostgreSQL stores them."""
    if value is None:
        return None
    return str(value.get("name")), _price(value.get("price")), str(value.get("quantity"))


def _price(value: Any) -> str:
    """A price has two decimals: 5, 5.0 and 5.00 are one. (An int may have more digits than a float.)"""
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value}.00" if isinstance(value, int) else str(value)
