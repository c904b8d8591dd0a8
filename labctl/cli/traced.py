"""Writes that a person types are traced, as those of demos are: `labctl trace last` shows them."""

import time
from collections.abc import Mapping
from typing import Any

from labctl.cli.api import announce
from labctl.cli.session import Session
from scenarios.judge.ledger import Answer, Operation, Write
from scenarios.lab.products import method_of, path_of
from stack.errors import LabError, UsageError


def request_write(
    session: Session,
    operation: Operation,
    product: str | None,
    body: dict[str, Any] | None = None,
    *,
    headers: Mapping[str, str],
) -> dict[str, Any]:
    """The API's answer to a write, which is traced.

    Args:
        product: Its id; None for a create.

    Raises:
        LabError: whatever `labctl.cli.api.request` raises.
    """
    # It takes longer to import than the other commands take.
    from scenarios.lab.tracing import Ended, Tracer

    method, path = method_of(operation), path_of(product)
    api = announce(session, method, path, body, headers)
    with Tracer(session.lab.urls()["api"]) as tracer:
        trace, sent_at = tracer.begin(), time.monotonic()

        def end(answer: Answer, status: int = 0, **known: Any) -> None:
            write = Write(
                operation=operation,
                value=body,
                answer=answer,
                sent_at=sent_at,
                finished_at=time.monotonic(),
                **known,
            )
            tracer.end(trace, Ended(write, status))

        try:
            document: dict[str, Any] = api.call(
                method, path, body, {**headers, "traceparent": trace.traceparent}
            )
        except LabError as error:
            answer: Answer = "refused" if isinstance(error, UsageError) else "unknown"
            end(answer, product=product, detail=f"{type(error).__name__}: {error.message}")
            raise
        status = 201 if operation == "create" else 200
        end("acknowledged", status, product=document.get("id", product), version=document.get("version"))
    return document
