"""The format of a scenario file. The reader and the JSON Schema are derived from these types.

A value that is None was left out; `null` in a file is refused.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from scenarios.judge.checks.result import Validity
from scenarios.scripted.words import (
    LONGEST_NAME,
    NAME_PATTERN,
    Clients,
    Fault,
    Group,
    Line,
    Ms,
    Price,
    ProductId,
    ProductName,
    Quantity,
    Service,
    Text,
    Whole,
)
from service.writebehind.settings import WritePolicy
from service.writebehind.workers import State
from stack.spec.events import ServiceState

#: The group that stands for all writes.
ALL: Final = "all"


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping in the file. Keys that it does not know are refused."""


class Count(Part, frozen=True, kw_only=True):
    """Limits of a count. At least one of them."""

    at_least: Whole | None = None
    at_most: Whole | None = None


class Duration(Part, frozen=True, kw_only=True):
    """Limits of a duration, in ms. At least one of them."""

    at_least: Ms | None = None
    at_most: Ms | None = None


class Create(Part, frozen=True, kw_only=True):
    """Create products."""

    group: Group | None = None
    count: Annotated[int, Meta(ge=1, le=10_000, description="How many products.")] = 1
    clients: Clients = 1
    name: ProductName = "Product"
    price: Price = 9.99
    quantity: Quantity = 1
    policy: WritePolicy | None = None


class Update(Part, frozen=True, kw_only=True):
    """Update products: those of a group, or one."""

    of: Group | None = None
    product: ProductId | None = None
    group: Group | None = None
    count: Annotated[int, Meta(ge=1, le=10_000, description="How many updates of each product.")] = 1
    clients: Clients = 1
    name: ProductName = "Updated"
    price: Price = 9.99
    quantity: Quantity = 1
    policy: WritePolicy | None = None


class Delete(Part, frozen=True, kw_only=True):
    """Delete products: those of a group, or one."""

    of: Group | None = None
    product: ProductId | None = None
    group: Group | None = None
    clients: Clients = 1
    policy: WritePolicy | None = None


class ServiceIs(Part, frozen=True, kw_only=True):
    """A service and the state that it is to have."""

    name: Service
    state: ServiceState


class Wait(Part, frozen=True, kw_only=True):
    """Wait until one condition holds. If it does not in time, the run is inconclusive."""

    flushed: Annotated[
        Literal[True] | None, Meta(description="Nothing is queued, in flight or waiting for a retry.")
    ] = None
    queue: Annotated[Whole | Count | None, Meta(description="How many products are queued.")] = None
    inflight: Annotated[Whole | Count | None, Meta(description="How many are being written.")] = None
    retrying: Annotated[Whole | Count | None, Meta(description="How many wait for a retry.")] = None
    dead_letters: Annotated[Whole | Count | None, Meta(description="How many are set aside.")] = None
    rows_of: Annotated[
        Group | None, Meta(description="PostgreSQL has the acknowledged versions of this group's products.")
    ] = None
    row: Annotated[ProductId | None, Meta(description="PostgreSQL has a row of this product.")] = None
    worker: Annotated[State | None, Meta(description="A worker reports this state.")] = None
    service: ServiceIs | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=600, description="How long to wait at most, in s.")] = 30.0


class Load(Part, frozen=True, kw_only=True):
    """Put the lab under load, like `labctl load`, whose options these are."""

    kind: Literal["basic", "coalescing", "quick"] = "basic"
    duration: Annotated[float, Meta(gt=0, le=600, description="How long, in s.")] | None = None
    rate: Annotated[float, Meta(gt=0, le=100_000, description="Requests a second.")] | None = None
    writes_per_second: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    clients: Annotated[int, Meta(ge=1, le=256)] | None = None
    mix: Line | None = None
    keys: Annotated[int, Meta(ge=1, le=100_000, description="How many products it uses.")] | None = None
    policy: WritePolicy | None = None
    fault: Annotated[
        tuple[Line, ...],
        Meta(max_length=20, description="Faults under the load: redis:kill@5s:start@7s"),
    ] = ()


class Ask(Part, frozen=True, kw_only=True):
    """Ask whoever watches. On a terminal the answer goes into the run's record; elsewhere it is skipped."""

    question: Line
    choices: Annotated[tuple[Line, ...], Meta(max_length=9)] = ()


class Step(Part, frozen=True, kw_only=True):
    """One step: an action, or something to say, or both."""

    title: Line | None = None
    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    wait: Wait | None = None
    load: Load | None = None
    fault: Fault | None = None
    settings: Annotated[
        dict[str, bool | int | float | str] | None,
        Meta(description="Settings of the lab to change live; they are put back at the end."),
    ] = None
    dead_letters: Annotated[
        Literal["requeue"] | None, Meta(description="Put the dead letters back into the queue.")
    ] = None
    check: Annotated[
        dict[str, Whole | Count] | None,
        Meta(description="How far running totals have risen since the last check, or since the beginning."),
    ] = None
    ask: Ask | None = None
    narrate: Annotated[Text | None, Meta(description="What just happened, for the audience.")] = None
    matters: Annotated[Text | None, Meta(description="Why it matters, for the audience.")] = None


class Cleanup(Part, frozen=True, kw_only=True):
    """What always runs at the end, even after an interruption: one action."""

    title: Line | None = None
    delete: Delete | None = None
    fault: Annotated[Fault | None, Meta(description="Only what mends: start, resume, off.")] = None
    dead_letters: Literal["requeue"] | None = None


class Fates(Part, frozen=True, kw_only=True):
    """What became of the acknowledged writes of a group."""

    persisted: Whole | Count | None = None
    superseded: Whole | Count | None = None
    dead_lettered: Whole | Count | None = None
    pending: Whole | Count | None = None
    lost: Whole | Count | None = None


class Percentiles(Part, frozen=True, kw_only=True):
    """Limits of percentiles, in ms."""

    p50_ms: Duration | None = None
    p95_ms: Duration | None = None
    p99_ms: Duration | None = None
    max_ms: Duration | None = None


class Expect(Part, frozen=True, kw_only=True):
    """What is predicted. By group; the group `all` has all writes."""

    validity: Validity = "valid"
    fates: Annotated[
        dict[str, Fates], Meta(description="By group. Without it, no acknowledged write may be lost.")
    ] = {}
    refused: Annotated[Whole | Count | None, Meta(description="Writes that were refused.")] = None
    unknown: Annotated[Whole | Count | None, Meta(description="Writes without an answer.")] = None
    totals: Annotated[
        dict[str, Whole | Count], Meta(description="How far running totals have risen over the run.")
    ] = {}
    acknowledgement: Annotated[
        dict[str, Percentiles], Meta(description="By group: how long acknowledgements took.")
    ] = {}
    persist_lag: Annotated[
        dict[str, Percentiles],
        Meta(description="By group: from the acknowledgement until the row was seen in PostgreSQL."),
    ] = {}


class Script(Part, frozen=True, kw_only=True):
    """A scenario: what is done, and what is predicted."""

    name: Annotated[
        str,
        Meta(
            max_length=LONGEST_NAME,
            pattern=NAME_PATTERN,
            description="The name of its runs. Not that of a built-in demo.",
        ),
    ]
    title: Line
    summary: Annotated[Text | None, Meta(description="One or two sentences: what will be shown.")] = None
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=200)]
    expect: Expect = Expect()
    cleanup: Annotated[tuple[Cleanup, ...], Meta(max_length=50)] = ()
    conclusion: Annotated[Text | None, Meta(description="The last line if all was as predicted.")] = None


#: The keys of a step that do something; a step has one of them at most.
ACTIONS: Final = (
    "create",
    "update",
    "delete",
    "wait",
    "load",
    "fault",
    "settings",
    "dead_letters",
    "check",
    "ask",
)
CONDITIONS: Final = (
    "flushed",
    "queue",
    "inflight",
    "retrying",
    "dead_letters",
    "rows_of",
    "row",
    "worker",
    "service",
)
