"""What a load sends. A profile makes the calls and learns from their answers; it does no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

import msgspec

from scenarios.judge.ledger import Operation
from scenarios.load.http import request

#: Every run has the same mix of reads and writes.
_SEED: Final = 42
_CREATE_SHARE: Final = 0.3
_READ_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Call:
    """One request."""

    #: The whole HTTP request.
    payload: bytes
    #: None: a read.
    operation: Operation | None
    #: None for a create: the id is the server's to give.
    product: str | None
    value: Mapping[str, Any] | None = None
    #: The version that a read must at least show: the newest acknowledged to the same client.
    at_least: int = 0


class Profile(Protocol):
    """Clients are numbered from 0; each has at most one call under way, so it sees its own writes in
    order."""

    def next(self, client: int) -> Call: ...

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """A write of this client was acknowledged."""

    def gone(self, client: int, call: Call) -> None:
        """The call's product does not exist: the answer was 404."""


class _Calls:
    """Makes calls whose values all differ, so that a row shows which write it came from."""

    def __init__(self, host: str, label: str) -> None:
        self._host = host
        self._label = label
        self._made = 0

    def create(self) -> Call:
        value = self._value()
        body = msgspec.json.encode(value)
        return Call(request("POST", "/products", self._host, body), "create", None, value)

    def update(self, product: str) -> Call:
        value = self._value()
        body = msgspec.json.encode(value)
        return Call(request("PUT", f"/products/{product}", self._host, body), "update", product, value)

    def read(self, product: str, at_least: int) -> Call:
        payload = request("GET", f"/products/{product}", self._host)
        return Call(payload, None, product, None, at_least)

    def _value(self) -> dict[str, Any]:
        self._made += 1
        number = self._made
        return {"name": f"{self._label}-{number}", "price": number % 10_000 / 100, "quantity": number % 1000}


class Creates:
    """Distinct products, nothing else."""

    def __init__(self, host: str) -> None:
        self._calls = _Calls(host, "Load")

    def next(self, client: int) -> Call:
        return self._calls.create()

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """Nothing to learn: this product is not used again."""

    def gone(self, client: int, call: Call) -> None:
        """Does not happen: a create does not name a product."""


class HotProduct:
    """Updates of one product."""

    def __init__(self, host: str, product: str) -> None:
        self._calls = _Calls(host, "Hot")
        self._product = product

    def next(self, client: int) -> Call:
        return self._calls.update(self._product)

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """Nothing to learn: every update is of the same product."""

    def gone(self, client: int, call: Call) -> None:
        """It may come back; every 404 until then is an error worth counting."""


class Mix:
    """30 % creates, 30 % reads, 40 % updates; each client reads and updates its own products."""

    def __init__(self, host: str, clients: int) -> None:
        self._calls = _Calls(host, "Mix")
        self._random = Random(_SEED)
        #: Of each client, its products and their newest acknowledged versions.
        self._products: list[list[str]] = [[] for _ in range(clients)]
        self._versions: list[dict[str, int]] = [{} for _ in range(clients)]

    def next(self, client: int) -> Call:
        draw, own = self._random.random(), self._products[client]
        if draw < _CREATE_SHARE or not own:
            return self._calls.create()
        product = own[int(self._random.random() * len(own))]
        if draw < _CREATE_SHARE + _READ_SHARE:
            return self._calls.read(product, self._versions[client][product])
        return self._calls.update(product)

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        versions = self._versions[client]
        if product not in versions:
            self._products[client].append(product)
        versions[product] = version

    def gone(self, client: int, call: Call) -> None:
        if call.product is not None and self._versions[client].pop(call.product, None) is not None:
            self._products[client].remove(call.product)
