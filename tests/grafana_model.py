"""Compares what Grafana's model read with the types that the model declares, as its published schema does."""

import enum
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

from grafana_foundation_sdk.models import (
    alerting,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)

#: Where the names in the models' annotations come from.
_MODULES: Final = (alerting, common, dashboard, prometheus, stat, statetimeline, timeseries)


def mismatches(value: object, path: str = "") -> Iterator[str]:
    """Every field of a model that does not have its declared type, as "panels.0.title: 7 is not a str".

    Args:
        value: An object of the model.
        path: Where it was found.
    """
    for name, hint in typing.get_type_hints(type(value)).items():
        yield from _compare(getattr(value, name), hint, f"{path}.{name}".lstrip("."))


def _compare(value: object, hint: Any, path: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        found = [list(_compare(value, each, path)) for each in arguments]
        if all(found):
            # The alternative that was meant is the one that fits down to a part of it.
            yield from max(found, key=lambda each: each[0].partition(":")[0].count("."))
    elif origin in (list, dict) and isinstance(value, origin):
        items = value.items() if isinstance(value, dict) else enumerate(typing.cast("list[Any]", value))
        for key, each in items:
            yield from _compare(each, arguments[-1], f"{path}.{key}")
    elif not _is_a(value, hint):
        yield f"{path}: {value!r} is not a {getattr(hint, '__name__', hint)}"
    elif _is_model(type(value)):
        yield from mismatches(value, path)


def _is_a(value: object, hint: Any) -> bool:
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if hint is object or hint is Any:
        return True
    if inspect.isclass(hint) and issubclass(hint, enum.Enum):
        return value in [each.value for each in hint]
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return inspect.isclass(hint) and isinstance(value, hint)


def _is_model(kind: type) -> bool:
    return kind.__module__ in {module.__name__ for module in _MODULES}
