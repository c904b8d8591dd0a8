"""The HTTP/1.1 subset that the load generator needs."""

import pytest

from scenarios.judge.ledger import answer_without_product
from scenarios.load.http import Malformed, Stored, parse, request, stored

_WHOLE = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nlocation: /products/x\r\n\r\n{}"


def test_a_request_with_a_body_is_json() -> None:
    assert request("POST", "/products", "lab:1", b"{}") == (
        b"POST /products HTTP/1.1\r\nHost: lab:1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_request_without_a_body() -> None:
    assert request("GET", "/products/x", "lab:1") == b"GET /products/x HTTP/1.1\r\nHost: lab:1\r\n\r\n"


@pytest.mark.parametrize("cut", range(len(_WHOLE)))
def test_a_part_of_an_answer_is_none_yet(cut: int) -> None:
    assert parse(_WHOLE[:cut]) is None


def test_a_whole_answer() -> None:
    reply = parse(_WHOLE)
    assert reply is not None
    assert (reply.status, reply.body, reply.reusable, reply.ok) == (201, b"{}", True, True)


@pytest.mark.parametrize("name", [b"content-length:", b"Content-Length: ", b"CONTENT-LENGTH:  "])
def test_header_names_come_in_any_case(name: bytes) -> None:
    reply = parse(b"HTTP/1.1 404 Not Found\r\n" + name + b"0\r\n\r\n")
    assert reply is not None
    assert (reply.status, reply.body, reply.ok) == (404, b"", False)


def test_a_server_may_close_after_its_answer() -> None:
    reply = parse(b"HTTP/1.1 503 Full\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert reply is not None
    assert not reply.reusable


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 twohundred\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ntoo much",
    ],
)
def test_what_is_no_answer_is_malformed(answer: bytes) -> None:
    with pytest.raises(Malformed):
        parse(answer)


def test_a_stored_product_may_hold_more() -> None:
    assert stored(b'{"id":"x","name":"N","version":7,"source":"cache"}') == Stored("x", 7)


@pytest.mark.parametrize("body", [b"", b"nonsense", b'{"id":"x"}', b'{"id":"x","version":"7"}', b"\xff"])
def test_another_body_is_no_stored_product(body: bytes) -> None:
    assert stored(body) is None


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, "unknown"),
        (201, "unknown"),
        (404, "refused"),
        (422, "refused"),
        (503, "refused"),
        (500, "unknown"),
        (502, "unknown"),
        (504, "unknown"),
    ],
)
def test_what_an_answer_without_a_product_says_of_a_write(status: int, answer: str) -> None:
    assert answer_without_product(status) == answer
