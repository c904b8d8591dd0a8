"""The bodies that the API answers with. `service/openapi.py` describes the API by them.

Products are answered as the scripts made them, byte for byte; their types here only describe them.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from service.live.marks import KnownRun
from service.traces.spans import Span, TraceId
from service.writebehind.entry import DeadLetter
from service.writebehind.settings import LiveSettings

#: What /health calls the workers: `ok`, `absent`, or the state of one that does not get its work done.
WORKER_WORDS: Final = ("ok", "absent", "blocked", "paused", "suspended", "overdue")

Count = Annotated[int, Meta(ge=0)]
Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Version = Annotated[int, Meta(ge=0, description="Rises with every write of the product")]
Source = Annotated[
    Literal["cache", "pending", "database"],
    Meta(description="Where the API found it, or where it wrote it"),
]


class ProductAnswer(Struct, frozen=True):
    """A product as it is now."""

    id: str
    name: str
    price: float
    quantity: int
    created_at: Timestamp
    updated_at: Timestamp
    version: Version
    source: Source


class ProductList(Struct, frozen=True):
    """Products, newest first."""

    products: list[ProductAnswer]


class Tombstone(Struct, frozen=True):
    """A product that was deleted."""

    id: str
    deleted: Annotated[bool, Meta(extra_json_schema={"const": True})]
    created_at: Timestamp
    updated_at: Timestamp
    version: Version
    source: Source


class FieldProblem(Struct, frozen=True):
    """What is wrong with one member of a request."""

    field: str
    detail: str


class Problem(Struct, frozen=True, kw_only=True):
    """An RFC 9457 problem document."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    errors: list[FieldProblem] | UnsetType = UNSET


class WritesHealth(Struct, frozen=True):
    """Whether writes are taken."""

    status: Literal["taken", "refused"]
    detail: str | UnsetType = UNSET


class ServerHealth(Struct, frozen=True):
    """Whether Redis or PostgreSQL answers."""

    status: Literal["ok", "down", "full"]
    detail: str | UnsetType = UNSET


class WorkerHealth(Struct, frozen=True):
    """Whether the workers get done what is due."""

    status: Annotated[str, Meta(extra_json_schema={"enum": list(WORKER_WORDS)})]
    detail: str | UnsetType = UNSET


class Health(Struct, frozen=True, kw_only=True):
    """The state of the service and of what it depends on."""

    status: Annotated[
        Literal["ok", "degraded", "down"],
        Meta(
            description="down: Redis or PostgreSQL does not answer; degraded: writes are refused, "
            "or writes that are due do not reach PostgreSQL"
        ),
    ]
    detail: str | UnsetType = UNSET
    writes: WritesHealth
    redis: ServerHealth
    postgres: ServerHealth
    worker: WorkerHealth | UnsetType = UNSET


class Config(LiveSettings, frozen=True, kw_only=True):
    """The live settings in force, and the length of the queue."""

    queue_size: Count


class FlushRequested(Struct, frozen=True, kw_only=True):
    """The flush was requested, with so many products in the queue."""

    status: Literal["flush requested"] = "flush requested"
    queue_size: Count


class DeadLetterList(Struct, frozen=True):
    """How many dead letters there are, and the oldest of them. Foreign content of the queue is shown as it
    is."""

    dlq_size: Count
    items: list[DeadLetter]


class Dropped(Struct, frozen=True):
    """How many dead letters were dropped."""

    dropped: Count


class Requeued(Struct, frozen=True):
    """What became of the dead letters."""

    requeued: Annotated[int, Meta(ge=0, description="Pending again")]
    superseded: Annotated[int, Meta(ge=0, description="Dropped, since the product has a newer write")]


class TraceAnswer(Struct, frozen=True):
    """A trace, and the flushes that concern it."""

    trace_id: TraceId
    spans: Annotated[list[Span], Meta(description="By their start")]
    linked: Annotated[
        list[Span],
        Meta(description="Of other traces: those that mention this one, and all above and below them"),
    ]


class TraceList(Struct, frozen=True):
    """The newest traced writes."""

    writes: Annotated[list[Span], Meta(description="The requests' spans, newest first")]


#: Any JSON object.
Document = dict[str, Any]


class Accepted(Struct, frozen=True):
    """Taken; there is nothing more to say."""


class RunList(Struct, frozen=True):
    """The runs that labctl told the API of, and whether anyone sees them."""

    viewers: Annotated[int, Meta(ge=0, description="How many look at the lab's page")]
    sampled_at: Annotated[
        float, Meta(ge=0, description="When the page's newest sample was taken: Unix time, in s")
    ]
    runs: list[KnownRun]
