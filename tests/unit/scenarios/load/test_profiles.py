"""What loads send."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.load.profiles import Call, Creates, HotProduct, Mix
from scenarios.shares import Shares


def _body(call: Call) -> object:
    return json.loads(call.payload.partition(b"\r\n\r\n")[2])


def test_creates_are_distinct_and_valid_products() -> None:
    profile = Creates("lab:1")
    calls = [profile.next(0) for _ in range(12_000)]
    assert {call.operation for call in calls} == {"create"}
    assert all(call.product is None for call in calls)
    assert calls[0].payload.startswith(b"POST /products HTTP/1.1\r\nHost: lab:1\r\n")
    values = [call.value for call in calls if call.value is not None]
    assert len({value["name"] for value in values}) == len(calls)
    # The service takes no more than two decimals.
    assert all(value["price"] == round(value["price"], 2) for value in values)
    assert _body(calls[0]) == calls[0].value == {"name": "Load-1", "price": 0.01, "quantity": 1}


def test_the_hot_product_is_the_only_one() -> None:
    profile = HotProduct("lab:1", "hot")
    first, second = profile.next(0), profile.next(1)
    assert first.product == second.product == "hot"
    assert first.operation == "update"
    assert first.payload.startswith(b"PUT /products/hot HTTP/1.1\r\n")
    assert first.value != second.value


def test_the_mix_begins_with_a_create() -> None:
    profile = Mix("lab:1", clients=3)
    assert all(profile.next(client).operation == "create" for client in range(3))


def test_the_mix_is_30_30_40() -> None:
    profile = Mix("lab:1", clients=1)
    profile.acknowledged(0, profile.next(0), "p", 1)
    kinds = Counter(profile.next(0).operation for _ in range(9_999))
    assert kinds == {"create": 3000, None: 3000, "update": 3999}
    assert profile.writes == pytest.approx(0.7)


@settings(max_examples=20)
@given(weights=st.lists(st.integers(0, 100), min_size=4, max_size=4).filter(any))
def test_a_thousand_calls_hold_any_shares(weights: list[int]) -> None:
    shares = Shares(**dict(zip(("create", "read", "update", "delete"), weights, strict=True)))
    profile = Mix("lab:1", clients=1, shares=shares)
    sent: Counter[str] = Counter()
    for n in range(1001):
        # A client that has no product creates one out of turn; here it always has one.
        profile.acknowledged(0, Call(b"", "create", None), f"p-{n}", n)
        call = profile.next(0)
        if n:
            sent[call.operation or "read"] += 1
    for kind, weight in shares.weights.items():
        assert abs(sent[kind] - 1000 * weight / sum(weights)) <= 1.5
        assert (sent[kind] > 0) == (weight > 0)


def test_a_product_that_was_deleted_is_not_used_again() -> None:
    profile = Mix("lab:1", clients=1, shares=Shares(read=1, delete=1))
    profile.acknowledged(0, profile.next(0), "p", 1)
    call = next(call for _ in range(1000) if (call := profile.next(0)).operation == "delete")
    assert (call.product, call.value) == ("p", None)
    assert call.payload == b"DELETE /products/p HTTP/1.1\r\nHost: lab:1\r\n\r\n"
    assert profile.next(0).operation == "create"
    profile.acknowledged(0, call, "p", 2)
    assert profile.next(0).operation == "create"


def test_writes_ask_for_their_policy_and_reads_for_none() -> None:
    profile = Mix("lab:1", 1, Shares(create=1, read=1, update=1, delete=1), policy="write_through")
    asked = set()
    for n in range(50):
        profile.acknowledged(0, Call(b"", "create", None), f"p-{n}", n)
        call = profile.next(0)
        asked.add((call.operation, b"\r\nX-Write-Policy: write_through\r\n" in call.payload))
    assert asked == {("create", True), (None, False), ("update", True), ("delete", True)}


def test_no_more_products_are_kept_than_there_are_keys() -> None:
    profile = Mix("lab:1", clients=3, keys=10)
    for n in range(300):
        profile.acknowledged(n % 3, Call(b"", "create", None), f"p-{n}", n + 1)
    used = {call.product for n in range(3000) if (call := profile.next(n % 3)).product}
    # Those of each client are its newest.
    assert used == {f"p-{n}" for n in range(290, 300)} - {"p-290"} | {"p-288"}


def test_the_mix_is_the_same_in_every_run() -> None:
    """Runs can be compared only if each sends the same, in this process or any other."""
    profile = Mix("lab:1", clients=1)
    profile.acknowledged(0, profile.next(0), "p", 1)
    kinds = [profile.next(0).operation for _ in range(8)]
    assert kinds == [None, "update", "update", "create", None, "create", "update", None]


def test_clients_keep_to_their_own_products_and_expect_their_newest_version() -> None:
    profile = Mix("lab:1", clients=2)
    for client, product in enumerate(("mine", "yours")):
        profile.acknowledged(client, profile.next(client), product, 10)
    profile.acknowledged(0, profile.next(0), "mine", 20)
    calls = [profile.next(0) for _ in range(200)]
    assert {call.product for call in calls} == {None, "mine"}
    reads = [call for call in calls if call.operation is None]
    assert {call.at_least for call in reads} == {20}
    assert reads[0].payload.startswith(b"GET /products/mine HTTP/1.1\r\n")


def test_a_product_that_is_gone_is_left_alone() -> None:
    profile = Mix("lab:1", clients=1)
    profile.acknowledged(0, profile.next(0), "p", 1)
    call = next(call for _ in range(100) if (call := profile.next(0)).product == "p")
    profile.gone(0, call)
    profile.gone(0, call)
    assert all(profile.next(0).product is None for _ in range(50))
