"""What the Tab key completes."""

import pytest

from labctl.cli import completions
from stack.spec.validate import check_settings


@pytest.mark.parametrize("offers", [completions.demos, completions.loads, completions.services])
def test_words_that_begin_so(offers: "object") -> None:
    assert callable(offers)
    everything = offers("")
    assert everything == sorted(everything)
    for word in everything:
        assert word in offers(word[:2])
    assert offers("zz") == []


def test_the_demos_are_among_them() -> None:
    assert {"coalescing", "data-loss", "all"} <= set(completions.demos(""))


def test_what_can_be_set_live_can_be_set_at_all() -> None:
    assert set(completions.live_settings("")) <= set(completions.lab_settings(""))
    assert completions.live_settings("BATCH") == ["BATCH_SIZE="]
    assert check_settings({"BATCH_SIZE": "1"})
