"""What is wrong with a scenario file is told with its place, whatever the file is."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.scripted import schema
from scenarios.scripted.document import DEEPEST, LONGEST, read_text
from scenarios.scripted.file import open_script, read_script
from scenarios.scripted.meaning import MOST_WRITES
from scenarios.scripted.path import is_path
from scenarios.scripted.problem import Mark, Problem, Problems
from scenarios.scripted.template import template
from stack.errors import UsageError
from tests.unit.scenarios.scripted.files import BAD, GOOD, Bad

_DOCS = Path(__file__).parents[4] / "docs"
_EXAMPLES = sorted((_DOCS / "examples").glob("*.yaml"))
_EDITOR = jsonschema.Draft202012Validator(schema.schema())


def _problems(text: str) -> tuple[Problem, ...]:
    try:
        read_script(text)
    except Problems as error:
        return error.found or (Problem(Mark(0, 0), "nothing said", ""),)
    return ()


def _changed(bad: Bad) -> str:
    assert GOOD.count(bad.old) == 1, bad
    return GOOD.replace(bad.old, bad.new)


def _editor_objects(text: str) -> bool:
    return not _EDITOR.is_valid(yaml.safe_load(text))


def test_the_whole_format_is_read() -> None:
    script = read_script(GOOD)
    assert script.steps[1].create is not None
    assert (script.steps[1].create.count, script.steps[1].create.group) == (10, "safe")
    assert script.expect.fates["all"].lost == 0
    assert not _editor_objects(GOOD)


@pytest.mark.parametrize("name", BAD)
def test_a_problem_is_told_with_its_place_and_what_would_be_right(name: str) -> None:
    bad = BAD[name]
    found = _problems(_changed(bad))
    here = [
        each.located("f") for each in found if (each.mark.line, each.mark.column) == (bad.line, bad.column)
    ]
    assert any(bad.told in each for each in here), [each.located("f") for each in found]


@pytest.mark.parametrize("name", [name for name, bad in BAD.items() if bad.shape])
def test_an_editor_sees_what_the_reader_sees(name: str) -> None:
    assert _editor_objects(_changed(BAD[name]))


def test_all_problems_are_told_at_once() -> None:
    text = GOOD
    for name in ("an unknown key", "a fate", "a clean-up that creates"):
        text = text.replace(BAD[name].old, BAD[name].new)
    assert [problem.mark.line for problem in _problems(text)] == [5, 29, 39]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("just text", "expected a mapping"),
        ("[" * 5000, "nested too deeply"),
        ("a: " + "{b: " * (DEEPEST + 1), "nested too deeply"),
        ("a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "anchors and aliases"),
        ("a: &a {b: *a}", "anchors and aliases"),
        ("a: \x07", "this is not YAML"),
        ("a: 'open", "this is not YAML"),
        ("<<: {name: x}", "a key must be a word"),
        ("? [a, b]\n: c", "a key must be a word"),
        ("=: x", "a key must be a word"),
        ("name: =\ntitle: x", "can be read in several ways"),
        ("name: 2026-01-01\ntitle: x", "can be read in several ways"),
        ("name: 1:30\ntitle: x", "can be read in several ways"),
        ("name: x\ntitle: \"a\\nb\"", "on one line"),
        ("%YAML 3.0\n---\na: b", "this is not YAML"),
    ],
)  # fmt: skip
def test_what_is_not_a_scenario_at_all(text: str, told: str) -> None:
    assert any(told in problem.located("f") for problem in _problems(text)), _problems(text)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path, tmp_path / "nul\0.yaml"):
        with pytest.raises(UsageError, match="can't be read"):
            read_text(path)


def test_size_and_encoding_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"#" * (LONGEST + 1))
    with pytest.raises(UsageError, match="too long"):
        open_script(path)
    path.write_bytes(b"name: x\ntitle: \xff\xfe")
    with pytest.raises(UsageError, match=r"file\.yaml:2:1: this is not UTF-8"):
        open_script(path)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert open_script(path).name == "whole-format"


def test_a_word_is_a_path_only_if_it_looks_like_one() -> None:
    assert [is_path(word) for word in ("basics", "./basics", "basics.yaml", "a.yml", "all", "yaml")] == [
        False, True, True, True, False, False,
    ]  # fmt: skip


def test_the_schema_in_the_wheel_is_that_of_the_types() -> None:
    assert schema.installed() == schema.text(), "run python -m scenarios.scripted.schema"
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_right_for_reader_and_editor(path: Path) -> None:
    text = path.read_text()
    assert _problems(text) == ()
    assert not _editor_objects(text)
    assert open_script(path).name == path.stem


def test_the_template_is_right() -> None:
    text = template("mine", "/somewhere/scenario.schema.json")
    assert read_script(text).name == "mine"
    assert not _editor_objects(text)
    assert text.startswith("# yaml-language-server: $schema=/somewhere/scenario.schema.json\n")


_LINES = GOOD.splitlines()
_VALUES = ("", "null", "[]", "{a: b}", "1e999", "!!set {a}", "|", "9" * 400)


@pytest.mark.parametrize("line", range(len(_LINES)))
def test_a_line_that_is_lost_or_moved_gives_no_traceback(line: int) -> None:
    before, this, after = _LINES[:line], _LINES[line], _LINES[line + 1 :]
    for changed in ([], [f" {this}"], [this[1:]], [this, this], [f"\t{this}"]):
        text = "\n".join([*before, *changed, *after])
        for problem in _problems(text):
            assert 1 <= problem.mark.line <= len(_LINES) + 2
            assert problem.message
            assert problem.hint


@pytest.mark.parametrize("value", _VALUES, ids=lambda value: value[:10] or "nothing")
def test_another_type_anywhere_gives_no_traceback(value: str) -> None:
    for line, this in enumerate(_LINES):
        key, colon, _ = this.partition(": ")
        text = "\n".join([*_LINES[:line], f"{key}{colon or ': '}{value}", *_LINES[line + 1 :]])
        _problems(text)


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "title", "steps", "create", "wait", "expect", "fates", "all", "queue", "of"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(_JSON)
def test_any_document_is_either_read_or_refused(document: Any) -> None:
    text = yaml.safe_dump(document)
    if not _problems(text):
        assert not _editor_objects(text)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 20), st.text(max_size=10))
def test_any_edit_is_either_read_or_refused(at: int, removed: int, inserted: str) -> None:
    text = GOOD[:at] + inserted + GOOD[at + removed :]
    if not _problems(text):
        assert not _editor_objects(text), text


def test_the_page_names_every_key_of_the_format() -> None:
    page = (_DOCS / "scenarios.md").read_text()
    keys = {key for part in schema.schema()["$defs"].values() for key in part["properties"]}
    assert len(keys) > 50
    missing = {key for key in keys if not re.search(rf"[`{{ ]{key}[`: ]", page)}
    assert missing == set()


def test_the_page_states_the_limits() -> None:
    page = " ".join((_DOCS / "scenarios.md").read_text().split())
    most = schema.schema()["$defs"]["Script"]["properties"]["steps"]["maxItems"]
    assert f"{LONGEST // 1024} KiB and {most} steps" in page
    assert f"at most {MOST_WRITES:,} writes" in page
