"""What is known of a request."""

from typing import get_args

import pytest

from service.operations import OPERATIONS
from service.telemetry.facts import Facts, Outcome, facts_of, outcome_of, template
from service.writebehind.errors import (
    CacheUnavailable,
    NoSuchProduct,
    OutcomeUnknown,
    QueueFull,
    RowsRefused,
    StoreUnavailable,
    WriteBehindError,
)


def test_every_status_that_the_api_answers_has_an_outcome() -> None:
    statuses = {status for each in OPERATIONS for status in (*each.answers, *each.problems)}
    assert statuses > {200, 201, 404, 422, 503, 504}
    assert {outcome_of(status) for status in statuses} <= set(get_args(Outcome))
    assert [outcome_of(status) for status in (200, 304, 404, 422, 500, 503, 504)] == [
        *("ok", "ok", "not_found", "invalid", "error", "refused", "unknown")
    ]


@pytest.mark.parametrize(
    ("rule", "route"),
    [
        ("/products/<product_id>", "/products/{id}"),
        ("/products/<product_id>/life", "/products/{id}/life"),
        ("/traces/<string:trace_id>", "/traces/{trace_id}"),
        ("/", "/"),
    ],
)
def test_routes_are_written_as_in_openapi(rule: str, route: str) -> None:
    assert template(rule) == route


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (QueueFull("full"), "overflow"),
        (CacheUnavailable("down"), "redis"),
        (StoreUnavailable("down"), "postgres"),
        (OutcomeUnknown("broken"), None),
        (RowsRefused("check"), None),
        (NoSuchProduct("p"), None),
    ],
)
def test_only_writes_are_refused_for_a_reason(error: WriteBehindError, refusal: str | None) -> None:
    write, read = Facts(policy="unknown"), Facts()
    write.failed(error)
    read.failed(error)
    assert (write.refusal, read.refusal) == (refusal, None)


def test_a_request_has_one_set_of_facts() -> None:
    environ: dict[str, object] = {}
    facts_of(environ).route = "/products"
    assert facts_of(environ).route == "/products"
