"""One setting: its name, default, range and meaning, read from the field that declares it."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar, assert_never

import msgspec
from msgspec import inspect

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})

#: Why an unknown name is refused.
NOT_A_SETTING: Final = "is not a setting"

Kind = inspect.BoolType | inspect.IntType | inspect.FloatType | inspect.LiteralType | inspect.StrType
Value = bool | int | float | str
_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of a settings Struct, as people see it."""

    name: str
    #: The type, with the limits of a number and the words of a choice.
    kind: Kind
    default: Value
    #: What it does, in sentences, with its unit.
    description: str

    @property
    def variable(self) -> str:
        """The environment variable: `BATCH_SIZE` for `batch_size`."""
        return self.name.upper()

    @property
    def range(self) -> str:
        """What it can be: "0 to 100", "true or false", "reject or write_through", "text"."""
        match self.kind:
            case inspect.BoolType():
                return "true or false"
            case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
                return f"{low} to {high}"
            case inspect.LiteralType(values=words):
                return " or ".join(map(str, words))
            case inspect.StrType():
                return "text"
            case _:
                assert_never(self.kind)

    def parse(self, value: object) -> Value:
        """The value, from an environment's text or from JSON.

        Raises:
            ValueError: it has the wrong type or is out of range; the message completes "batch_size: …".
        """
        match self.kind:
            case inspect.BoolType():
                return _parse_bool(value)
            case inspect.IntType(ge=low, le=high):
                return _within(_parse_int(value), low, high)
            case inspect.FloatType(ge=low, le=high):
                return _within(_parse_float(value), low, high)
            case inspect.LiteralType(values=words):
                if value not in words:
                    raise ValueError(f"must be one of {', '.join(map(str, words))}, not {value!r}")
                return _parse_text(value)
            case inspect.StrType():
                return _parse_text(value)
            case _:
                assert_never(self.kind)


def settings_of(struct: type[msgspec.Struct]) -> dict[str, Setting]:
    """Every field of a settings Struct, by name, in the order of declaration.

    Raises:
        TypeError: a field has no default, no description, or a type that a setting can't have.
    """
    return {field.name: _setting(field) for field in msgspec.structs.fields(struct)}


def render(value: object) -> str:
    """The value as an environment spells it, and as `parse` reads it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _setting(field: msgspec.structs.FieldInfo) -> Setting:
    described = inspect.type_info(field.type)
    kind = described.type if isinstance(described, inspect.Metadata) else described
    schema = described.extra_json_schema if isinstance(described, inspect.Metadata) else None
    description = (schema or {}).get("description")
    if not isinstance(kind, Kind) or not isinstance(field.default, Value) or not description:
        raise TypeError(f"{field.name} can't be a setting: {field}")
    return Setting(field.name, kind, field.default, description)


def _parse_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError(f"must be true or false, not {value!r}")


def _parse_int(value: object) -> int:
    # JSON has one kind of number: 100.0 is a whole one as well.
    if isinstance(value, str | int) and not isinstance(value, bool):
        return _number(int, value, "a whole number")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(f"must be a whole number, not {value!r}")


def _parse_float(value: object) -> float:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return _number(float, value, "a number")
    raise ValueError(f"must be a number, not {value!r}")


def _number(kind: type[_N], value: Any, noun: str) -> _N:
    try:
        return kind(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be {noun}, not {value!r}") from None


def _within(number: _N, low: float | None, high: float | None) -> _N:
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise ValueError(f"must be from {low} to {high}, not {number}")
    return number


def _parse_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {value!r}")  # noqa: TRY004 - reported like every other problem
    return value
