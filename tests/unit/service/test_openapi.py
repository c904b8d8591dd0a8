"""The OpenAPI document: written from the types, and true of the routes."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from openapi_spec_validator import validate

from service.app import create_app
from service.live.stream import PATH
from service.openapi import document
from service.operations import OPERATIONS
from service.telemetry.facts import template
from service.writebehind.settings import LIVE_SETTINGS, SETTINGS, Settings
from service.writebehind.totals import TOTALS

DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_file_is_as_written() -> None:
    held = json.loads((files("service") / "openapi.json").read_text())
    assert held == DOCUMENT, "run: python -m service.openapi > service/openapi.json"


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


def test_it_names_every_route_and_no_other() -> None:
    app = create_app(Settings())
    routes = {
        (method.lower(), template(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    # The event loop answers that one without Flask.
    routes.add(("get", PATH))
    assert {(operation.method, operation.path) for operation in OPERATIONS} == routes


def test_operations_have_names_of_their_own() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


def test_a_change_of_settings_needs_none_and_takes_only_live_ones() -> None:
    change = SCHEMAS["LiveSettings"]
    assert change["additionalProperties"] is False
    assert change["required"] == []
    assert list(change["properties"]) == list(LIVE_SETTINGS)
    assert not any("default" in described for described in change["properties"].values())


@pytest.mark.parametrize("name", LIVE_SETTINGS)
def test_a_setting_is_described_as_it_is_declared(name: str) -> None:
    described = SCHEMAS["LiveSettings"]["properties"][name]
    assert described["description"] == SETTINGS[name].description
    if described.get("type") in ("integer", "number"):
        assert f"{described['minimum']} to {described['maximum']}" == SETTINGS[name].range


def test_the_settings_in_force_are_all_answered() -> None:
    assert SCHEMAS["Config"]["required"] == [*LIVE_SETTINGS, "queue_size"]


def test_all_totals_are_answered() -> None:
    assert set(SCHEMAS["Totals"]["required"]) == set(TOTALS)


def test_what_may_be_left_out_is_not_required() -> None:
    assert SCHEMAS["Problem"]["required"] == ["type", "title", "status", "detail"]
    assert SCHEMAS["Health"]["required"] == ["status", "writes", "redis", "postgres"]


def test_what_a_client_sends_is_limited_as_before_the_acknowledgement() -> None:
    sent = SCHEMAS["Product"]["properties"]
    assert sent["name"].items() >= {"minLength": 1, "maxLength": 255, "pattern": "^[^\\u0000]*$"}.items()
    assert sent["price"].items() >= {"minimum": 0, "maximum": 99999999.99, "multipleOf": 0.01}.items()
    assert sent["quantity"].items() >= {"minimum": -(2**31), "maximum": 2**31 - 1}.items()
    assert DOCUMENT["paths"]["/products/{id}"]["get"]["parameters"][0]["schema"] == {
        "type": "string",
        "pattern": "^[A-Za-z0-9._-]{1,36}$",
    }


def test_a_choice_says_that_it_is_text() -> None:
    assert SCHEMAS["LiveSettings"]["properties"]["overflow_policy"]["type"] == "string"
    policy = DOCUMENT["paths"]["/products"]["post"]["parameters"][0]["schema"]
    assert policy == {"type": "string", "enum": ["write_behind", "write_through"]}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def test_every_component_is_used() -> None:
    used = {reference.rsplit("/", 1)[1] for reference in _references(DOCUMENT)}
    assert used == {*SCHEMAS, *DOCUMENT["components"]["responses"]}
