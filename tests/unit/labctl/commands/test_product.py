"""product, against an API that answers as a test says."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scenarios.lab import tracing
from tests.unit.labctl.conftest import Cli
from tests.unit.scenarios.scripted_api import Answer, ScriptedApi, status


@pytest.mark.parametrize(
    ("words", "answer", "name", "version"),
    [
        (("create",), status(201, {"id": "p", "version": 7}), "POST /products", 7),
        (("delete", "p"), status(200, {"id": "p", "version": 8}), "DELETE /products/{id}", 8),
        (("delete", "p"), status(404, {"detail": "no such product"}), "DELETE /products/{id}", None),
    ],
)
def test_a_typed_write_is_traced(
    cli: Cli,
    api: ScriptedApi,
    words: tuple[str, ...],
    answer: Answer,
    name: str,
    version: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a busy machine, the span may need more than the second that a person waits for it.
    monkeypatch.setattr(tracing, "_CLOSE_TIMEOUT_S", 30.0)
    api.answer = answer
    _, _, err = cli("product", *words)
    sent, exported = api.asked
    (span,) = ExportTraceServiceRequest.FromString(exported[3]).resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == sent[2]["traceparent"].split("-")[1]
    assert span.name == name
    values = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    assert values["lab.product.id"] == "p"
    assert values.get("lab.write.version") == version
    assert (span.status.code == 2) == (version is None)
    # Who repeats the command that is shown begins another trace, or none.
    assert "traceparent" not in err
