"""Reads YAML into plain nodes that know their places, and refuses whatever is not plain data.

Nothing is constructed: no tags, no anchors and aliases, no merging, no second document. Size and depth are
bounded, so no file can take the memory or the time of more than a few thousand lines.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from scenarios.scripted.node import Entry, Node, Scalar
from scenarios.scripted.problem import Mark, Problem, Problems
from stack.errors import UsageError

#: Bytes: far more than a scenario that an audience would sit through.
LONGEST: Final = 64 * 1024
DEEPEST: Final = 12
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{0,18})?([eE][-+]?[0-9]{1,3})?|[-+]?\.[0-9]{1,18}")
_BOOL: Final = {"true": True, "false": False}
_TAG: Final = "tag:yaml.org,2002:"
_START: Final = Mark(1, 1)


def read_text(path: Path) -> str:
    """The text of a scenario file.

    Raises:
        UsageError: there is no such file, or it can't be read.
        Problems: it is too long, or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{path} can't be read: {reason}", hint="give the path of a scenario file, such as ./mine.yaml"
        ) from error
    if len(content) > LONGEST:
        raise Problems([Problem(_START, "the file is too long", f"at most {LONGEST:,} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problem = Problem(Mark(line, 1), "this is not UTF-8", "save the file as UTF-8 text")
        raise Problems([problem]) from error


def parse(text: str) -> Node:
    """The document in a YAML text.

    Raises:
        Problems: it is not YAML, or not plain data.
    """
    try:
        problems = list(_refused(text))
        if problems:
            raise Problems(problems)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise Problems([_malformed(error)]) from error
    except yaml.YAMLError as error:
        position = int(getattr(error, "position", 0) or 0)
        mark = Mark(text[:position].count("\n") + 1, position - (text.rfind("\n", 0, position) + 1) + 1)
        reason = str(getattr(error, "reason", "it can't be read"))
        raise Problems([Problem(mark, f"this is not YAML: {reason}", "remove that character")]) from error
    if tree is None:
        raise Problems(
            [Problem(_START, "the file is empty", "`labctl scenario new` writes one to begin with")]
        )
    found: list[Problem] = []
    node = _node(tree, found)
    if found:
        raise Problems(found)
    return node


def _refused(text: str) -> Iterator[Problem]:
    """What YAML allows and a scenario does not. It reads events, which a deep document can't overflow."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        mark = _mark(event.start_mark)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            yield Problem(mark, "this is nested too deeply", f"at most {DEEPEST} levels")
            return
        if isinstance(event, yaml.DocumentStartEvent) and documents == 2:
            yield Problem(mark, "a second document begins here", "put each scenario into its own file")
        yield from _refused_of_a_node(event, mark)


def _refused_of_a_node(event: yaml.Event, mark: Mark) -> Iterator[Problem]:
    tag = getattr(event, "tag", None)
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        yield Problem(mark, "anchors and aliases (& and *) are not used here", "write the value out")
    elif tag:
        yield Problem(mark, f"the tag {str(tag)[:40]!r} is not used here", "leave it out")


def _malformed(error: yaml.MarkedYAMLError) -> Problem:
    where = error.problem_mark or error.context_mark
    why = error.problem or error.context or "it can't be read"
    hint = "check the indentation, colons and quotes there"
    if "\\t" in why:
        hint = "indent with spaces, not with tabs"
    elif why.endswith("got '?'"):
        hint = "put text with a question mark in quotes"
    return Problem(_mark(where) if where else _START, f"this is not YAML: {why}", hint)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _node(tree: yaml.Node, found: list[Problem]) -> Node:
    mark = _mark(tree.start_mark)
    if isinstance(tree, yaml.MappingNode):
        return Node(mark, _entries(tree, found))
    if isinstance(tree, yaml.SequenceNode):
        return Node(mark, [_node(item, found) for item in tree.value])
    return Node(mark, _scalar(tree, mark, found))


def _entries(tree: yaml.MappingNode, found: list[Problem]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for key, value in tree.value:
        mark = _mark(key.start_mark)
        if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str":
            found.append(Problem(mark, "a key must be a word", "write it as text, in quotes if need be"))
        elif key.value in entries:
            first = entries[key.value].mark.line
            found.append(Problem(mark, f"{key.value!r} is given twice", f"first in line {first}"))
        else:
            entries[key.value] = Entry(mark, _node(value, found))
    return entries


def _scalar(tree: yaml.Node, mark: Mark, found: list[Problem]) -> Scalar:
    text, kind = str(tree.value), tree.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in _BOOL:
        return _BOOL[text.lower()]
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if kind != "str":
        found.append(Problem(mark, f"{text[:40]!r} can be read in several ways", _HINTS.get(kind, _QUOTE)))
    # YAML 1.1 takes 1e3 for text.
    elif tree.style is None and re.fullmatch(r"[-+]?[0-9]+[eE][0-9]{1,3}", text):  # type: ignore[attr-defined]
        return float(text)
    return text


_QUOTE: Final = "put it in quotes if it is text"
_HINTS: Final = {
    "bool": f"write true or false; {_QUOTE}",
    "int": f"write a plain decimal number of 18 digits at most; {_QUOTE}",
    "float": f"write a plain decimal number; {_QUOTE}",
}
