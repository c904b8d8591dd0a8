"""The JSON Schema of a scenario file, for editors, made from `scenarios.scripted.script`.

`python -m scenarios.scripted.schema` prints it; it lies in `scenario.schema.json` beside this file.
"""

import sys
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from scenarios.faults.action import FAILURE_SETTINGS
from scenarios.scripted.script import ACTIONS, CONDITIONS, Script
from service.writebehind.settings import LIVE_SETTINGS, LiveSettings
from service.writebehind.totals import TOTALS

FILE: Final = "scenario.schema.json"


def schema() -> dict[str, Any]:
    """The schema of a file."""
    (_,), parts = msgspec.json.schema_components([Script], ref_template="#/$defs/{name}")
    parts = {name: _without_null(part) for name, part in parts.items()}
    _choose_one(parts["Step"], ACTIONS, or_any=("narrate", "matters"))
    _choose_one(parts["Wait"], CONDITIONS)
    _choose_one(parts["Cleanup"], ("delete", "fault", "dead_letters"))
    for part in ("Update", "Delete"):
        _choose_one(parts[part], ("of", "product"))
    for part in ("Count", "Duration", "Fates", "Percentiles"):
        parts[part]["minProperties"] = 1
    parts["Step"]["properties"]["settings"] |= _settings()
    for part, name in (("Step", "check"), ("Expect", "totals")):
        parts[part]["properties"][name]["propertyNames"] = {"enum": list(TOTALS)}
    parts["Step"]["properties"]["check"]["minProperties"] = 1
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of labctl",
        "$ref": "#/$defs/Script",
        "$defs": parts,
    }


def _settings() -> dict[str, Any]:
    """The live settings, with their limits."""
    (_,), parts = msgspec.json.schema_components([LiveSettings], ref_template="#/$defs/{name}")
    properties = dict(parts["LiveSettings"]["properties"])
    allowed = {name: properties[name] for name in LIVE_SETTINGS if name not in FAILURE_SETTINGS}
    return {"properties": allowed, "additionalProperties": False, "minProperties": 1}


def _choose_one(part: dict[str, Any], names: tuple[str, ...], *, or_any: tuple[str, ...] = ()) -> None:
    """Exactly one of these keys; or none of them, but another one."""
    choices: list[dict[str, Any]] = [{"required": [name]} for name in names]
    if or_any:
        none_of_them = {"not": {"anyOf": [{"required": [name]} for name in (*names, "title")]}}
        choices.append({**none_of_them, "anyOf": [{"required": [name]} for name in or_any]})
    part["oneOf"] = choices


def _without_null(part: Any) -> Any:
    """The same schema, in which no value may be null: what is left out is left out."""
    if isinstance(part, list):
        return [_without_null(each) for each in part if each != {"type": "null"}]
    if not isinstance(part, Mapping):
        return part
    kept = {
        key: _without_null(value)
        for key, value in part.items()
        if not (key == "default" and (value is None or isinstance(value, list | dict)))
    }
    if "enum" in kept:
        kept["enum"] = [word for word in kept["enum"] if word is not None]
    alternatives = kept.get("anyOf", ())
    if len(alternatives) == 1:
        del kept["anyOf"]
        kept = {**alternatives[0], **kept}
    return kept


def text() -> str:
    """The schema as the file has it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def installed() -> str:
    """What is in the file."""
    return (files("scenarios.scripted") / FILE).read_text()


def installed_path() -> str:
    """Where the file is, for editors."""
    return str(files("scenarios.scripted") / FILE)


if __name__ == "__main__":
    sys.stdout.write(text())
