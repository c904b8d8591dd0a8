"""The HTTP API as calls. Every write goes into the ledger, whatever its outcome."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from scenarios.judge.ledger import Answer, Ledger, Operation, Write, answer_without_product
from scenarios.lab.problem import in_words
from scenarios.lab.products import method_of, path_of
from scenarios.lab.tracing import Ended, Tracer
from stack.errors import EnvironmentFault, NotRunning
from stack.spec.hints import labctl

_TIMEOUT_S: Final = 10.0
_MAX_CONNECTIONS: Final = 64


class Client:
    """One lab's API; several threads may use it. The outcome of a write that takes longer than the timeout is
    unknown."""

    def __init__(
        self, url: str, ledger: Ledger, *, timeout_s: float = _TIMEOUT_S, tracer: Tracer | None = None
    ) -> None:
        """
        Args:
            url: Of the API.
            timeout_s: How long connecting, and any part of an answer, may take.
            tracer: Starts a trace for every write; None: they are not traced.
        """
        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
        self._http = httpx.Client(base_url=url, timeout=timeout_s, limits=limits, trust_env=False)
        self._ledger = ledger
        self._tracer = tracer

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def create(self, value: Mapping[str, Any], *, group: str = "", policy: str = "") -> Write:
        return self._write("create", None, value, group, policy)

    def update(self, product: str, value: Mapping[str, Any], *, group: str = "", policy: str = "") -> Write:
        return self._write("update", product, value, group, policy)

    def delete(self, product: str, *, group: str = "", policy: str = "") -> Write:
        return self._write("delete", product, None, group, policy)

    def read(self, product: str) -> dict[str, Any] | None:
        """The product as the API shows it; None if there is none."""
        answer = self._ask("GET", path_of(product), ok=(200, 404))
        return dict(answer.json()) if answer.status_code == 200 else None

    def config(self) -> dict[str, Any]:
        return dict(self._ask("GET", "/admin/config").json())

    def change_config(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._ask("PATCH", "/admin/config", json=dict(changes)).json())

    def queue(self) -> dict[str, Any]:
        return dict(self._ask("GET", "/admin/queue").json())

    def flush(self) -> None:
        self._ask("POST", "/admin/flush", ok=(200, 202))

    def requeue_dead_letters(self) -> dict[str, Any]:
        return dict(self._ask("POST", "/admin/dlq/requeue").json())

    def _write(
        self,
        operation: Operation,
        product: str | None,
        value: Mapping[str, Any] | None,
        group: str,
        policy: str,
    ) -> Write:
        trace = None if self._tracer is None else self._tracer.begin()
        headers = {"X-Write-Policy": policy} if policy else {}
        if trace is not None:
            headers["traceparent"] = trace.traceparent
        sent_at = time.monotonic()
        attempt = self._attempt(method_of(operation), path_of(product), value, headers)
        finished_at = time.monotonic()
        write = Write(
            product=attempt.document.get("id", product),
            operation=operation,
            value=value,
            answer=attempt.answer,
            version=attempt.document.get("version"),
            sent_at=sent_at,
            finished_at=finished_at,
            latency_ms=1000 * (finished_at - sent_at),
            group=group,
            detail=attempt.detail,
            trace="" if trace is None else trace.trace_id,
        )
        self._ledger.record(write)
        if self._tracer is not None and trace is not None:
            self._tracer.end(trace, Ended(write, attempt.status))
        return write

    def _attempt(
        self, method: str, path: str, value: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> "_Attempt":
        json = dict(value) if value is not None else None
        try:
            answer = self._http.request(method, path, json=json, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return _Attempt("refused", detail=f"not sent: {error}")
        except httpx.HTTPError as error:
            return _Attempt("unknown", detail=f"{type(error).__name__}: {error}")
        if answer.is_success:
            return replace(_read_acknowledgement(answer), status=answer.status_code)
        return _Attempt(answer_without_product(answer.status_code), answer.status_code, detail=answer.text)

    def _ask(
        self, method: str, path: str, *, ok: tuple[int, ...] = (200,), json: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Raises NotRunning if the API can't be reached, EnvironmentFault if it answers otherwise."""
        try:
            answer = self._http.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise NotRunning(
                f"the API at {self._http.base_url} does not answer: {str(error) or type(error).__name__}",
                hint=f"{labctl('status')} says what runs; {labctl('up')} repairs it",
            ) from error
        if answer.status_code not in ok:
            raise EnvironmentFault(
                f"{method} {path} was answered with {answer.status_code}: {in_words(answer.text)}",
                hint=f"{labctl('logs api')} may say why",
            )
        return answer


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What came of a request that writes."""

    answer: Answer
    #: The HTTP status; 0: there was no answer.
    status: int = 0
    #: The product, if the write was acknowledged.
    document: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""


def _read_acknowledgement(answer: httpx.Response) -> _Attempt:
    """What an answer of success says. One without id and version leaves open whether the write was taken."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    match content:
        case {"id": str(), "version": int()}:
            return _Attempt("acknowledged", document=content)
        case _:
            return _Attempt(
                "unknown", detail=f"{answer.status_code} without id and version: {answer.text[:200]}"
            )
