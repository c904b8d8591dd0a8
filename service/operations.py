"""Every operation of the HTTP API: what it takes and what it answers. `service/openapi.py` writes the OpenAPI
document from this list; the routes in `service/routes/` do the work."""

from typing import Final

from service.answers import (
    Accepted,
    Config,
    DeadLetterList,
    Document,
    Dropped,
    FlushRequested,
    Health,
    ProductAnswer,
    ProductList,
    Requeued,
    RunList,
    Tombstone,
    TraceAnswer,
    TraceList,
)
from service.live.control import Fault, Injected
from service.live.history import LISTED_RUNS
from service.live.marks import Mark
from service.operation import Answer, Operation, Parameter
from service.traces.life import Life
from service.traces.otlp import CONTENT_TYPES
from service.traces.spans import TraceId
from service.writebehind.entry import Product
from service.writebehind.limits import DEFAULT_LISTED, SHOWN_LETTERS, Limit, ProductId
from service.writebehind.overview import QueueState
from service.writebehind.settings import LiveSettings, WritePolicy

_ID: Final = Parameter("id", "path", ProductId)
_POLICY: Final = Parameter(
    "X-Write-Policy", "header", WritePolicy, "Overrides the write policy for this one write."
)
_CONTROL: Final = Parameter(
    "X-Lab-Control", "header", str, "Any value: a page of another site can't send it."
)
_WIDGET: Final = {"name": "Demo Widget", "price": 29.99, "quantity": 100}
_PRODUCTS: Final = (
    Operation(
        method="get",
        path="/products",
        name="listProducts",
        summary="The products created last, pending writes included",
        parameters=(Parameter("limit", "query", Limit, default=DEFAULT_LISTED),),
        answers={200: Answer("Newest first", ProductList)},
        problems=(422, 503),
    ),
    Operation(
        method="post",
        path="/products",
        name="createProduct",
        summary="Create a product",
        parameters=(_POLICY,),
        body=Product,
        example=_WIDGET,
        answers={201: Answer("Acknowledged", ProductAnswer, headers={"Location": "Path of the product"})},
        problems=(400, 408, 413, 422, 503, 504),
    ),
    Operation(
        method="get",
        path="/products/{id}",
        name="readProduct",
        summary="Read a product from the cache, else from the pending writes, else from PostgreSQL",
        parameters=(_ID,),
        answers={200: Answer("The product; `source` says where it was found", ProductAnswer)},
        problems=(404, 422, 503),
    ),
    Operation(
        method="put",
        path="/products/{id}",
        name="updateProduct",
        summary="Replace a product",
        parameters=(_ID, _POLICY),
        body=Product,
        example=_WIDGET,
        answers={200: Answer("Acknowledged", ProductAnswer)},
        problems=(400, 404, 408, 413, 422, 503, 504),
    ),
    Operation(
        method="delete",
        path="/products/{id}",
        name="deleteProduct",
        summary="Delete a product",
        parameters=(_ID, _POLICY),
        answers={200: Answer("Acknowledged", Tombstone)},
        problems=(400, 404, 413, 422, 503, 504),
    ),
)
_ADMIN: Final = (
    Operation(
        method="get",
        path="/admin/config",
        name="readConfig",
        summary="The live settings in force",
        answers={200: Answer("Settings and queue size", Config)},
        problems=(503,),
    ),
    Operation(
        method="patch",
        path="/admin/config",
        name="changeConfig",
        summary="Change live settings, for every process at once",
        body=LiveSettings,
        example={"coalescing_window_ms": 500},
        answers={200: Answer("The settings now in force", Config)},
        problems=(400, 408, 413, 422, 503, 504),
    ),
    Operation(
        method="get",
        path="/admin/queue",
        name="readQueue",
        summary="The queue, at a cost that does not grow with it",
        answers={200: Answer("The queue at one moment", QueueState)},
        problems=(503,),
    ),
    Operation(
        method="post",
        path="/admin/flush",
        name="flush",
        summary="Flush now, without waiting for the window",
        answers={202: Answer("Requested", FlushRequested)},
        problems=(503, 504),
    ),
    Operation(
        method="get",
        path="/admin/dlq",
        name="readDeadLetters",
        summary=f"The oldest {SHOWN_LETTERS} dead letters",
        answers={200: Answer("Oldest first", DeadLetterList)},
        problems=(503,),
    ),
    Operation(
        method="delete",
        path="/admin/dlq",
        name="dropDeadLetters",
        summary="Drop all dead letters",
        answers={200: Answer("Dropped", Dropped)},
        problems=(503, 504),
    ),
    Operation(
        method="post",
        path="/admin/dlq/requeue",
        name="requeueDeadLetters",
        summary="Put back every dead letter that is still its product's newest write",
        answers={200: Answer("Put back, or dropped as superseded", Requeued)},
        problems=(503, 504),
    ),
)
_LIVE: Final = (
    Operation(
        method="post",
        path="/admin/marks",
        name="mark",
        summary="Tell the page what a run does: its begin, a step, a fault, its end",
        body=Mark,
        example={"run": "20260131T180000Z-data-loss", "kind": "step", "at": 1769882400.5, "label": "Crash"},
        answers={202: Answer("Taken", Accepted)},
        problems=(408, 413, 422, 503),
    ),
    Operation(
        method="get",
        path="/live/runs",
        name="listRuns",
        summary="The runs that were told of, and how many look at the page",
        answers={200: Answer(f"The newest {LISTED_RUNS}, newest first", RunList)},
        problems=(503,),
    ),
    Operation(
        method="post",
        path="/live/control/settings",
        name="controlSettings",
        summary="Change live settings from the lab's page, if that is allowed",
        parameters=(_CONTROL,),
        body=LiveSettings,
        example={"coalescing_window_ms": 500},
        answers={200: Answer("The settings now in force", Config)},
        problems=(400, 403, 408, 413, 415, 422, 503, 504),
    ),
    Operation(
        method="post",
        path="/live/control/faults",
        name="controlFaults",
        summary="Inject a fault from the lab's page, if that is allowed",
        parameters=(_CONTROL,),
        body=Fault,
        example={"fault": "flush"},
        answers={200: Answer("Injected", Injected)},
        problems=(403, 408, 413, 415, 422, 503, 504),
    ),
)
_PAGE: Final = (
    Operation(
        method="get",
        path="/",
        name="page",
        summary="The lab's page",
        answers={200: Answer("HTML", str, media="text/html")},
    ),
    Operation(
        method="get",
        path="/page/{file}",
        name="pageFile",
        summary="A file of the lab's page",
        parameters=(Parameter("file", "path", str),),
        answers={200: Answer("The file", bytes, media="*/*")},
        problems=(404,),
    ),
    Operation(
        method="get",
        path="/live/stream",
        name="stream",
        summary="The lab as server-sent events: hello, then sample, mark and settings. It does not end",
        answers={200: Answer("Events, each with a JSON document", str, media="text/event-stream")},
        problems=(503,),
    ),
)
_SYSTEM: Final = (
    Operation(
        method="get",
        path="/health",
        name="health",
        summary="Redis, PostgreSQL and the workers, each checked",
        answers={
            200: Answer(
                "Redis and PostgreSQL answer. `status` is `degraded` if writes are refused even so, "
                "or if writes that are due do not reach PostgreSQL",
                Health,
            ),
            503: Answer("At least one of them does not answer; `detail` names it", Health),
        },
    ),
    Operation(
        method="get",
        path="/metrics",
        name="metrics",
        summary="Prometheus metrics",
        answers={200: Answer("Text exposition format", str, media="text/plain")},
        problems=(503,),
    ),
    Operation(
        method="get",
        path="/openapi.json",
        name="describe",
        summary="This document",
        answers={200: Answer("OpenAPI 3.1", Document)},
    ),
)
_TRACE_ID: Final = Parameter("trace_id", "path", TraceId)
_PRODUCT: Final = Parameter("product", "query", ProductId, "Only writes of this product")
_TRACES: Final = (
    Operation(
        method="post",
        path="/v1/traces",
        name="exportTraces",
        summary="Take spans by OTLP over HTTP, as protobuf or JSON; errors are in the request's encoding",
        body=Document,
        example={"resourceSpans": []},
        answers={200: Answer("Taken; `partialSuccess` counts spans that were not", Document)},
        problems=(400, 408, 413, 415, 503),
        own_problems=tuple(CONTENT_TYPES.values()),
    ),
    Operation(
        method="get",
        path="/traces",
        name="listTraces",
        summary="The newest traced writes",
        parameters=(Parameter("limit", "query", Limit, default=DEFAULT_LISTED), _PRODUCT),
        answers={200: Answer("Newest first", TraceList)},
        problems=(422, 503),
    ),
    Operation(
        method="get",
        path="/traces/{trace_id}",
        name="readTrace",
        summary="One trace, and the flushes that concern it",
        parameters=(_TRACE_ID,),
        answers={200: Answer("The spans that have arrived", TraceAnswer)},
        problems=(404, 503),
    ),
    Operation(
        method="get",
        path="/products/{id}/life",
        name="readLife",
        summary="What became of a product's traced writes",
        parameters=(_ID,),
        answers={200: Answer("Its writes, oldest first, and where it is now", Life)},
        problems=(422, 503),
    ),
)
OPERATIONS: Final = (*_PRODUCTS, *_SYSTEM, *_ADMIN, *_TRACES, *_LIVE, *_PAGE)
