"""Commands shown on a narrow screen can still be pasted."""

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.render.text.shell import prompted, wrap_command

CREATE = (
    "curl -s -X POST http://127.0.0.1:8000/products -H 'Content-Type: application/json' "
    '-d \'{"name": "Demo Widget", "price": 29.99, "quantity": 100}\''
)


def _split(lines: list[str]) -> list[str]:
    """Join lines as a shell does: a backslash at the end continues a line."""
    return shlex.split("\n".join(lines).replace("\\\n", " "))


def test_a_short_command_stays_on_its_line() -> None:
    assert wrap_command("redis-cli FLUSHALL", 40) == ["redis-cli FLUSHALL"]


def test_a_long_one_is_continued_between_words() -> None:
    assert wrap_command(CREATE, 74) == [
        "curl -s -X POST http://127.0.0.1:8000/products \\",
        "    -H 'Content-Type: application/json' \\",
        '    -d \'{"name": "Demo Widget", "price": 29.99, "quantity": 100}\'',
    ]


def test_a_program_does_not_stand_alone() -> None:
    assert wrap_command("curl -s http://127.0.0.1:8000/products/a-long-id -o /dev/null", 40) == [
        "curl -s \\",
        "    http://127.0.0.1:8000/products/a-long-id \\",
        "    -o /dev/null",
    ]


def test_continued_lines_are_one_command() -> None:
    script = "curl -s \\\n  -X POST\nredis-cli PING"
    assert prompted(script) == [("$ ", "curl -s -X POST"), ("$ ", "redis-cli PING")]


def test_a_loop_has_one_prompt() -> None:
    assert [prompt for prompt, _ in prompted("for i in 1 2; do\n  echo $i\ndone; wait")] == ["$ ", "  ", "  "]


@pytest.mark.parametrize("width", [30, 40, 50, 60, 80])
def test_json_that_is_too_long_for_a_line_stays_the_same_json(width: int) -> None:
    words = _split(wrap_command(CREATE, width))
    assert words[:-1] == shlex.split(CREATE)[:-1]
    assert json.loads(words[-1]) == {"name": "Demo Widget", "price": 29.99, "quantity": 100}


@given(st.lists(st.from_regex(r"[a-z./=-]{1,30}", fullmatch=True), min_size=1), st.integers(10, 60))
def test_words_survive_any_width(words: list[str], width: int) -> None:
    assert _split(wrap_command(shlex.join(words), width)) == words


@pytest.mark.parametrize("command", ["echo 'it is long", 'psql -c "SELECT 1', "a long one \\"])
def test_text_that_is_no_whole_command_is_left_alone(command: str) -> None:
    assert wrap_command(command, 5) == [command]
