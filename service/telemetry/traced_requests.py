"""Requests as spans.

This is not OpenTelemetry's instrumentation of Flask: that begins a span for every request, sampled or not.
docs/traces.md has what that costs.
"""

import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Final

from service.telemetry.facts import METHODS, UNMATCHED, facts_of
from service.telemetry.tracing import Recording, Tracing, recording, within
from service.traces.spans import PRODUCT, SUPERSEDED_TRACEPARENT, VERSION
from service.writebehind.entry import Product
from service.writebehind.errors import WriteBehindError
from service.writebehind.scripts.writing import Operation
from service.writebehind.writes import Writes, Written

#: What takes traces is not traced: each export would cause the next.
_NEVER: Final = "/v1/"
#: What is traced without being asked to, with the probability that the settings give: not what tools ask for
#: all the time.
_SAMPLED: Final = ("/products", "/admin")

_Start = Callable[..., Any]
_Application = Callable[[dict[str, Any], _Start], Iterable[bytes]]


class TracedRequests:
    """A WSGI application whose requests are traced, if they ask for it or are sampled."""

    def __init__(self, application: _Application, tracing: Tracing) -> None:
        self._application = application
        self._tracing = tracing

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        traceparent = environ.get("HTTP_TRACEPARENT")
        if not self._tracing.wanted(traceparent):
            return self._application(environ, start_response)
        path = environ["PATH_INFO"]
        if path.startswith(_NEVER) or (traceparent is None and not path.startswith(_SAMPLED)):
            return self._application(environ, start_response)
        began = self._tracing.begin(
            environ["REQUEST_METHOD"], "server", _described(environ), carrier=_carrier(environ)
        )
        if began is None:
            return self._application(environ, start_response)
        return self._traced(began, environ, start_response)

    def _traced(self, request: Recording, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        status = 0
        facts_of(environ).trace_id = request.ids[0]

        def start(line: str, *args: Any) -> Any:
            nonlocal status
            status = int(line[:3])
            return start_response(line, *args)

        with within(request):
            try:
                return self._application(environ, start)
            finally:
                _conclude(request, environ, status)


def _described(environ: MutableMapping[str, Any]) -> dict[str, Any]:
    described = {
        "http.request.method": environ["REQUEST_METHOD"],
        "url.path": environ["PATH_INFO"],
        "url.scheme": environ["wsgi.url_scheme"],
        "server.address": environ["SERVER_NAME"],
        "server.port": int(environ["SERVER_PORT"]),
        "network.protocol.version": environ["SERVER_PROTOCOL"].removeprefix("HTTP/"),
        "client.address": environ.get("REMOTE_ADDR", ""),
    }
    if environ.get("QUERY_STRING"):
        described["url.query"] = environ["QUERY_STRING"]
    if environ.get("HTTP_USER_AGENT"):
        described["user_agent.original"] = environ["HTTP_USER_AGENT"]
    return described


def _carrier(environ: MutableMapping[str, Any]) -> dict[str, str] | None:
    """The caller's trace context; None if it sent none."""
    if "HTTP_TRACEPARENT" not in environ:
        return None
    return {
        "traceparent": environ["HTTP_TRACEPARENT"],
        "tracestate": environ.get("HTTP_TRACESTATE", ""),
    }


def _conclude(request: Recording, environ: dict[str, Any], status: int) -> None:
    """Note what is known once there is an answer: its status, and the route that answered."""
    route, method = facts_of(environ).route, environ["REQUEST_METHOD"]
    span = request.span
    name = method if method in METHODS else "HTTP"
    if route != UNMATCHED:
        span.set_attribute("http.route", route)
        name = f"{name} {route}"
    span.update_name(name)
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        request.failed(str(status))


class TracedWrites(Writes):
    """`Writes` that tell the request's span what was written, and give its context to the entry."""

    def create(self, product: Product, *, policy: str = "", traceparent: str = "") -> Written:
        trace = recording()
        if trace is None:
            return super().create(product, policy=policy, traceparent=traceparent)
        return _noted(
            trace,
            "create",
            "",
            lambda: super(TracedWrites, self).create(product, policy=policy, traceparent=trace.traceparent),
        )

    def update(
        self, product_id: str, product: Product, *, policy: str = "", traceparent: str = ""
    ) -> Written:
        trace = recording()
        if trace is None:
            return super().update(product_id, product, policy=policy, traceparent=traceparent)
        return _noted(
            trace,
            "update",
            product_id,
            lambda: super(TracedWrites, self).update(
                product_id, product, policy=policy, traceparent=trace.traceparent
            ),
        )

    def delete(self, product_id: str, *, policy: str = "", traceparent: str = "") -> Written:
        trace = recording()
        if trace is None:
            return super().delete(product_id, policy=policy, traceparent=traceparent)
        return _noted(
            trace,
            "delete",
            product_id,
            lambda: super(TracedWrites, self).delete(
                product_id, policy=policy, traceparent=trace.traceparent
            ),
        )


def _noted(trace: Recording, operation: Operation, product_id: str, write: Callable[[], Written]) -> Written:
    span = trace.span
    span.set_attribute("lab.write.operation", operation)
    if product_id:
        span.set_attribute(PRODUCT, product_id)
    try:
        written = write()
    except WriteBehindError as error:
        span.set_attribute("lab.write.error", str(error))
        raise
    older = written.superseded
    span.set_attributes(
        {
            PRODUCT: written.id,
            VERSION: written.version,
            "lab.write.policy": "write_behind" if written.queued else "write_through",
            "lab.write.coalesced": older is not None,
        }
    )
    if older is not None:
        attributes: dict[str, Any] = {"lab.superseded.version": older.version}
        if older.traceparent:
            attributes[SUPERSEDED_TRACEPARENT] = older.traceparent
        span.add_event("superseded", attributes, time.time_ns())
    return written
