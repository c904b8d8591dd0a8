import pytest

from stack.errors import DeadlinePassed
from stack.wait import wait_until, waiting


def test_a_condition_that_holds_is_not_waited_for() -> None:
    assert list(waiting(lambda: True, seconds=0, reason="", hint="")) == []


def test_progress_is_told_until_it_holds() -> None:
    answers = iter([False, False, True])
    assert len(list(waiting(lambda: next(answers), seconds=5, reason="", hint="", poll=0.001))) == 2


def test_the_deadline_names_the_reason_and_what_to_do() -> None:
    with pytest.raises(
        DeadlinePassed, match=r"timed out after 0\.01 s waiting until the moon rises"
    ) as caught:
        wait_until(
            lambda: False, seconds=0.01, reason="the moon rises", hint="wait for the night", poll=0.001
        )
    assert caught.value.hint == "wait for the night"
