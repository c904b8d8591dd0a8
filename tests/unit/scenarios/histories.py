"""Scripted histories for tests of the verdict: short ways to write what happened and what was found."""

from collections.abc import Mapping
from typing import Any

from scenarios.findings import Held
from scenarios.ledger import Operation, Write

WIDGET: Mapping[str, Any] = {"name": "Widget", "price": 29.99, "quantity": 100}
GADGET: Mapping[str, Any] = {"name": "Gadget", "price": 5, "quantity": 1}


def value(name: str, price: float = 29.99, quantity: int = 100) -> Mapping[str, Any]:
    """What a client sends, told apart by its name."""
    return {"name": name, "price": price, "quantity": quantity}


def acknowledged(
    product: str | None,
    version: int | None,
    value: Mapping[str, Any] | None = WIDGET,
    *,
    operation: Operation = "update",
    group: str = "",
) -> Write:
    return Write(
        product=product,
        operation=operation,
        value=value,
        answer="acknowledged",
        version=version,
        group=group,
    )


def deleted(product: str, version: int) -> Write:
    return acknowledged(product, version, None, operation="delete")


def refused(product: str | None, value: Mapping[str, Any] | None = WIDGET) -> Write:
    return Write(product=product, operation="update", value=value, answer="refused")


def unknown(
    product: str | None, value: Mapping[str, Any] | None = WIDGET, *, operation: Operation = "update"
) -> Write:
    return Write(product=product, operation=operation, value=value, answer="unknown")


def row(version: int, value: Mapping[str, Any] | None = WIDGET) -> Held:
    return Held(version=version, value=value)


def tombstone(version: int) -> Held:
    return Held(version=version, value=None)
