"""What a load sends. A profile makes the calls and learns from their answers; it does no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from math import floor
from random import Random
from typing import Any, Final, Protocol

import msgspec

from scenarios.judge.ledger import Operation
from scenarios.load.http import request
from scenarios.load.own_products import OwnProducts
from scenarios.shares import FINEST, USUAL_KEYS, USUAL_SHARES, Shares
from service.writebehind.settings import WritePolicy

#: Every run sends the same.
_SEED: Final = 42
#: So many requests hold the shares exactly, and the next ones repeat their order.
_CYCLE: Final = round(1 / FINEST)


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

    @property
    def writes(self) -> float:
        """The share of calls that write, 0 to 1."""

    def next(self, client: int) -> Call: ...

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """A write of this client was acknowledged."""

    def gone(self, client: int, call: Call) -> None:
        """The call's product does not exist: the answer was 404."""


class _Calls:
    """Makes calls whose values all differ, so that a row shows which write it came from."""

    def __init__(self, host: str, label: str, policy: WritePolicy | None) -> None:
        self._host = host
        self._label = label
        #: Of writes.
        self._headers = f"X-Write-Policy: {policy}\r\n" if policy else ""
        self._made = 0

    def create(self) -> Call:
        value = self._value()
        return Call(self._write("POST", "/products", msgspec.json.encode(value)), "create", None, value)

    def update(self, product: str) -> Call:
        value = self._value()
        payload = self._write("PUT", f"/products/{product}", msgspec.json.encode(value))
        return Call(payload, "update", product, value)

    def delete(self, product: str) -> Call:
        return Call(self._write("DELETE", f"/products/{product}"), "delete", product)

    def read(self, product: str, at_least: int) -> Call:
        payload = request("GET", f"/products/{product}", self._host)
        return Call(payload, None, product, None, at_least)

    def _write(self, method: str, path: str, body: bytes | None = None) -> bytes:
        return request(method, path, self._host, body, headers=self._headers)

    def _value(self) -> dict[str, Any]:
        self._made += 1
        number = self._made
        return {"name": f"{self._label}-{number}", "price": number % 10_000 / 100, "quantity": number % 1000}


class Creates:
    """Distinct products, nothing else."""

    writes: Final = 1.0

    def __init__(self, host: str, policy: WritePolicy | None = None) -> None:
        self._calls = _Calls(host, "Load", policy)

    def next(self, client: int) -> Call:
        return self._calls.create()

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """Nothing to learn: this product is not used again."""

    def gone(self, client: int, call: Call) -> None:
        """Does not happen: a create does not name a product."""


class HotProduct:
    """Updates of one product."""

    writes: Final = 1.0

    def __init__(self, host: str, product: str, policy: WritePolicy | None = None) -> None:
        self._calls = _Calls(host, "Hot", policy)
        self._product = product

    def next(self, client: int) -> Call:
        return self._calls.update(self._product)

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        """Nothing to learn: every update is of the same product."""

    def gone(self, client: int, call: Call) -> None:
        """It may come back; every 404 until then is an error worth counting."""


class Mix:
    """Creates, reads, updates and deletes by their shares. Each client uses its own products; one that has
    none creates one, whatever the shares."""

    def __init__(
        self,
        host: str,
        clients: int,
        shares: Shares = USUAL_SHARES,
        *,
        keys: int = USUAL_KEYS,
        policy: WritePolicy | None = None,
    ) -> None:
        """
        Args:
            keys: How many products to keep using, for all clients together: at least one each. If a client
                creates more, it no longer uses the oldest of its own.
        """
        self.writes: Final = shares.writes
        self._calls = _Calls(host, "Mix", policy)
        self._random = Random(_SEED)
        self._kinds = cycle(_in_turn(shares, self._random))
        self._owned = [
            OwnProducts(keys // clients + (client < keys % clients), self._random)
            for client in range(clients)
        ]

    def next(self, client: int) -> Call:
        kind, owned = next(self._kinds), self._owned[client]
        if kind == "create" or not owned:
            return self._calls.create()
        product = owned.any()
        if kind == "read":
            return self._calls.read(product, owned.version(product))
        if kind == "update":
            return self._calls.update(product)
        # Whatever the answer will be, the product may be gone from now on.
        owned.forget(product)
        return self._calls.delete(product)

    def acknowledged(self, client: int, call: Call, product: str, version: int) -> None:
        if call.operation != "delete":
            self._owned[client].note(product, version)

    def gone(self, client: int, call: Call) -> None:
        if call.product is not None:
            self._owned[client].forget(call.product)


def _in_turn(shares: Shares, random: Random) -> list[str]:
    """A cycle of operations that holds the shares, in a random order."""
    weights = shares.weights
    total = sum(weights.values())
    kinds: list[str] = []
    reached = 0.0
    for kind, weight in weights.items():
        reached += weight
        # Rounding where each share ends, not each share, makes the cycle come out whole. Always rounding
        # halves up leaves none empty.
        kinds += [kind] * (floor(_CYCLE * reached / total + 0.5) - len(kinds))
    random.shuffle(kinds)
    return kinds
