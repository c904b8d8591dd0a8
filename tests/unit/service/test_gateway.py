"""The gateway between an event loop and the threads that answer: deadlines, limits, waiting."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

from service.gateway import Application, Gateway, Special
from service.telemetry.facts import Facts, facts_of


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


def scope(path: str = "/products", **headers: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50_000),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


class Request:
    """One call of a gateway: the parts of the body that came, and then nothing more."""

    def __init__(self, *parts: bytes, ends: bool = True, gone: bool = False) -> None:
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": not (ends and number == len(parts))}
            for number, part in enumerate(parts, 1)
        ]
        if gone:
            self._messages.append({"type": "http.disconnect"})
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if not self._messages:
            await asyncio.Event().wait()
        self.read += 1
        return self._messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def run(self, gateway: Gateway, scope: dict[str, Any]) -> "Request":
        await gateway(scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        return bytes(self.sent[1]["body"])


def make(application: Application = echo, **options: Any) -> Gateway:
    return Gateway(application, **{"threads": 1, "max_body": 10, **options})


def test_the_application_gets_the_whole_body() -> None:
    asked = asyncio.run(Request(b"ab", b"", b"cd").run(make(), scope()))
    assert (asked.status, asked.body) == (200, b"abcd")


def test_a_header_with_an_underscore_does_not_pass_for_another() -> None:
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        return echo(environ, start)

    asked = {**scope(x_dashed="1"), "headers": [(b"x-dashed", b"1"), (b"x_write_policy", b"write_through")]}
    asyncio.run(Request(b"").run(make(look), asked))
    assert (seen["HTTP_X_DASHED"], "HTTP_X_WRITE_POLICY" in seen) == ("1", False)


def test_a_body_that_does_not_end_is_refused_in_time() -> None:
    asked = asyncio.run(Request(b"{", ends=False).run(make(body_timeout_s=0.05), scope()))
    assert asked.status == 408
    assert json.loads(asked.body)["detail"] == "the body did not arrive within 0.05 s"


def test_a_body_that_is_cut_off_never_reaches_the_application() -> None:
    asked = asyncio.run(Request(b"{", ends=False, gone=True).run(make(), scope()))
    assert asked.sent == []


def test_a_long_body_is_refused_unread_if_announced_and_soon_if_not() -> None:
    told = asyncio.run(Request(b"x" * 11).run(make(), scope(content_length="11")))
    untold = asyncio.run(Request(b"x" * 6, b"x" * 6, b"x" * 6).run(make(), scope()))
    assert [told.status, told.read, untold.status, untold.read] == [413, 0, 413, 2]


def test_requests_that_wait_too_long_are_refused_and_health_does_not_wait() -> None:
    release, called = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/health":
            called.set()
            release.wait(10)
        return echo(environ, start)

    async def ask_three() -> list[int]:
        gateway = make(slow, queue_timeout_s=0.3)
        first = asyncio.create_task(Request(b"").run(gateway, scope()))
        await asyncio.to_thread(called.wait, 10)
        second = asyncio.create_task(Request(b"").run(gateway, scope()))
        health = await Request(b"").run(gateway, scope("/health"))
        # Longer than the second may wait for the first one's thread.
        await asyncio.wait([second], timeout=0.5)
        release.set()
        return [(await first).status, (await second).status, health.status]

    assert asyncio.run(ask_three()) == [200, 503, 200]


def test_every_request_is_observed_once_with_what_is_known_of_it() -> None:
    observed: list[tuple[str, str, int, str | None]] = []

    def observe(method: str, facts: Facts, status: int, seconds: float) -> None:
        assert 0 <= seconds < 5
        observed.append((method, facts.route, status, facts.refusal))

    def routed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        facts_of(environ).route = "/products"
        return echo(environ, start)

    asyncio.run(Request(b"ab").run(make(routed, observe=observe), scope()))
    asyncio.run(Request(b"x" * 11).run(make(routed, observe=observe), scope()))
    asyncio.run(Request(b"ab").run(make(routed, observe=observe, queue_timeout_s=-1), scope()))
    asyncio.run(Request(b"{", ends=False, gone=True).run(make(routed, observe=observe), scope()))
    assert observed == [
        ("POST", "/products", 200, None),
        ("POST", "unmatched", 413, None),
        ("POST", "unmatched", 503, "busy"),
    ]


def test_a_special_path_has_its_own_limit_and_refusals() -> None:
    async def run() -> None:
        special = Special(10, lambda content_type, detail: ("text/x", f"{content_type}: {detail}".encode()))
        gateway = Gateway(echo, threads=1, max_body=5, special={"/v1/traces": special})
        path = "/v1/traces"
        assert (await Request(b"1234567890").run(gateway, scope(path))).status == 200
        assert (await Request(b"123456").run(gateway, scope())).status == 413
        refused = await Request(b"12345678901").run(gateway, scope(path, content_type="a/b"))
        headers = dict(refused.sent[0]["headers"])
        assert (refused.status, headers[b"content-type"]) == (413, b"text/x")
        assert refused.sent[1]["body"] == b"a/b: a body has at most 10 bytes"
        assert headers[b"content-length"] == str(len(refused.sent[1]["body"])).encode()

    asyncio.run(run())


def test_requests_about_traces_hold_up_no_write_and_few_of_them_wait() -> None:
    held = threading.Event()

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/products":
            held.wait(10)
        return echo(environ, start)

    async def run() -> None:
        gateway = Gateway(application, threads=1, max_body=5)
        paths = ("/v1/traces", "/traces/7", "/products/p/life")
        waiting = [asyncio.create_task(Request(b"").run(gateway, scope(paths[n % 3]))) for n in range(8)]
        await asyncio.sleep(0)
        assert (await Request(b"").run(gateway, scope())).status == 200
        assert (await Request(b"").run(gateway, scope("/traces"))).status == 503
        held.set()
        assert [(await each).status for each in waiting] == [200] * 8
        assert (await Request(b"").run(gateway, scope("/traces"))).status == 200

    asyncio.run(run())
