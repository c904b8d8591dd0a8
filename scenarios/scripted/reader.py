"""Reads nodes into the types of the format, and gathers everything that is wrong, not only the first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from msgspec import inspect

from scenarios.scripted.node import Node
from scenarios.scripted.problem import Mark, Path, Problem, suggest
from scenarios.scripted.words import PATTERN_HINTS

#: What stands where a value could not be read. A document with one is never used.
_BROKEN: Final = object()
_Number: TypeAlias = inspect.IntType | inspect.FloatType


@dataclass(slots=True)
class Reading:
    """What was read so far."""

    problems: list[Problem] = field(default_factory=list)
    #: Where each value stands, by its path; that of a mapping's value is its key.
    marks: dict[Path, Mark] = field(default_factory=dict)


def read(node: Node, kind: type[Any], reading: Reading) -> Any:
    """The value of a type. It is usable only if `reading` has no problems.

    Args:
        kind: A msgspec Struct.
        reading: Takes the problems and the places.
    """
    return _read(node, inspect.type_info(kind), (), reading)


def _read(node: Node, kind: inspect.Type, path: Path, reading: Reading) -> Any:
    reading.marks.setdefault(path, node.mark)
    match kind:
        case inspect.Metadata():
            return _read(node, kind.type, path, reading)
        case inspect.UnionType():
            return _read(node, _choose(node, kind.types), path, reading)
        case inspect.StructType():
            return _struct(node, kind, path, reading)
        case inspect.DictType():
            return _dict(node, kind, path, reading)
        case inspect.VarTupleType():
            return _tuple(node, kind, path, reading)
        case _:
            return _scalar(node, kind, reading)


def _refuse(reading: Reading, mark: Mark, message: str, hint: str) -> Any:
    reading.problems.append(Problem(mark, message, hint))
    return _BROKEN


def _choose(node: Node, kinds: Sequence[inspect.Type]) -> inspect.Type:
    """The first alternative that fits the value, or else the first of all."""
    alternatives = [kind for kind in kinds if not isinstance(kind, inspect.NoneType)]
    fits = [kind for kind in alternatives if _fits(node, kind)]
    return (fits or alternatives)[0]


def _fits(node: Node, kind: inspect.Type) -> bool:
    kind = kind.type if isinstance(kind, inspect.Metadata) else kind
    match node.content:
        case dict():
            return isinstance(kind, inspect.StructType | inspect.DictType)
        case bool():
            return isinstance(kind, inspect.BoolType)
        case int():
            return isinstance(kind, inspect.IntType)
        case float():
            return isinstance(kind, inspect.FloatType)
        case str():
            return isinstance(kind, inspect.StrType)
        case _:
            return False


def _struct(node: Node, kind: inspect.StructType, path: Path, reading: Reading) -> Any:
    fields = {each.name: each for each in kind.fields}
    if not isinstance(node.content, dict):
        return _refuse(
            reading, node.mark, f"expected a mapping, not {node.kind}", f"its keys are {', '.join(fields)}"
        )
    values: dict[str, Any] = {}
    for name, entry in node.content.items():
        reading.marks[(*path, name)] = entry.mark
        if name in fields:
            values[name] = _read(entry.value, fields[name].type, (*path, name), reading)
        else:
            _refuse(reading, entry.mark, f"{name[:40]!r} is not a key here", suggest(name, tuple(fields)))
    for each in fields.values():
        if each.required and each.name not in values:
            _refuse(reading, node.mark, f"{each.name!r} is missing", f"add `{each.name}:`")
            values[each.name] = _BROKEN
    return kind.cls(**values)


def _dict(node: Node, kind: inspect.DictType, path: Path, reading: Reading) -> Any:
    if not isinstance(node.content, dict):
        return _refuse(reading, node.mark, f"expected a mapping, not {node.kind}", "write `key: value` lines")
    for name, entry in node.content.items():
        reading.marks[(*path, name)] = entry.mark
    return {
        name: _read(entry.value, kind.value_type, (*path, name), reading)
        for name, entry in node.content.items()
    }


def _tuple(node: Node, kind: inspect.VarTupleType, path: Path, reading: Reading) -> Any:
    if not isinstance(node.content, list):
        return _refuse(reading, node.mark, f"expected a list, not {node.kind}", "begin each item with a dash")
    least, most = kind.min_length or 0, kind.max_length
    if len(node.content) < least or (most is not None and len(node.content) > most):
        limits = f"at least {least}" if most is None else f"{least} to {most}"
        _refuse(reading, node.mark, f"the list has {len(node.content)} items", f"give {limits}")
    return tuple(
        _read(item, kind.item_type, (*path, number), reading) for number, item in enumerate(node.content)
    )


def _scalar(node: Node, kind: inspect.Type, reading: Reading) -> Any:
    content = node.content
    match kind:
        case inspect.BoolType() if isinstance(content, bool):
            return content
        case inspect.LiteralType(values=words):
            return _literal(node, words, reading)
        case inspect.StrType() if isinstance(content, str):
            return _text(node, content, kind, reading)
        case inspect.IntType() | inspect.FloatType() if _is_number(content):
            return _number(node, kind, reading)
        case _:
            return _refuse(reading, node.mark, f"expected {_named(kind)}, not {node.kind}", _hint(node, kind))


def _is_number(content: object) -> bool:
    return isinstance(content, int | float) and not isinstance(content, bool)


def _literal(node: Node, words: Sequence[Any], reading: Reading) -> Any:
    for word in words:
        if node.content == word and type(node.content) is type(word):
            return word
    known = tuple("true" if word is True else str(word) for word in words)
    hint = (
        suggest(str(node.content), known) if isinstance(node.content, str) else f"give {' or '.join(known)}"
    )
    return _refuse(reading, node.mark, f"{node.kind} is not allowed here", hint)


def _text(node: Node, content: str, kind: inspect.StrType, reading: Reading) -> Any:
    least, most = kind.min_length or 0, kind.max_length
    if len(content) < least:
        return _refuse(reading, node.mark, "the text is empty", "write something, or leave the key out")
    if most is not None and len(content) > most:
        return _refuse(reading, node.mark, f"the text has {len(content):,} characters", f"at most {most:,}")
    if kind.pattern is not None and not re.search(kind.pattern.removesuffix("$") + r"\Z", content):
        return _refuse(
            reading, node.mark, f"{content[:40]!r} is not allowed here", _pattern_hint(kind.pattern)
        )
    return content


def _pattern_hint(pattern: str) -> str:
    return PATTERN_HINTS.get(pattern, f"it must match {pattern}")


def _number(node: Node, kind: _Number, reading: Reading) -> Any:
    value = node.content
    assert isinstance(value, int | float)
    if isinstance(kind, inspect.IntType) and isinstance(value, float):
        if not value.is_integer():
            return _refuse(reading, node.mark, f"{value} is not a whole number", "leave the fraction out")
        value = int(value)
    low, high = (kind.ge, kind.le)
    too_low = (low is not None and value < low) or (kind.gt is not None and value <= kind.gt)
    if too_low or (high is not None and value > high):
        return _refuse(reading, node.mark, f"{node.content} is out of range", f"give {_range(kind)}")
    return float(value) if isinstance(kind, inspect.FloatType) else value


def _range(kind: _Number) -> str:
    low = f"more than {kind.gt:,}" if kind.gt is not None else f"{kind.ge or 0:,}"
    return (
        f"{low} to {kind.le:,}"
        if kind.le is not None and kind.gt is None
        else (f"{low} and at most {kind.le:,}" if kind.le is not None else f"{low} or more")
    )


def _named(kind: inspect.Type) -> str:
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number"
        case inspect.FloatType():
            return "a number"
        case inspect.StrType():
            return "text"
        case _:
            return "something else"


def _hint(node: Node, kind: inspect.Type) -> str:
    if node.content is None:
        return "give a value, or leave the key out"
    if isinstance(kind, inspect.StrType):
        return "put it in quotes"
    match kind:
        case inspect.IntType() | inspect.FloatType():
            return f"give {_range(kind)}"
        case _:
            return f"give {_named(kind)}"
