"""Running k6: its command line, its output, and its exit code."""

from collections import deque

import pytest

from stack.errors import EnvironmentFault
from stack.spec.load_test import k6_arguments, require_success, shown_command, split_lines


def test_lines_are_whole_however_the_stream_was_cut() -> None:
    whole = "first\nsécond\n\nlast".encode()
    for size in range(1, len(whole) + 1):
        chunks = (whole[n : n + size] for n in range(0, len(whole), size))
        assert list(split_lines(chunks)) == ["first", "sécond", "", "last"]


def test_no_line_where_nothing_was_printed() -> None:
    assert list(split_lines([])) == []


@pytest.mark.parametrize("code", [0, 99])
def test_a_run_that_came_to_its_end(code: int) -> None:
    require_success(code, ["anything"])


def test_a_run_that_did_not_is_told_in_its_own_words() -> None:
    with pytest.raises(
        EnvironmentFault, match=r"exit code 107; its output ends with:\n  the product was not created"
    ):
        require_success(107, deque(["a", "b", "c", "d", "the product was not created"], maxlen=1))


def test_what_is_shown_can_be_typed() -> None:
    shown = shown_command("k6", "/with space/basic.js", {"DURATION": "4s"})
    assert shown == "k6 run -e DURATION=4s '/with space/basic.js'"


def test_two_tests_on_one_machine_do_not_share_a_port() -> None:
    arguments = k6_arguments("basic.js")
    assert arguments[arguments.index("--address") + 1] == "127.0.0.1:0"
