"""What is known of a request: the gateway begins it, the routes fill it in, and metrics are made of it."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    QueueFull,
    StoreUnavailable,
    WriteBehindError,
)
from service.writebehind.settings import WritePolicy

#: How a request was answered. `refused`: certainly not done, try again (503). `unknown`: perhaps done (504).
Outcome = Literal["ok", "not_found", "invalid", "refused", "unknown", "error"]
#: The policy that a write was answered under. `unknown`: it was not answered by either; `none`: not a write.
Policy = WritePolicy | Literal["unknown", "none"]
#: Where a product was found: in the cache, among the pending writes, or only PostgreSQL could tell.
CacheRead = Literal["hit", "pending", "miss"]
#: Why a write was refused. `busy`: all threads of the service were, so the request was never looked at.
Refusal = Literal["overflow", "redis", "postgres", "busy"]

CACHE_READS: Final = get_args(CacheRead)
REFUSALS: Final = get_args(Refusal)
#: The methods that may be part of a label or of a span's name. A client may invent others.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: The route of a request that has none.
UNMATCHED: Final = "unmatched"

#: Where the facts are in a WSGI environment.
_KEY: Final = "write_behind.facts"
_VARIABLE: Final = re.compile(r"<(?:\w+:)?(?:product_)?(\w+)>")
_REASONS: Final[tuple[tuple[type[WriteBehindError], Refusal], ...]] = (
    (QueueFull, "overflow"),
    (CacheUnavailable, "redis"),
    (StoreUnavailable, "postgres"),
)
_READS: Final[Mapping[str, CacheRead]] = {"cache": "hit", "pending": "pending", "database": "miss"}


@dataclass(slots=True)
class Facts:
    """One request."""

    #: A template, never a path: `/products/{id}`.
    route: str = UNMATCHED
    policy: Policy = "none"
    read: CacheRead | None = None
    refusal: Refusal | None = None
    #: Whether this write replaced one that was still pending.
    coalesced: bool = False
    #: The trace that the request belongs to, as 32 hexadecimal digits; '' if it is not traced.
    trace_id: str = ""

    def found(self, source: str) -> None:
        """A read was answered from this source, as `Reads.get` names it; '' if there was none."""
        self.read = _READS.get(source)

    def failed(self, error: WriteBehindError) -> None:
        """The request ended with this error. Only of writes is it noted why they were refused."""
        if isinstance(error, NoSuchProduct):
            self.found(error.source)
        if self.policy != "none":
            self.refusal = next((why for kind, why in _REASONS if isinstance(error, kind)), None)


def facts_of(environ: MutableMapping[str, Any]) -> Facts:
    """The facts of the request with this environment; new ones if it did not come through the gateway."""
    facts = environ.get(_KEY)
    if facts is None:
        facts = environ[_KEY] = Facts()
    found: Facts = facts
    return found


@lru_cache(maxsize=100)
def template(rule: str) -> str:
    """A route as OpenAPI writes it.

    >>> template("/products/<product_id>")
    '/products/{id}'
    """
    return _VARIABLE.sub(r"{\1}", rule)


def outcome_of(status: int) -> Outcome:
    """What an HTTP status says of the request."""
    match status:
        case 404:
            return "not_found"
        case 503:
            return "refused"
        case 504:
            return "unknown"
        case _ if status < 400:
            return "ok"
        case _:
            return "invalid" if status < 500 else "error"
