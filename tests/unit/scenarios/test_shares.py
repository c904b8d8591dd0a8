"""What `--mix` takes."""

from typing import Any

import pytest

from scenarios.shares import USUAL_SHARES, Shares, parse_shares
from stack.errors import UsageError


@pytest.mark.parametrize(
    ("value", "shares"),
    [
        ("create=30,read=30,update=40", USUAL_SHARES),
        (" create = 30 , read=70% ", Shares(create=30, read=70)),
        ("update=1", Shares(update=1)),
        ("create=0,delete=0.5", Shares(delete=0.5)),
        ({"read": 2, "update": 1}, Shares(read=2, update=1)),
        (USUAL_SHARES, USUAL_SHARES),
    ],
)
def test_weights_by_operation(value: Any, shares: Shares) -> None:
    assert parse_shares(value) == shares


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "'' has no weight"),
        ("create", "'create' has no weight"),
        ("create=30,", "'' has no weight"),
        ("creat=30", "'creat' is not one of create, read, update, delete"),
        ("create=3,create=4", "create stands there twice"),
        ("create=many", "create can't be 'many'"),
        ("create=", "create can't be ''"),
        ("create=-1,read=2", "create can't be '-1'"),
        ("create=nan", "create can't be 'nan'"),
        ("create=inf", "create can't be 'inf'"),
        ("create=0,read=0", "nothing would be sent"),
        ("create=1,read=2000", "create is less than one request in 1,000"),
        ({"read": None}, "read can't be None"),
        ({}, "nothing would be sent"),
    ],
)
def test_what_makes_no_mix_is_named_with_an_example(value: Any, why: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_shares(value)
    assert error.value.message.startswith("--mix can't be")
    assert error.value.message.endswith(why)
    assert "create=30,read=30,update=40,delete=5" in error.value.hint


def test_the_share_of_writes() -> None:
    assert USUAL_SHARES.writes == pytest.approx(0.7)
    assert Shares(read=5).writes == 0
    assert Shares(delete=5).writes == 1


def test_shares_read_as_they_are_typed() -> None:
    assert str(USUAL_SHARES) == "create=30,read=30,update=40"
    assert parse_shares(str(Shares(read=0.5, delete=2))) == Shares(read=0.5, delete=2)
