"""Products, documents and entries."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.writebehind.entry import (
    DeadLetter,
    Product,
    attempts_of,
    check_id,
    finish,
    is_tombstone,
    parse_product,
    product_head,
    queued_at_of,
    to_document,
    tombstone_head,
    with_source,
)
from service.writebehind.errors import InvalidProduct


def body(**changes: Any) -> bytes:
    return json.dumps({"name": "Widget", "price": 29.99, "quantity": 100} | changes).encode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "x" * 256}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": None}, "name"),
        ({"price": 1e9}, "price"),
        ({"price": -0.01}, "price"),
        ({"price": 100_000_000}, "price"),
        ({"price": 1.005}, "price"),
        ({"price": "29.99"}, "price"),
        ({"price": True}, "price"),
        ({"quantity": 2**31}, "quantity"),
        ({"quantity": -(2**31) - 1}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"quantity": 2147483648.0}, "quantity"),
        ({"quantity": -2147483648.5}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": False}, "quantity"),
        ({"quantity": None}, "quantity"),
    ],
)
def test_what_postgres_would_refuse_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidProduct) as refused:
        parse_product(body(**changes))
    assert list(refused.value.problems) == [field]


@pytest.mark.parametrize("missing", ["name", "price", "quantity"])
def test_a_missing_field_is_named(missing: str) -> None:
    value = json.loads(body())
    del value[missing]
    with pytest.raises(InvalidProduct) as refused:
        parse_product(json.dumps(value).encode())
    assert refused.value.problems == {missing: "is required"}


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"name": "\\ud800", "price": 1, "quantity": 1}'])
def test_a_body_that_is_not_json_is_distinguished_from_a_bad_product(text: bytes) -> None:
    with pytest.raises(ValueError, match="not valid JSON"):
        parse_product(text)


@pytest.mark.parametrize("text", [b"[]", b"3", b"null"])
def test_a_body_that_is_not_an_object_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidProduct):
        parse_product(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x" * 255},
        {"name": "名" * 255},
        {"price": 99_999_999.99},
        {"price": 0},
        {"price": 0.01},
        {"quantity": 2**31 - 1},
        {"quantity": -(2**31)},
        {"source": "cache", "version": 3},
    ],
)
def test_the_limits_themselves_are_fine(changes: dict[str, Any]) -> None:
    parse_product(body(**changes))


NUMBERS = b'{"name": "Widget", "price": %b, "quantity": %b}'


@pytest.mark.parametrize(
    ("price", "quantity", "product"),
    [
        (b"5", b"1.0", (5.0, 1)),
        (b"5.0", b"1e2", (5.0, 100)),
        (b"5e-1", b"1E2", (0.5, 100)),
        (b"-0", b"-0.0", (0.0, 0)),
        (b"-0.0", b"0", (0.0, 0)),
        (b"0.10", b"2147483647.0", (0.1, 2147483647)),
        (b"99999999.99", b"-2147483648.0", (99999999.99, -2147483648)),
    ],
)
def test_numbers_mean_what_they_mean_in_json(
    price: bytes, quantity: bytes, product: tuple[float, int]
) -> None:
    taken = parse_product(NUMBERS % (price, quantity))
    assert (taken.price, taken.quantity) == product
    assert type(taken.quantity) is int


@pytest.mark.parametrize(
    ("price", "quantity", "field"),
    [
        (b"1e400", b"1", "price"),
        (b"1" + b"0" * 400, b"1", "price"),
        (b"1e-3", b"1", "price"),
        (b"[1]", b"1", "price"),
        (b"1", b"1e400", "quantity"),
        (b"1", b"1" + b"0" * 400, "quantity"),
        (b"1", b"1e-1", "quantity"),
        (b"1", b"{}", "quantity"),
    ],
)
def test_numbers_beyond_all_limits_are_refused(price: bytes, quantity: bytes, field: str) -> None:
    with pytest.raises(InvalidProduct) as refused:
        parse_product(NUMBERS % (price, quantity))
    assert list(refused.value.problems) == [field]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + NUMBERS % (b"1", b"1"),
        NUMBERS % (b"NaN", b"1"),
        NUMBERS % (b"Infinity", b"1"),
        NUMBERS % (b"01", b"1"),
        NUMBERS % (b"+1", b"1"),
        NUMBERS % (b"1.", b"1"),
        NUMBERS % (b"1", b"1") + b"x",
        b'{"name": "a", "price": 1, "quantity": 1, "more": ' + b"[" * 8000 + b"]" * 8000 + b"}",
        b'{"name": "\xed\xa0\x80", "price": 1, "quantity": 1}',
        b'{"name": "\\udc00\\ud800", "price": 1, "quantity": 1}',
    ],
)
def test_what_only_looks_like_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not valid JSON"):
        parse_product(text)


def test_the_last_of_duplicate_members_counts() -> None:
    twice = b'{"name": "a", "name": "b", "price": 1, "quantity": 1, "price": 2, "quantity": 2.0}'
    assert parse_product(twice) == Product("b", 2.0, 2)


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse_product(b'{"name": "\\ud83d\\ude00", "price": 1, "quantity": 1}').name == "\U0001f600"


@pytest.mark.parametrize("product_id", ["seed-001", "A.b_c-9", "x" * 36])
def test_good_ids(product_id: str) -> None:
    assert check_id(product_id) == product_id


@pytest.mark.parametrize("product_id", ["", "x" * 37, "a b", "a:b", "ä", "a\n", "../x", "a\0"])
def test_bad_ids(product_id: str) -> None:
    with pytest.raises(InvalidProduct):
        check_id(product_id)


names = st.text(min_size=1, max_size=40)


@given(
    name=st.one_of(names, st.just('","version":1,"deleted":true,"queued_at":1,"attempts":1}')),
    price=st.decimals(0, 99_999_999, places=2).map(float),
    quantity=st.integers(-(2**31), 2**31 - 1),
    version=st.integers(10**15, 10**16 - 1),
    attempts=st.integers(0, 100),
)
def test_documents_are_json_whatever_the_name(
    name: str, price: float, quantity: int, version: int, attempts: int
) -> None:
    document = finish(
        product_head("p-1", Product(name, price, quantity)), created_at="T0", updated_at="T1", version=version
    )
    entry = document[:-1] + b',"queued_at":%d,"attempts":%d}' % (version, attempts)
    assert json.loads(document) == {
        "id": "p-1", "name": name, "price": price, "quantity": quantity,
        "created_at": "T0", "updated_at": "T1", "version": version,
    }  # fmt: skip
    assert json.loads(with_source(document, "cache"))["source"] == "cache"
    assert to_document(entry) == document
    assert (attempts_of(entry), queued_at_of(entry)) == (attempts, version)
    assert not is_tombstone(document)


def test_a_tombstone_is_recognised() -> None:
    assert is_tombstone(finish(tombstone_head("p-1"), created_at="T0", updated_at="T1", version=1))


def test_negative_zero_is_zero() -> None:
    assert b'"price":0.0,' in product_head("p", parse_product(body(price=-0.0)))


def test_a_dead_letter_keeps_even_what_is_not_json() -> None:
    letter = DeadLetter.of("p", 3, b"\xffjunk", error="why", attempts=1)
    assert json.loads(letter.encode())["entry"] == "\ufffdjunk"
