"""A design from a YAML file. Every mistake is told with its line and column, and all of them at once.

Only the nodes of YAML are read, never its types: values are text, as on a command line, so `on` and `010` are
what was typed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from scenarios.experiment.design import LIMITS, Design, check_fault, check_policy, check_setting
from scenarios.suggest import closest
from stack.errors import UsageError

#: A file that is read here has twenty lines.
_LARGEST_BYTES: Final = 65_536
_LISTS: Final = ("policies", "faults")
_NO_SETTING: Final = "leave `set` out, or give a setting one value, such as COALESCING_WINDOW_MS: [500]"
_KEYS: Final = ("set", *_LISTS, *LIMITS)


def read_design(path: Path) -> Design:
    """The design that a file describes; what it leaves out is as in the default one.

    Raises:
        UsageError: naming the file, and each mistake with its line and column.
    """
    return _Reader(str(path)).read(_text(path))


class _Reader:
    """Reads one file, and gathers its mistakes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._mistakes: list[str] = []
        self._hints: list[str] = []

    def read(self, text: str) -> Design:
        root = self._compose(text)
        changes: dict[str, Any] = {}
        for key, value in self._members(root, "the file"):
            match key.value:
                case "set":
                    changes["settings"] = self._settings(value)
                case "policies":
                    changes["policies"] = self._list(value, "a policy", check_policy)
                case "faults":
                    changes["faults"] = self._list(value, "a fault", check_fault)
                case name if name in LIMITS:
                    changes[name] = self._number(name, value)
                case name:
                    self._unknown(key, name)
        if self._mistakes:
            raise UsageError("\n".join(self._mistakes), hint="; ".join(dict.fromkeys(self._hints)))
        try:
            return replace(Design(), **changes).checked()
        except UsageError as error:
            raise UsageError(f"{self._name}: {error.message}", hint=error.hint) from error

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self._name}:{mark.line + 1}:{mark.column + 1}" if mark else self._name
            hint = "mind the indentation, and the space after each colon"
            raise UsageError(f"{where}: this is not YAML: {error.problem}", hint=hint) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise UsageError(f"{self._name}: this is not YAML", hint="write plain text in UTF-8") from error

    def _members(self, node: yaml.Node | None, what: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Keys and values of a mapping; those that are not possible are left out."""
        if not isinstance(node, yaml.MappingNode):
            if node is None:
                self._add(f"{self._name}: the file is empty", f"write {_example('trials')}")
            else:
                self._mistake(node, f"{what} must be lines of `key: value`", f"write {_example('trials')}")
            return
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(key, "a key must be a word", f"choose one of {', '.join(_KEYS)}")
            elif key.value in seen:
                self._mistake(key, f"{key.value!r} is here twice", "give each key once")
            else:
                seen.add(key.value)
                yield key, value

    def _settings(self, node: yaml.Node) -> dict[str, tuple[str, ...]]:
        if isinstance(node, yaml.MappingNode) and not node.value:
            self._mistake(node, "set names no setting", _NO_SETTING)
        return {key.value: self._setting(key, value) for key, value in self._members(node, "set")}

    def _setting(self, key: yaml.ScalarNode, node: yaml.Node) -> tuple[str, ...]:
        return self._list(node, f"a value of {key.value}", partial(check_setting, key.value))

    def _list(self, node: yaml.Node, what: str, check: Callable[[str], None]) -> tuple[str, ...]:
        """The words of a list; one word stands for a list of one."""
        words: list[str] = []
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(item, yaml.ScalarNode) or not item.value:
                self._mistake(item, f"{what} must be one word", "write a list, such as [500, 50]")
                continue
            if item.value in words:
                self._mistake(item, f"{item.value!r} is here twice", "give each value once")
                continue
            words.append(item.value)
            try:
                check(item.value)
            except UsageError as error:
                self._mistake(item, error.message, error.hint)
        if isinstance(node, yaml.SequenceNode) and not node.value:
            self._mistake(node, f"{what} is missing", "write a list, such as [500, 50]")
        return tuple(words)

    def _number(self, name: str, node: yaml.Node) -> float:
        limit = LIMITS[name]
        try:
            if not isinstance(node, yaml.ScalarNode):
                raise UsageError(f"{name} must be one number", hint=f"write {_example(name)}")
            try:
                value = float(node.value)
            except ValueError as error:
                message = f"{name} must be a number, not {node.value!r}"
                raise UsageError(message, hint=f"write {_example(name)}") from error
            limit.check(value, name)
        except UsageError as error:
            self._mistake(node, error.message, error.hint)
            return limit.least
        return int(value) if limit.whole else value

    def _unknown(self, key: yaml.ScalarNode, name: str) -> None:
        close = closest(name, _KEYS)
        meant = f"did you mean {close[0]}? " if close else ""
        self._mistake(key, f"{name!r} is not a key here", f"{meant}choose one of {', '.join(_KEYS)}")

    def _mistake(self, node: yaml.Node, what: str, hint: str) -> None:
        mark = node.start_mark
        self._add(f"{self._name}:{mark.line + 1}:{mark.column + 1}: {what}", hint)

    def _add(self, mistake: str, hint: str) -> None:
        self._mistakes.append(mistake)
        self._hints.append(hint)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise UsageError(
                f"{path} is larger than {_LARGEST_BYTES // 1024} KiB", hint="is it the right file?"
            )
        return content.decode()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}", hint="check its name") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error


def _example(name: str) -> str:
    return f"`{name}: {getattr(Design(), name)}`"
