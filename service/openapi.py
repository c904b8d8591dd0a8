"""The API's OpenAPI document, from its operations and types:

python -m service.openapi > service/openapi.json
"""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from service.answers import Document, Problem
from service.operation import Answer, Operation, Parameter
from service.operations import OPERATIONS
from service.problems import MEDIA_TYPE
from service.writebehind.limits import MAX_BODY_BYTES

_REF: Final = "#/components/schemas/{name}"
_INFO: Final = {
    "title": "Write-behind lab",
    "version": "1",
    "license": {"name": "MIT", "identifier": "MIT"},
    "description": (
        "Writes are acknowledged from Redis and flushed into PostgreSQL by a worker. Every error is an "
        "RFC 9457 problem document. 503: the write was certainly not accepted. 504: it is unknown whether it "
        "was. A request's head must arrive within 10 s and its body, of at most "
        f"{MAX_BODY_BYTES} bytes, within another 5 s, or the answer is 408. A body that is cut off is 400."
    ),
}


def document() -> Document:
    """The whole document, as /openapi.json answers it."""
    types = list(_types())
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    # By identity: an annotated type may not be hashable.
    by_type = {id(kind): _typed(schema) for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Document] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, by_type)
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "http://127.0.0.1:8000"}],
        "paths": paths,
        "components": {
            "responses": {
                "problem": _problem("What went wrong"),
                "unavailable": _problem("What is unavailable")
                | {"headers": {"Retry-After": _header("integer", "When to try again, in s")}},
            },
            "schemas": {name: _component(name, _typed(schema)) for name, schema in components.items()},
        },
    }


def _types() -> Iterator[Any]:
    """Every type that the document describes."""
    yield Problem
    for operation in OPERATIONS:
        yield from (parameter.type for parameter in operation.parameters)
        yield from (answer.body for answer in operation.answers.values())
        if operation.body is not None:
            yield operation.body


def _operation(operation: Operation, schemas: dict[int, Document]) -> Document:
    described: Document = {"operationId": operation.name, "summary": operation.summary}
    if operation.parameters:
        described["parameters"] = [_parameter(each, schemas) for each in operation.parameters]
    if operation.body is not None:
        content = {"schema": schemas[id(operation.body)], "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    answers = {str(status): _answer(answer, schemas) for status, answer in operation.answers.items()}
    problems = {str(status): _refusal(status, operation) for status in operation.problems}
    return {**described, "responses": answers | problems}


def _refusal(status: int, operation: Operation) -> Document:
    if not operation.own_problems:
        return {"$ref": f"#/components/responses/{'unavailable' if status == 503 else 'problem'}"}
    described = _problem("What went wrong")
    described["content"] |= {media: {} for media in operation.own_problems}
    return described


def _parameter(parameter: Parameter, schemas: dict[int, Document]) -> Document:
    schema = schemas[id(parameter.type)]
    described: Document = {"name": parameter.name, "in": parameter.place}
    described["required"] = parameter.place == "path"
    if parameter.description:
        described["description"] = parameter.description
    described["schema"] = schema if parameter.default is None else {**schema, "default": parameter.default}
    return described


def _answer(answer: Answer, schemas: dict[int, Document]) -> Document:
    content = {answer.media: {"schema": schemas[id(answer.body)]}}
    described: Document = {"description": answer.description, "content": content}
    if answer.headers:
        described["headers"] = {name: _header("string", text) for name, text in answer.headers.items()}
    return described


def _header(kind: str, description: str) -> Document:
    return {"description": description, "required": True, "schema": {"type": kind}}


def _problem(description: str) -> Document:
    schema = {"$ref": _REF.format(name=Problem.__name__)}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def _typed(schema: Any) -> Any:
    """The schema with a type beside each list of choices: msgspec leaves it out, code generators want it."""
    if isinstance(schema, list):
        return [_typed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {key: _typed(part) for key, part in schema.items()}
    return {"type": "string", **typed} if isinstance(typed.get("enum"), list) else typed


def _component(name: str, schema: Document) -> Document:
    """The schema of a body, from what msgspec says of the type when it decodes it.

    To msgspec, a member with a default is optional. The API sends every such member. In a change, a member
    that is left out keeps its value, so the default does not apply either.
    """
    properties = {key: dict(value) for key, value in schema["properties"].items()}
    defaults = {key for key, value in properties.items() if value.pop("default", None) is not None}
    described = {**schema, "properties": properties}
    if name in _CHANGES:
        return {**described, "additionalProperties": False}
    required = {*schema["required"], *(() if name in _SENT else defaults)}
    return {**described, "required": [key for key in properties if key in required]}


#: Bodies of requests: a client may leave out what has a default.
_SENT: Final = frozenset(each.body.__name__ for each in OPERATIONS if each.body is not None)
#: Bodies that hold only the members that a client wants to change.
_CHANGES: Final = frozenset(each.body.__name__ for each in OPERATIONS if each.method == "patch")

if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1) + "\n")
