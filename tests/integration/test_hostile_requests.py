"""Requests that only a hostile client sends: each gets a problem document, and none a 500."""

from collections.abc import Iterator

import pytest

from tests.api_process import Api, running_api
from tests.raw_http import BODY, Answer, RawClient, post, request
from tests.servers import Servers


@pytest.fixture(scope="module")
def api(_servers: Servers) -> Iterator[Api]:
    _servers.empty()
    with running_api(_servers) as api:
        yield api


@pytest.fixture
def client(api: Api) -> Iterator[RawClient]:
    with RawClient(api.port) as client:
        yield client


PATHS = {
    "/products": {"GET", "HEAD", "OPTIONS", "POST"},
    "/products/seed-001": {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"},
    "/health": {"GET", "HEAD", "OPTIONS"},
    "/metrics": {"GET", "HEAD", "OPTIONS"},
    "/openapi.json": {"GET", "HEAD", "OPTIONS"},
    "/admin/config": {"GET", "HEAD", "OPTIONS", "PATCH"},
    "/admin/queue": {"GET", "HEAD", "OPTIONS"},
    "/admin/flush": {"OPTIONS", "POST"},
    "/admin/dlq": {"DELETE", "GET", "HEAD", "OPTIONS"},
    "/admin/dlq/requeue": {"OPTIONS", "POST"},
}


@pytest.mark.parametrize("path", PATHS)
def test_methods(client: RawClient, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        if method not in PATHS[path]:
            answer = client.ask(request(method, path))
            assert (answer.status, answer.is_problem()) == (405, True)
            assert set(answer.headers["allow"].split(", ")) == PATHS[path]
    options = client.ask(request("OPTIONS", path))
    assert (options.status, options.body) == (200, b"")
    assert set(options.headers["allow"].split(", ")) == PATHS[path]
    if "HEAD" in PATHS[path]:
        client.send(request("HEAD", path))
        head = client.receive(head_only=True)
        assert (head.status, head.headers["content-length"] != "0") == (200, True)
    # If the answer to HEAD had a body, it would be read here.
    assert client.ask(request("GET", "/openapi.json")).status == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/", 200),
        ("//nowhere", 404),
        ("/products/", 404),
        ("/products//seed-001", 404),
        ("/products/seed-001/", 404),
        ("/products/seed-001/x", 404),
        ("/health/", 404),
        ("/admin", 404),
        ("/products/%", 422),
        ("/products/%zz", 422),
        ("/products/%2", 422),
        ("/products/a%00b", 422),
        ("/products/a%0ab", 422),
        ("/products/a%2fb", 404),
        ("/products/%ff%fe", 422),
        ("/products/%ed%a0%80", 422),
        ("/products/%c3%a4", 422),
        ("/products/..%2f..%2fetc", 404),
        ("/products/../health", 404),
        ("/products/" + "x" * 37, 422),
        ("/products/" + "x" * 8_000, 422),
        ("/products/" + "x" * 9_000, 414),
        ("/products?limit=", 422),
        ("/products?limit=0", 422),
        ("/products?limit=1001", 422),
        ("/products?limit=-1", 422),
        ("/products?limit=1.0", 422),
        ("/products?limit=1e2", 422),
        ("/products?limit=%d9%a1", 422),
        ("/products?limit=%ff", 422),
        ("/products?limit=%00", 422),
        ("/products?limit=" + "9" * 5_000, 422),
        ("/products?limit=1&limit=x", 200),
        ("/products?limt=x&&=&%%%", 200),
        ("*", 404),
    ],
)
def test_targets(client: RawClient, target: str, status: int) -> None:
    answer = client.ask(request("GET", target))
    assert answer.status == status
    assert status == 200 or answer.is_problem()


@pytest.mark.parametrize(
    "policy",
    ["", "WRITE_THROUGH", "write_through ,", "write_behind, write_through", "x" * 9_000, "\xff", "'\"<>"],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_policies(client: RawClient, method: str, policy: str) -> None:
    path = "/products" if method == "POST" else "/products/seed-001"
    body = b"" if method == "DELETE" else BODY
    answer = client.ask(request(method, path, f"X-Write-Policy: {policy}", body=body))
    assert (answer.status, answer.is_problem()) == (400, True)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Content-Type:",),
        ("Content-Type: text/plain",),
        ("Content-Type: application/x-www-form-urlencoded",),
        ("Content-Type: multipart/form-data; boundary=x",),
        ("Content-Type: application/json; charset=\xff",),
        ("Content-Encoding: gzip",),
        ("Accept: nothing/at-all",),
        ("Host: lab2",),
        ("Cookie: " + "a=b; " * 1_000,),
        ("X: " + "x" * 30_000,),
        ("X: " + "x" * 40_000,),
        tuple(f"X-{n}: y" for n in range(1_000)),
        tuple(f"X-{n}: y" for n in range(5_000)),
        ("Transfer-Encoding: identity",),
        ('Forwarded: for="[::1]:x"', "X-Forwarded-For: junk", "X-Forwarded-Host: ://", "X-Forwarded-Port: x"),
        ("Authorization: Basic !!!", "If-None-Match: *", "If-Modified-Since: never", "Range: bytes=0-0"),
    ],
)
def test_headers(api: Api, headers: tuple[str, ...]) -> None:
    with RawClient(api.port) as client:
        answer = client.ask(request("POST", "/products", *headers, body=BODY))
    assert answer.status == 201 or (answer.status in (400, 421, 431) and answer.is_problem())


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"null", b"[]", b'"x"', b"{", b"\xff", b"\xef\xbb\xbf" + BODY, b"[" * 16_000, b"1e999"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/products"), ("PUT", "/products/seed-001"), ("PATCH", "/admin/config")]
)
def test_bodies(client: RawClient, method: str, path: str, body: bytes) -> None:
    answer = client.ask(request(method, path, "Content-Type: application/json", body=body))
    assert answer.status in (400, 422)
    assert answer.is_problem()


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
def test_a_body_where_none_belongs_keeps_the_connection_in_step(client: RawClient, method: str) -> None:
    client.send(request(method, "/products/nowhere", body=post()))
    assert client.receive(head_only=method == "HEAD").status in (200, 404)
    assert client.ask(post()).status == 201


def test_an_admin_body_that_is_too_long_is_refused(client: RawClient) -> None:
    answer: Answer = client.ask(request("PATCH", "/admin/config", body=b" " * 16_385))
    assert (answer.status, answer.is_problem()) == (413, True)
