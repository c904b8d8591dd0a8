"""Scripted histories for tests of the verdict: short ways to write what happened and what was found."""

from collections.abc import Mapping, Sequence
from typing import Any

from scenarios.judge.final_read import Findings, StoredValue
from scenarios.judge.history import History
from scenarios.judge.ledger import Operation, Write
from scenarios.judge.verdict import Verdict, judge

WIDGET: Mapping[str, Any] = {"name": "Widget", "price": 29.99, "quantity": 100}
GADGET: Mapping[str, Any] = {"name": "Gadget", "price": 5, "quantity": 1}


def value(name: str, price: float = 29.99, quantity: int = 100) -> Mapping[str, Any]:
    """A value that a client sends, identified by its name."""
    return {"name": name, "price": price, "quantity": quantity}


def acknowledged(
    product: str | None,
    version: int | None,
    value: Mapping[str, Any] | None = WIDGET,
    *,
    operation: Operation = "update",
    group: str = "",
    at: tuple[float, float] = (0.0, 0.0),
) -> Write:
    """`at`: when it was sent and answered, in s. By default all writes overlap."""
    return Write(
        product=product,
        operation=operation,
        value=value,
        answer="acknowledged",
        version=version,
        group=group,
        sent_at=at[0],
        finished_at=at[1],
    )


P5 = acknowledged("p", 5)


def deleted(product: str, version: int, *, at: tuple[float, float] = (0.0, 0.0)) -> Write:
    return acknowledged(product, version, None, operation="delete", at=at)


def refused(product: str | None, value: Mapping[str, Any] | None = WIDGET) -> Write:
    return Write(product=product, operation="update", value=value, answer="refused")


def unknown(
    product: str | None,
    value: Mapping[str, Any] | None = WIDGET,
    *,
    operation: Operation = "update",
    at: tuple[float, float] = (0.0, 0.0),
) -> Write:
    return Write(
        product=product, operation=operation, value=value, answer="unknown", sent_at=at[0], finished_at=at[1]
    )


def judged(writes: Sequence[Write], findings: Findings, **watched: Any) -> Verdict:
    """The verdict; `watched` are the sightings and the losses of the history."""
    return judge(History(writes=writes, **watched), findings)


def row(version: int, value: Mapping[str, Any] | None = WIDGET) -> StoredValue:
    return StoredValue(version=version, value=value)


def tombstone(version: int) -> StoredValue:
    return StoredValue(version=version, value=None)
