"""Designs in YAML files, and the mistakes that people make there."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.experiment.design import Design
from scenarios.experiment.file import read_design
from stack.errors import LabError, UsageError

GOOD = """\
# What a shorter window costs.
set:
  COALESCING_WINDOW_MS: [500, 50]
  WRITE_COALESCING_ENABLED: [on, off]
policies: write_behind
faults:
  - redis:kill@4s:start@5s
  - none
trials: 5
writes_per_second: 250.5
duration: 10
warm_up: 0
seed: 7
"""


def design(directory: Path, text: str | bytes) -> Design:
    path = directory / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_design(path)


def refusal(directory: Path, text: str | bytes) -> UsageError:
    with pytest.raises(UsageError) as refused:
        design(directory, text)
    assert refused.value.hint
    return refused.value


def test_a_file_says_what_the_options_say(tmp_path: Path) -> None:
    assert design(tmp_path, GOOD) == Design(
        settings={"COALESCING_WINDOW_MS": ("500", "50"), "WRITE_COALESCING_ENABLED": ("on", "off")},
        policies=("write_behind",),
        faults=("redis:kill@4s:start@5s", "none"),
        trials=5,
        writes_per_second=250.5,
        duration=10,
        warm_up=0,
        seed=7,
    )


def test_what_is_left_out_is_as_without_a_file(tmp_path: Path) -> None:
    assert design(tmp_path, "trials: 9") == Design(trials=9)


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("trails: 5", "mine.yaml:1:1: 'trails' is not a key here", "did you mean trials?"),
        ("seed: 1\ntrials: many", "mine.yaml:2:9: trials must be a number, not 'many'", "`trials: 6`"),
        ("trials: 2.5", "mine.yaml:1:9: trials can't be 2.5", "a whole number from 1 to 100"),
        ("trials: [1, 2]", "mine.yaml:1:9: trials must be one number", "`trials: 6`"),
        ("duration: .nan", "mine.yaml:1:11: duration must be a number, not '.nan'", "`duration: 6.0`"),
        ("duration: nan", "mine.yaml:1:11: duration can't be nan", "from 1 to 600"),
        ("seed: 1\nseed: 2", "mine.yaml:2:1: 'seed' is here twice", "once"),
        ("policies: [write_around]", "mine.yaml:1:12: there is no policy 'write_around'", "write_behind or"),
        ("set: {BATCH_SIZE: [10, 0]}", "mine.yaml:1:24: BATCH_SIZE must be", "settings are"),
        ("set:\n  BATCHSIZE: 10", "mine.yaml:2:14: 'BATCHSIZE' is not a setting", "settings are"),
        ("trials: 3\nset: {}", "mine.yaml:2:6: set names no setting", "leave `set` out"),
        ("set: {WRITE_POLICY: write_behind}", "WRITE_POLICY is not a setting here", "policies"),
        ("set: {BATCH_SIZE: []}", "mine.yaml:1:19: a value of BATCH_SIZE is missing", "a list"),
        ("set: {BATCH_SIZE: [[1]]}", "mine.yaml:1:20: a value of BATCH_SIZE must be one word", "a list"),
        ("set: {BATCH_SIZE: }", "mine.yaml:1:18: a value of BATCH_SIZE must be one word", "a list"),
        ("set: 5", "mine.yaml:1:6: set must be lines of `key: value`", "`trials: 6`"),
        ("faults: [none, redis:kil@4s]", "mine.yaml:1:16: the fault 'redis:kil@4s' can't", "redis:kill"),
        ("faults: redis:kill@2s + redis:kill@3s", "mine.yaml:1:9: the fault 'redis:kill@3s' can't", "start"),
        ("faults: [none, none]", "mine.yaml:1:16: 'none' is here twice", "once"),
        ("- trials", "mine.yaml:1:1: the file must be lines of `key: value`", "`trials: 6`"),
        ("[1, 2]: 3", "mine.yaml:1:1: a key must be a word", "choose one of set"),
        ("", "mine.yaml: the file is empty", "`trials: 6`"),
        ("trials: 5\n\tseed: 3", "mine.yaml:2:1: this is not YAML", "indentation"),
        ("trials: [5", "this is not YAML", "indentation"),
        ("a: 1\n---\nb: 2", "mine.yaml:2:1: this is not YAML", "indentation"),
        ("trials: *five", "this is not YAML: found undefined alias", "indentation"),
        (b"\xff\xfe", "is not UTF-8", "UTF-8"),
        ("a: \x00", "this is not YAML", "plain text"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str | bytes, told: str, hint: str) -> None:
    error = refusal(tmp_path, text)
    assert told in error.message
    assert hint in error.hint


def test_files_without_bounds_are_refused(tmp_path: Path) -> None:
    assert "this is not YAML" in refusal(tmp_path, "[" * 5_000).message
    assert "is larger than 64 KiB" in refusal(tmp_path, "#" * 70_000).message
    many = f"set: {{BATCH_SIZE: {list(range(1, 60))}}}"
    assert "mine.yaml: this makes 118 combinations" in refusal(tmp_path, many).message


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    error = refusal(tmp_path, "trials: many\nduratoin: 3\nset:\n  BATCH_SIZE: [0]\n")
    places = [line.rpartition("mine.yaml:")[2].split(": ")[0] for line in error.message.splitlines()]
    assert places == ["1:9", "2:1", "4:16"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none\\.yaml can't be read: No such file"):
        read_design(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        read_design(tmp_path)


def test_a_value_that_contains_itself_is_refused(tmp_path: Path) -> None:
    assert "must be one word" in refusal(tmp_path, "faults: &a [*a]").message


def test_no_damage_to_a_good_file_causes_a_crash(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    damaged = [
        *("\n".join([*lines[:n], *lines[n + 1 :]]) for n in range(len(lines))),
        *("\n".join([*lines[:n], f"  {lines[n]}", *lines[n + 1 :]]) for n in range(len(lines))),
        *(GOOD[:n] for n in range(0, len(GOOD), 3)),
        *(GOOD[:n] + sign + GOOD[n + 1 :] for sign in "[{:-&*!|\x07" for n in range(0, len(GOOD), 9)),
    ]
    refused = 0
    for text in damaged:
        try:
            design(tmp_path, text)
        except LabError:
            refused += 1
    assert 0 < refused < len(damaged)


def test_the_file_in_the_docs_is_the_default_and_a_trial_without_a_fault(tmp_path: Path) -> None:
    page = Path(__file__).parents[4] / "docs" / "experiment.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    default = Design()
    assert design(tmp_path, example) == replace(default, faults=(*default.faults, "none"))
